"""Weights that are normalized at each use; named as in `torch.nn.utils.parametrizations`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import AxisError
from autograd_lite.sums import narrowed, total

from ..arrays import as_array
from ..functional import normalize
from ..layers.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..module import Module
from ..options import check_whole
from ..random import generator
from .computed import check_parameter
from .parametrize import register_parametrization

__all__ = ["spectral_norm", "weight_norm"]

Array = npt.NDArray[Any]


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the norm and the direction of a weight separately: w = g v / |v|.

    Args:
        module: a layer.
        name: the name of the parameter.
        dim: the axis of the units, each with its own norm g; None for a single norm.

    Returns:
        The layer, with parameters `parametrizations.weight.original0` (g) and `original1` (v).

    Raises:
        DataError: the layer has no such parameter.
        AxisError: the parameter has no such axis.

    Source:
        T. Salimans, D. Kingma, "Weight normalization", 2016.

    Example:
        >>> import nn, numpy as np
        >>> layer = weight_norm(nn.Linear(2, 3))
        >>> {path: p.shape for path, p in layer.parametrizations.named_parameters()}
        {'weight.original0': (3, 1), 'weight.original1': (3, 2)}
    """
    return register_parametrization(module, name, norm_of_units(module, name, dim))


class WeightNorm(Module):
    """g v / |v|, with a length for each entry along an axis; None for a single length."""

    def __init__(self, dim: int | None) -> None:
        self.dim = dim

    def forward(self, g: Any, v: Any) -> Any:
        """The weight."""
        return v * (g / self.lengths(v))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """The lengths and directions of a weight."""
        return self.lengths(weight), weight

    def lengths(self, v: Any) -> Any:
        """|v|."""
        if self.dim is None:
            return np.sqrt(np.sum(v * v))
        others = tuple(axis for axis in range(v.ndim) if axis != self.dim % v.ndim)
        return narrowed(np.sqrt(total(v * v, others, keepdims=True)), v)


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value, so that the layer does not increase norms.

    Power iterations estimate the singular value; each use in training continues them.

    Args:
        module: a layer.
        name: the name of the parameter.
        n_power_iterations: the number of power iterations for each use.
        eps: the smallest divisor in normalizations.
        dim: the axis of the outputs, which become the rows of a matrix; by default 1 for transposed
            convolutions, else 0.

    Returns:
        The layer, with the parameter `parametrizations.weight.original`.

    Raises:
        DataError: the layer has no such parameter.
        AxisError: the parameter has no such axis.

    Source:
        T. Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    Example:
        >>> import nn, numpy as np
        >>> nn.manual_seed(0)
        >>> layer = nn.Linear(2, 2)
        >>> layer.weight.data = np.array([[4.0, 0.0], [0.0, 1.0]])
        >>> spectral_norm(layer).weight.numpy().round(4)
        array([[1.  , 0.  ],
               [0.  , 0.25]])
    """
    check_whole("spectral_norm", "n_power_iterations", n_power_iterations)
    dim = axis_of_outputs(module, name, dim)
    norm = _SpectralNorm(getattr(module, name).numpy(), n_power_iterations, eps, dim)
    return register_parametrization(module, name, norm)


class _SpectralNorm(Module):
    _u: Array
    _v: Array

    def __init__(self, weight: Array, n_power_iterations: int, eps: float, dim: int) -> None:
        self.n_power_iterations, self.eps, self.dim = n_power_iterations, eps, dim
        if weight.ndim > 1:
            matrix = as_matrix(weight, dim)
            for vector, size in zip(("_u", "_v"), matrix.shape, strict=True):
                start = generator.normal(size=size).astype(weight.dtype)
                self.register_buffer(vector, normalize(start, dim=0, eps=eps))
            self.iterate(matrix, 15)

    def forward(self, weight: Tensor) -> Any:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training and not ag.is_recomputing():  # a recomputation must use the same u and v
            self.iterate(as_array(matrix), self.n_power_iterations)
        return weight / (self._u @ matrix @ self._v)

    def iterate(self, matrix: Array, times: int) -> None:
        """Make power iterations of u and v, towards the singular vectors of the largest singular value."""
        for _ in range(times):
            self._u = normalize(matrix @ self._v, dim=0, eps=self.eps)
            self._v = normalize(matrix.T @ self._u, dim=0, eps=self.eps)


def as_matrix(weight: Any, dim: int) -> Any:
    """A weight as a matrix whose rows are the outputs."""
    return np.reshape(np.moveaxis(weight, dim, 0), (weight.shape[dim], -1))


def norm_of_units(module: Module, name: str, dim: int | None) -> WeightNorm:
    """The weight norm of a parameter; refuse names and axes that the layer does not have."""
    check_parameter(module, name)
    if dim is not None:
        _check_axis(module, name, dim)
    return WeightNorm(None if dim == -1 else dim)


def axis_of_outputs(module: Module, name: str, dim: int | None) -> int:
    """The axis of a parameter that counts outputs; refuse names and axes that the layer does not have."""
    check_parameter(module, name)
    if dim is None:
        dim = 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0
    _check_axis(module, name, dim)
    return dim


def _check_axis(module: Module, name: str, dim: int) -> None:
    shape = getattr(module, name).shape
    if not -len(shape) <= dim < len(shape):
        raise AxisError(f"dim={dim}: {type(module).__name__}.{name} has shape {shape}")
