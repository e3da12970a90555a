"""Weights that are normalized at each use: the names `weight_g`, `weight_orig`, ... of `torch.nn.utils`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy.typing as npt

import autograd_lite as ag
from autograd_lite.errors import DataError

from ..arrays import as_array
from ..functional import normalize
from ..module import Module, Parameter
from ..options import check_whole
from ..random import generator
from .computed import compute, settle
from .parametrizations import WeightNorm, as_matrix, axis_of_outputs, norm_of_units

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]

Array = npt.NDArray[Any]


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the norm and the direction of a weight separately: w = g v / |v|.

    `nn.utils.parametrizations.weight_norm` does the same under other names.

    Args:
        module: a layer.
        name: the name of the parameter.
        dim: the axis of the units, each with its own norm g; None for a single norm.

    Returns:
        The layer, with parameters `weight_g` (g) and `weight_v` (v).

    Raises:
        DataError: the layer has no such parameter.
        AxisError: the parameter has no such axis.

    Source:
        T. Salimans, D. Kingma, "Weight normalization", 2016.

    Example:
        >>> import nn
        >>> layer = weight_norm(nn.Linear(2, 3))
        >>> {name: p.shape for name, p in layer.named_parameters()}
        {'bias': (3,), 'weight_g': (3, 1), 'weight_v': (3, 2)}
    """
    norm = norm_of_units(module, name, dim)
    g, v = norm.right_inverse(getattr(module, name).numpy())
    sources = {f"{name}_g": Parameter(g), f"{name}_v": Parameter(v)}
    compute(module, name, partial(_scaled, name=name, norm=norm), sources)
    return module


def _scaled(module: Module, name: str, norm: WeightNorm) -> Any:
    return norm(getattr(module, f"{name}_g"), getattr(module, f"{name}_v"))


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight of `weight_norm` a parameter again, with its current value.

    Raises:
        DataError: the weight is not normalized.
    """
    return _removed("weight_norm", module, name, f"{name}_g")


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value, so that the layer does not increase norms.

    Power iterations estimate the singular value; each use in training continues them.
    `nn.utils.parametrizations.spectral_norm` does the same under other names.

    Args:
        module: a layer.
        name: the name of the parameter.
        n_power_iterations: the number of power iterations for each use.
        eps: the smallest divisor in normalizations.
        dim: the axis of the outputs; by default 1 for transposed convolutions, else 0.

    Returns:
        The layer, with the parameter `weight_orig` and the buffers `weight_u` and `weight_v`.

    Raises:
        DataError: the layer has no such parameter.
        AxisError: the parameter has no such axis.

    Source:
        T. Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    Example:
        >>> import nn
        >>> sorted(spectral_norm(nn.Linear(2, 3)).state_dict())
        ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    check_whole("spectral_norm", "n_power_iterations", n_power_iterations)
    dim = axis_of_outputs(module, name, dim)
    weight = getattr(module, name)
    starts = (generator.normal(size=n).astype(weight.dtype) for n in as_matrix(weight.numpy(), dim).shape)
    u, v = (normalize(start, dim=0, eps=eps) for start in starts)
    sources = {f"{name}_orig": weight, f"{name}_u": u, f"{name}_v": v}
    function = partial(_divided, name=name, times=n_power_iterations, eps=eps, dim=dim)
    compute(module, name, function, sources)
    return module


def _divided(module: Module, name: str, times: int, eps: float, dim: int) -> Any:
    weight = getattr(module, f"{name}_orig")
    matrix = as_matrix(weight, dim)
    if module.training and not ag.is_recomputing():  # a recomputation must use the same u and v
        values, u = as_array(matrix), getattr(module, f"{name}_u")
        for _ in range(times):
            v = normalize(values.T @ u, dim=0, eps=eps)
            u = normalize(values @ v, dim=0, eps=eps)
        setattr(module, f"{name}_u", u)
        setattr(module, f"{name}_v", v)
    return weight / (getattr(module, f"{name}_u") @ matrix @ getattr(module, f"{name}_v"))


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight of `spectral_norm` a parameter again, with its current value.

    Raises:
        DataError: the weight is not normalized.
    """
    training, module.training = module.training, False  # no more power iterations
    try:
        return _removed("spectral_norm", module, name, f"{name}_u")
    finally:
        module.training = training


def _removed(norm: str, module: Module, name: str, sign: str) -> Module:
    """The layer with an ordinary weight again; `sign` is an entry that this norm makes."""
    computed = (module._computed or {}).get(name)
    if computed is None or sign not in computed.sources:
        raise DataError(f"{type(module).__name__}.{name} has no {norm}, so there is nothing to remove")
    return settle(module, name)
