"""Normalization to mean 0 and variance 1 over the batch, the layer, or groups of channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.arrays import at_once, is_batched, unwrap
from autograd_lite.errors import BatchError, ShapeError
from autograd_lite.sums import mean, narrowed, widened

from ..kernels import normalization as kernels
from .exactness import exact

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "rms_norm",
]

Array = npt.NDArray[Any]
Input = Tensor | Array


def _samples(x: Any, *, axes: tuple[int, ...], eps: float) -> Any:
    """The first axis with a mean and a variance for each entry; without one, any axes may stand in front."""
    kept = [k for k in range(x.ndim) if k not in axes and k - x.ndim not in axes]
    axis = kept[0] if kept else ... if max(axes, default=0) < 0 else None
    return None if axis is None else ((axis,), axis)


@ag.fused(kernels.standardize, kernels.standardize_backward, samples=_samples)
def standardize(x: Any, *, axes: tuple[int, ...], eps: float) -> Any:
    """(x - mean) / sqrt(variance + eps) over some axes."""
    wide = widened(x)
    centered = wide - mean(wide, axes, keepdims=True)
    return narrowed(centered / np.sqrt(mean(centered * centered, axes, keepdims=True) + eps), x)


@ag.fused(kernels.normalized, kernels.normalized_backward)
def normalized(x: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """(x - mean) / sqrt(variance + eps) weight + bias, over the last axes, which are those of weight."""
    shape = weight.shape
    return _scaled(standardize(x, axes=tuple(range(-len(shape), 0)), eps=eps), weight, bias, shape)


@ag.fused(kernels.normalize_channels, kernels.normalize_channels_backward)
def normalized_channels(x: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """(x - mean) / sqrt(variance + eps) weight + bias, for each channel of x (N, C, ...)."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return _scaled(standardize(x, axes=(0, *range(2, x.ndim)), eps=eps), weight, bias, shape)


def _scaled(x: Any, weight: Any, bias: Any, shape: tuple[int, ...]) -> Any:
    """x weight + bias, with weight and bias reshaped to `shape`."""
    if weight is not None:
        x = x * np.reshape(weight, shape)
    return x if bias is None else x + np.reshape(bias, shape)


def _values(input: Input) -> Any:
    """The array of the input. Nobody writes into this array, so the tape need not watch the array."""
    return input.detach().numpy() if isinstance(input, Tensor) else input


def _refuse_batch(name: str, input: Input) -> None:
    """Refuse to move running statistics inside of `vmap`, where each member has its own."""
    if is_batched(unwrap(input)):
        raise BatchError(
            f"{name}: inside of vmap each member has statistics of its own, which the running ones cannot "
            "follow; call model.eval(), or make the layer with track_running_stats=False"
        )


