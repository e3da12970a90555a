"""The way back from max pooling: each entry at the index where it was the largest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, IndexingError, ShapeError

from ..arrays import as_array, within
from .adaptive import adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d
from .pool import max_pool1d, max_pool2d, max_pool3d
from .windows import checked, sizes

__all__ = [
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d_with_indices",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

Array = npt.NDArray[Any]
Input = Tensor | Array
Ints = int | Sequence[int]


def max_unpool1d(
    input: Input,
    indices: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Any:
    """Each entry at its index, zeros elsewhere; the arguments are those of `max_unpool2d`.

    Example:
        >>> import numpy as np
        >>> max_unpool1d(np.array([[[3.0, 2.0]]]), np.array([[[1, 2]]]), 2)
        array([[[0., 3., 2., 0.]]])
    """
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Input,
    indices: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Any:
    """Each entry at its index, zeros elsewhere: a partial inverse of `max_pool2d`.

    Args:
        input: of shape (N, C, H, W), or (C, H, W).
        indices: the index of each entry in the flattened output, as `max_pool2d(..., return_indices=True)`
            gives them; of the shape of `input`. If two are equal, the later entry stays.
        kernel_size: that of the pooling.
        stride: that of the pooling; by default the kernel size.
        padding: that of the pooling.
        output_size: the shape of the output, or of its last axes; a pooling maps several sizes to one.

    Raises:
        ShapeError: the shapes do not fit each other.
        IndexingError: an index is outside of the output.

    Source:
        M. Zeiler et al., "Adaptive deconvolutional networks for mid and high level feature learning", 2011.

    Example:
        >>> import numpy as np
        >>> max_unpool2d(np.array([[[5.0]]]), np.array([[[3]]]), 2)
        array([[[0., 0.],
                [0., 5.]]])
    """
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Input,
    indices: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Any:
    """Each entry at its index, zeros elsewhere; the arguments are those of `max_unpool2d`.

    Example:
        >>> import numpy as np
        >>> max_unpool3d(np.ones((1, 1, 1, 1)), np.array([[[[2]]]]), (1, 2, 2)).ravel().tolist()
        [0.0, 0.0, 1.0, 0.0]
    """
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    axes: int,
    input: Any,
    indices: Any,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    output_size: Sequence[int] | None,
) -> Any:
    name = f"max_unpool{axes}d"
    x, batched = checked(name, input, axes)
    places = as_array(indices)
    if places.shape != input.shape:
        raise ShapeError(f"{name}: indices {places.shape} differ in shape from input {input.shape}")
    if places.dtype.kind not in "iu":
        raise DTypeError(f"{name}: expected integers as indices, got {places.dtype}")
    kernel = sizes(name, "kernel_size", kernel_size, axes)
    s = kernel if stride is None else sizes(name, "stride", stride, axes)
    p = sizes(name, "padding", padding, axes, least=0)
    size = tuple((n - 1) * a - 2 * q + k for n, a, q, k in zip(x.shape[2:], s, p, kernel, strict=True))
    if output_size is not None:
        usual, size = size, tuple(map(int, output_size))[-axes:]
        if len(size) != axes or any(abs(m - n) >= a for m, n, a in zip(size, usual, s, strict=True)):
            raise ShapeError(
                f"{name}(output_size={tuple(output_size)}): expected {usual}, or up to {s} more or less"
            )
    if not within(places, 0, math.prod(size) - 1):
        raise IndexingError(f"{name}: indices up to {places.max()} do not fit into an output of {size}")
    places = places.reshape(*x.shape[:2], math.prod(x.shape[2:]))
    n, c = np.indices(x.shape[:2], sparse=True)
    plane = Tensor(np.zeros((*x.shape[:2], math.prod(size)), x.dtype))
    plane[n[..., None], c[..., None], places] = np.reshape(x, places.shape)
    y = np.reshape(plane if isinstance(input, Tensor) else plane.numpy(), (*x.shape[:2], *size))
    return y if batched else y[0]


# -- pooling with its indices ----------------------------------------------------------------------


def max_pool1d_with_indices(*args: Any, **options: Any) -> Any:
    """`max_pool1d` with `return_indices=True`."""
    return max_pool1d(*args, **{**options, "return_indices": True})


def max_pool2d_with_indices(*args: Any, **options: Any) -> Any:
    """`max_pool2d` with `return_indices=True`."""
    return max_pool2d(*args, **{**options, "return_indices": True})


def max_pool3d_with_indices(*args: Any, **options: Any) -> Any:
    """`max_pool3d` with `return_indices=True`."""
    return max_pool3d(*args, **{**options, "return_indices": True})


def adaptive_max_pool1d_with_indices(input: Input, output_size: Any) -> Any:
    """`adaptive_max_pool1d` with `return_indices=True`."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Input, output_size: Any) -> Any:
    """`adaptive_max_pool2d` with `return_indices=True`."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Input, output_size: Any) -> Any:
    """`adaptive_max_pool3d` with `return_indices=True`."""
    return adaptive_max_pool3d(input, output_size, True)
