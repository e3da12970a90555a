"""Normalization layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import OptionError

from .. import functional, init
from ..module import InputError, Module, Parameter
from ..parameter import dtype_of

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "CrossMapLRN2d",
    "GroupNorm",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]

Input = Tensor | npt.NDArray[Any]


def set_affine(layer: Module) -> None:
    """Set the scale of a layer to 1 and its shift to 0, where the layer has them."""
    for name, set_ in (("weight", init.ones_), ("bias", init.zeros_)):
        if (parameter := layer._parameters.get(name)) is not None:
            set_(parameter)


class ChannelNorm(Module):
    """What batch and instance norm share: scale, shift and running values of each channel."""

    shapes: ClassVar[dict[int, str]]
    """The numbers of axes that an input may have, each with the shape of the input in words."""

    num_batches_tracked: npt.NDArray[Any]
    running_mean: Any
    running_var: Any

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: Any,
        affine: bool,
        track_running_stats: bool,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
        bias: bool = True,
    ) -> None:
        dtype = dtype_of(device, dtype)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", Parameter(np.ones(num_features, dtype)) if affine else None)
        shifted = affine and bias
        self.register_parameter("bias", Parameter(np.zeros(num_features, dtype)) if shifted else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", np.zeros(num_features, dtype) if tracked else None)
        self.register_buffer("running_var", np.ones(num_features, dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", np.array(0) if tracked else None)

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1, and the count of batches to 0."""
        if self.track_running_stats:
            self.running_mean = np.zeros_like(self.running_mean)
            self.running_var = np.ones_like(self.running_var)
            self.num_batches_tracked = np.zeros_like(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Set the scale to 1, the shift to 0, and the running values to those of a new layer."""
        self.reset_running_stats()
        set_affine(self)

    def check(self, input: Input) -> None:
        """Refuse inputs of another shape."""
        if input.ndim not in self.shapes or input.shape[self.axis(input)] != self.num_features:
            shapes = " or ".join(form.format(self.num_features) for form in self.shapes.values())
            raise InputError(self, f"expects input of shape {shapes}, got {input.shape}{self.repair(input)}")

    def repair(self, input: Input) -> str:
        """The repair for an input of another shape."""
        kind, axes = type(self).__name__[:-2], max(1, input.ndim - 2)
        if input.ndim not in self.shapes:
            fits = input.ndim in (2, 3, 4, 5) and kind.endswith("Norm")
            return f"; for inputs of {input.ndim} axes take {kind}{axes}d" if fits else ""
        if input.ndim > 2 and input.shape[-1] == self.num_features:
            return "; channels stand before the other axes: np.moveaxis(x, -1, 1)"
        return f"; make the layer fit the input: {type(self).__name__}({input.shape[self.axis(input)]})"

    def axis(self, input: Input) -> int:
        """The axis of the channels."""
        return 1

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def counted(self) -> float:
        """Count a batch; return the fraction by which the running values move towards those of the batch."""
        if not (self.training and self.track_running_stats):
            return 0.0
        if not ag.is_recomputing():
            self.num_batches_tracked += 1
        return 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum

    def forward(self, input: Input) -> Any:
        self.check(input)
        return functional.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.counted(),
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Normalizes each feature of (N, C) or (N, C, L) to mean 0 and variance 1 over the batch.

    Training uses the mean and the variance of the batch; evaluation uses running means of both.

    Args:
        num_features: C.
        eps: added to the variance, so that the division stays finite.
        momentum: the fraction by which the running values move towards those of a batch. None makes them
            the means over all batches.
        affine: learn a scale and a shift for each channel.
        track_running_stats: keep running values; if False, evaluation too uses those of the batch.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.
        bias: learn the shift; if False, only the scale.

    Source:
        S. Ioffe, C. Szegedy, "Batch normalization", 2015.

    Example:
        >>> import numpy as np, nn
        >>> nn.BatchNorm1d(1)(np.array([[1.0], [3.0]])).numpy().round(3).tolist()
        [[-1.0], [1.0]]
    """

    shapes: ClassVar = {2: "(N, {})", 3: "(N, {}, L)"}


class BatchNorm2d(_BatchNorm):
    """Normalizes each channel of (N, C, H, W) over the batch; the arguments are those of `BatchNorm1d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.BatchNorm2d(1)(np.array([1.0, 3.0]).reshape(2, 1, 1, 1)).numpy().round(3).ravel().tolist()
        [-1.0, 1.0]
    """

    shapes: ClassVar = {4: "(N, {}, H, W)"}


class BatchNorm3d(_BatchNorm):
    """Normalizes each channel of (N, C, D, H, W) over the batch; the arguments are those of `BatchNorm1d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.BatchNorm3d(1)(np.array([1.0, 3.0]).reshape(2, 1, 1, 1, 1)).numpy().round(3).ravel().tolist()
        [-1.0, 1.0]
    """

    shapes: ClassVar = {5: "(N, {}, D, H, W)"}


class LayerNorm(Module):
    """Normalizes each sample over its last axes to mean 0 and variance 1.

    Args:
        normalized_shape: the lengths of these axes, or the length of the last one.
        eps: added to the variance, so that the division stays finite.
        elementwise_affine: learn a scale and a shift for each entry.
        bias: learn the shift; if False, only the scale.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Source:
        J. Ba et al., "Layer normalization", 2016.

    Example:
        >>> import numpy as np, nn
        >>> nn.LayerNorm(2)(np.array([[1.0, 3.0]])).numpy().round(3).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.register_parameter("weight", Parameter(np.ones(shape, dtype)) if elementwise_affine else None)
        shifted = elementwise_affine and bias
        self.register_parameter("bias", Parameter(np.zeros(shape, dtype)) if shifted else None)

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        set_affine(self)

    def forward(self, input: Input) -> Any:
        _check_last(self, input, self.normalized_shape)
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class RMSNorm(Module):
    """Divides each sample by the root of the mean of its squares over its last axes.

    Args:
        normalized_shape: the lengths of these axes, or the length of the last one.
        eps: added to the mean; by default the spacing of the dtype's numbers at 1.
        elementwise_affine: learn a scale for each entry.
        device: None or "cpu".
        dtype: the dtype of the parameter, float32 by default.

    Source:
        B. Zhang, R. Sennrich, "Root mean square layer normalization", 2019.

    Example:
        >>> import numpy as np, nn
        >>> nn.RMSNorm(2)(np.array([[1.0, 7.0]])).numpy().round(3).tolist()
        [[0.2, 1.4]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.register_parameter("weight", Parameter(np.ones(shape, dtype)) if elementwise_affine else None)

    def reset_parameters(self) -> None:
        """Set the scale to 1."""
        set_affine(self)

    def forward(self, input: Input) -> Any:
        _check_last(self, input, self.normalized_shape)
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def _check_last(layer: Module, input: Input, shape: tuple[int, ...]) -> None:
    if input.shape[-len(shape) :] != shape:
        raise InputError(
            layer, f"expects input of shape (..., {', '.join(map(str, shape))}), got {input.shape}"
        )


class GroupNorm(Module):
    """Normalizes each group of channels of each sample (N, C, ...) to mean 0 and variance 1.

    Args:
        num_groups: the number of groups.
        num_channels: C.
        eps: added to the variance, so that the division stays finite.
        affine: learn a scale and a shift for each channel.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.
        bias: learn the shift; if False, only the scale.

    Raises:
        OptionError: the number of channels is no multiple of the number of groups.

    Source:
        Y. Wu, K. He, "Group normalization", 2018.

    Example:
        >>> import numpy as np, nn
        >>> nn.GroupNorm(2, 4)(np.array([[1.0, 3.0, 5.0, 9.0]])).numpy().round(3).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
        bias: bool = True,
    ) -> None:
        dtype = dtype_of(device, dtype)
        if num_channels % num_groups:
            raise OptionError(
                f"GroupNorm: {num_channels} channels cannot be put into {num_groups} equal groups"
            )
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.register_parameter("weight", Parameter(np.ones(num_channels, dtype)) if affine else None)
        shifted = affine and bias
        self.register_parameter("bias", Parameter(np.zeros(num_channels, dtype)) if shifted else None)

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        set_affine(self)

    def forward(self, input: Input) -> Any:
        if input.ndim < 2 or input.shape[1] != self.num_channels:
            raise InputError(self, f"expects input of shape (N, {self.num_channels}, ...), got {input.shape}")
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class LocalResponseNorm(Module):
    """x / (k + alpha times the mean of x^2 over `size` neighbouring channels)^beta.

    Args:
        size: the number of neighbouring channels.
        alpha: multiplies the mean.
        beta: the exponent.
        k: added to the mean.

    Source:
        A. Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012.

    Example:
        >>> import numpy as np, nn
        >>> nn.LocalResponseNorm(1, alpha=1.0, beta=1.0)(np.array([[1.0, 3.0]])).tolist()
        [[0.5, 0.3]]
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Input) -> Any:
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """`LocalResponseNorm` of images, under its name in Lua Torch."""
