"""Pooling over windows that adapt to the size of the output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.sums import narrowed, total

from ..kernels.windows import Sizes, Windows
from .pool import avg_pooling, first_largest, max_pooling, options_of
from .windows import checked, sizes

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]

Array = npt.NDArray[Any]
Input = Tensor | Array
Ints = int | Sequence[int]


def adaptive_avg_pool1d(input: Input, output_size: Ints) -> Any:
    """The mean of each of L' windows that cover the axis evenly, as in `adaptive_avg_pool2d`.

    Args:
        input: of shape (N, C, L), or (C, L).
        output_size: L'.

    Example:
        >>> import numpy as np
        >>> adaptive_avg_pool1d(np.array([[[1.0, 2.0, 3.0]]]), 2)
        array([[[1.5, 2.5]]])
    """
    return _adaptive_avg_pool(1, input, output_size)


def adaptive_avg_pool2d(input: Input, output_size: Any) -> Any:
    """The mean of each of H' x W' windows that cover the input evenly.

    Of n' windows over n entries, window i holds the indices from floor(i n / n') to ceil((i + 1) n / n') - 1.

    Args:
        input: of shape (N, C, H, W), or (C, H, W).
        output_size: H' and W', or one int for both; None keeps the length of an axis.

    Example:
        >>> import numpy as np
        >>> adaptive_avg_pool2d(np.arange(6.0).reshape(1, 1, 2, 3), 1)
        array([[[[2.5]]]])
    """
    return _adaptive_avg_pool(2, input, output_size)


def adaptive_avg_pool3d(input: Input, output_size: Any) -> Any:
    """The mean of each of D' x H' x W' windows that cover the input evenly, as in `adaptive_avg_pool2d`.

    Args:
        input: of shape (N, C, D, H, W), or (C, D, H, W).
        output_size: D', H' and W', or one int for all; None keeps the length of an axis.

    Example:
        >>> import numpy as np
        >>> adaptive_avg_pool3d(np.arange(6.0).reshape(1, 1, 1, 2, 3), 1)
        array([[[[[2.5]]]]])
    """
    return _adaptive_avg_pool(3, input, output_size)


def _adaptive_avg_pool(axes: int, input: Any, output_size: Any) -> Any:
    name = f"adaptive_avg_pool{axes}d"
    x, batched = checked(name, input, axes)
    out = _output_sizes(name, output_size, x.shape[2:])
    if _divides(out, x.shape[2:]):
        kernel = tuple(n // m for n, m in zip(x.shape[2:], out, strict=True))
        windows = Windows(x.shape[2:], kernel, kernel, ((0, 0),) * axes, (1,) * axes)
        y = avg_pooling(x, divisor=math.prod(kernel), **options_of(windows))
    else:
        y = x
        for axis, (n, m) in enumerate(zip(x.shape[2:], out, strict=True), start=2):
            y = _means(y, axis, *_bounds(n, m))
    return y if batched else y[0]


def _means(x: Any, axis: int, starts: Array, ends: Array) -> Any:
    """The means of windows of different lengths along one axis."""
    places = starts[:, None] + np.arange(max(ends - starts, default=0))
    tail = (1,) * (x.ndim - axis - 1)
    within = (places < ends[:, None]).reshape(*places.shape, *tail)
    windows = np.take(x, np.minimum(places, ends[:, None] - 1), axis=axis)
    lengths = (ends - starts).reshape(-1, *tail).astype(np.result_type(x.dtype, np.float32))
    return narrowed(total(np.where(within, windows, 0), axis + 1) / lengths, x)


def adaptive_max_pool1d(input: Input, output_size: Any, return_indices: bool = False) -> Any:
    """The largest entry of each of L' windows that cover the axis evenly, as in `adaptive_max_pool2d`.

    Args:
        input: of shape (N, C, L), or (C, L).
        output_size: L'.
        return_indices: return also the index of each largest entry.

    Example:
        >>> import numpy as np
        >>> adaptive_max_pool1d(np.array([[[1.0, 3.0, 2.0]]]), 2)
        array([[[3., 3.]]])
    """
    return _adaptive_max_pool(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Input, output_size: Any, return_indices: bool = False) -> Any:
    """The largest entry of each of H' x W' windows that cover the input evenly.

    Args:
        input: of shape (N, C, H, W), or (C, H, W).
        output_size: H' and W', or one int for both; None keeps the length of an axis.
        return_indices: return also the index of each largest entry in the flattened H x W.

    Example:
        >>> import numpy as np
        >>> adaptive_max_pool2d(np.arange(6.0).reshape(1, 1, 2, 3), (1, 2))
        array([[[[4., 5.]]]])
    """
    return _adaptive_max_pool(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Input, output_size: Any, return_indices: bool = False) -> Any:
    """The largest entry of each of D' x H' x W' windows that cover the input evenly.

    Args:
        input: of shape (N, C, D, H, W), or (C, D, H, W).
        output_size: D', H' and W', or one int for all; None keeps the length of an axis.
        return_indices: return also the index of each largest entry in the flattened D x H x W.

    Example:
        >>> import numpy as np
        >>> adaptive_max_pool3d(np.arange(6.0).reshape(1, 1, 1, 2, 3), 1)
        array([[[[[5.]]]]])
    """
    return _adaptive_max_pool(3, input, output_size, return_indices)


def _adaptive_max_pool(axes: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    name = f"adaptive_max_pool{axes}d"
    x, batched = checked(name, input, axes)
    out = _output_sizes(name, output_size, x.shape[2:])
    if _divides(out, x.shape[2:]) and not return_indices:
        kernel = tuple(n // m for n, m in zip(x.shape[2:], out, strict=True))
        even = Windows(x.shape[2:], kernel, kernel, ((0, 0),) * axes, (1,) * axes)
        y = max_pooling(x, **options_of(even))
        return y if batched else y[0]
    places = _window_places(x.shape[2:], out)
    windows = np.reshape(x, (*x.shape[:2], math.prod(x.shape[2:])))[:, :, places]
    y = first_largest(windows)
    y = y if batched else y[0]
    if not return_indices:
        return y
    which = np.argmax(windows, axis=2)
    indices = np.take_along_axis(places[None, None], which[:, :, None], axis=2)[:, :, 0]
    return y, indices if batched else indices[0]


def _window_places(size: Sizes, out: Sizes) -> Array:
    """The flat indices of the entries of each window, of shape (entries, *out).

    All windows get the size of the largest one: a smaller window repeats its last entry.
    """
    axes = len(size)
    places: Any = 0
    for axis, (n, m) in enumerate(zip(size, out, strict=True)):
        starts, ends = _bounds(n, m)
        own = np.minimum(starts[:, None] + np.arange(max(ends - starts, default=0)), ends[:, None] - 1)
        shape = [1] * 2 * axes
        shape[axis], shape[axes + axis] = own.shape
        places = places * n + own.reshape(shape)
    return np.moveaxis(places.reshape(*out, -1), -1, 0)


def _bounds(n: int, m: int) -> tuple[Array, Array]:
    """The first index of each of m windows over n entries, and the index after its last entry."""
    places = np.arange(m)
    return places * n // m, -(-(places + 1) * n // m)


def _divides(out: Sizes, size: Sizes) -> bool:
    return all(m and n and n % m == 0 for n, m in zip(size, out, strict=True))


def _output_sizes(name: str, output_size: Any, size: Sizes) -> Sizes:
    wanted = (
        list(output_size) if isinstance(output_size, (Sequence, np.ndarray)) else [output_size] * len(size)
    )
    filled = [n if m is None else m for m, n in zip(wanted, size, strict=False)]
    return sizes(name, "output_size", filled if len(wanted) == len(size) else output_size, len(size), least=0)