@exact
def batch_norm(
    input: Input,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Input | None = None,
    bias: Input | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(x - mean) / sqrt(variance + eps) weight + bias, for each channel over the batch.

    Args:
        input: x, of shape (N, C) or (N, C, ...).
        running_mean: the means of shape (C,) to use without `training`. Training moves them, in place,
            towards those of the batch.
        running_var: the same for the variances.
        weight: of shape (C,).
        bias: of shape (C,).
        training: use the mean and the variance of the batch.
        momentum: the fraction by which the running values move towards those of the batch.
        eps: added to the variance, so that the division stays finite.

    Raises:
        ShapeError: in training a channel has a single value, which has no variance.

    Source:
        S. Ioffe, C. Szegedy, "Batch normalization", 2015.
    """
    channels = (1, -1) + (1,) * (input.ndim - 2)
    axes = (0, *range(2, input.ndim))
    if training or running_mean is None or running_var is None:
        count = math.prod(input.shape[i] for i in axes)
        if training and count < 2:
            raise ShapeError(
                f"batch_norm: in training each channel needs more than one value, got input {input.shape}; "
                "call model.eval() to use the running mean and variance"
            )
        moving = training and not ag.is_recomputing()  # `checkpoint` computes a batch twice
        if moving and running_mean is not None and running_var is not None:
            _refuse_batch("batch_norm", input)
            values = _values(input)
            average, variance = at_once(kernels.moments, values, axes=axes)
            running_mean += momentum * (average - running_mean)
            running_var += momentum * (variance - running_var)
        if weight is not None and bias is not None and input.dtype.char in "fd":
            given = weight, bias
            if all(a.dtype == input.dtype and a.shape == input.shape[1:2] for a in given):
                return normalized_channels(input, *given, eps=eps)
        y = standardize(input, axes=axes, eps=eps)
    else:
        scale = 1 / np.sqrt(running_var + np.asarray(eps, running_var.dtype))
        y = (input - running_mean.reshape(channels)) * scale.reshape(channels)
    return _scaled(y, weight, bias, channels)


@exact
def layer_norm(
    input: Input,
    normalized_shape: Sequence[int],
    weight: Input | None = None,
    bias: Input | None = None,
    eps: float = 1e-5,
) -> Any:
    """(x - mean) / sqrt(variance + eps) weight + bias, over the last axes of each sample.

    Args:
        input: x, of shape (..., *normalized_shape).
        normalized_shape: the lengths of the last axes, over which mean and variance are taken.
        weight: of shape normalized_shape.
        bias: of shape normalized_shape.
        eps: added to the variance, so that the division stays finite.

    Raises:
        ShapeError: the last axes of the input have other lengths.

    Source:
        J. Ba et al., "Layer normalization", 2016.
    """
    axes = _last_axes("layer_norm", input, normalized_shape)
    if weight is not None and input.dtype.char in "fd":
        given = [weight] if bias is None else [weight, bias]
        if all(a.dtype == input.dtype and a.shape == tuple(normalized_shape) for a in given):
            return normalized(input, weight, bias, eps=eps)
    y = standardize(input, axes=axes, eps=eps)
    return _scaled(y, weight, bias, tuple(normalized_shape))


@exact
def rms_norm(
    input: Input,
    normalized_shape: Sequence[int],
    weight: Input | None = None,
    eps: float | None = None,
) -> Any:
    """x / sqrt(mean of x^2 + eps) weight, over the last axes of each sample.

    Args:
        input: x, of shape (..., *normalized_shape).
        normalized_shape: the lengths of the last axes, over which the mean is taken.
        weight: of shape normalized_shape.
        eps: added to the mean; by default the spacing of the dtype's numbers at 1.

    Raises:
        ShapeError: the last axes of the input have other lengths.

    Source:
        B. Zhang, R. Sennrich, "Root mean square layer normalization", 2019.
    """
    axes = _last_axes("rms_norm", input, normalized_shape)
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    wide = widened(input)
    y = narrowed(wide / np.sqrt(mean(wide * wide, axes, keepdims=True) + eps), input)
    return _scaled(y, weight, None, tuple(normalized_shape))


def _last_axes(name: str, input: Input, shape: Sequence[int]) -> tuple[int, ...]:
    if input.shape[-len(shape) :] != tuple(shape):
        expected = ", ".join(map(str, shape))
        raise ShapeError(f"{name}: expected input of shape (..., {expected}), got {input.shape}")
    return tuple(range(-len(shape), 0))


@exact
def group_norm(
    input: Input,
    num_groups: int,
    weight: Input | None = None,
    bias: Input | None = None,
    eps: float = 1e-5,
) -> Any:
    """(x - mean) / sqrt(variance + eps) weight + bias, over groups of channels of each sample.

    Args:
        input: x, of shape (N, C, ...).
        num_groups: the number of groups of channels.
        weight: of shape (C,).
        bias: of shape (C,).
        eps: added to the variance, so that the division stays finite.

    Raises:
        ShapeError: C is no multiple of num_groups.

    Source:
        Y. Wu, K. He, "Group normalization", 2018.
    """
    N, C = input.shape[:2]
    if C % num_groups:
        raise ShapeError(f"group_norm: {C} channels do not split into {num_groups} equal groups")
    grouped = np.reshape(input, (N, num_groups, math.prod(input.shape[1:]) // num_groups))
    y = np.reshape(standardize(grouped, axes=(2,), eps=eps), input.shape)
    return _scaled(y, weight, bias, (1, -1) + (1,) * (input.ndim - 2))


@exact
def instance_norm(
    input: Input,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    weight: Input | None = None,
    bias: Input | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(x - mean) / sqrt(variance + eps) weight + bias, for each channel of each sample.

    Args:
        input: x, of shape (N, C, ...).
        running_mean: the means of shape (C,) to use without `use_input_stats`. Otherwise they move, in
            place, towards those of the samples.
        running_var: the same for the variances.
        weight: of shape (C,).
        bias: of shape (C,).
        use_input_stats: use the mean and the variance of each sample.
        momentum: the fraction by which the running values move towards those of the samples.
        eps: added to the variance, so that the division stays finite.

    Raises:
        ShapeError: a channel has a single value, which has no variance.

    Source:
        D. Ulyanov et al., "Instance normalization", 2016.
    """
    axes = tuple(range(2, input.ndim))
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if math.prod(input.shape[2:]) < 2:
        raise ShapeError(f"instance_norm: each channel needs more than one value, got input {input.shape}")
    if running_mean is not None and running_var is not None and not ag.is_recomputing():
        _refuse_batch("instance_norm", input)
        values = _values(input)
        averages, variances = at_once(kernels.moments, values, axes=axes)
        running_mean += momentum * (mean(averages, 0) - running_mean)
        running_var += momentum * (mean(variances, 0) - running_var)
    y = standardize(input, axes=axes, eps=eps)
    return _scaled(y, weight, bias, (1, -1) + (1,) * (input.ndim - 2))


@exact
def local_response_norm(
    input: Input, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """x / (k + alpha times the mean of x^2 over `size` neighbouring channels)^beta.

    Args:
        input: x, of shape (N, C, ...).
        size: the number of neighbouring channels.
        alpha: multiplies the mean.
        beta: the exponent.
        k: added to the mean.

    Source:
        A. Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012.
    """
    C = input.shape[1]
    around = np.arange(C)[:, None] - np.arange(C)  # channel i sees the channels from i - size // 2 on
    window = ((around <= size // 2) & (around > size // 2 - size)).astype(input.dtype)
    squares = np.moveaxis(np.tensordot(input * input, window, axes=((1,), (1,))), -1, 1)
    return input / (k + alpha / size * squares) ** beta
