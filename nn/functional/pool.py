"""Pooling: the definitions of the kernels, and functions with PyTorch's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.arrays import at_once, on_host, unwrap
from autograd_lite.errors import OptionError
from autograd_lite.sums import narrowed, total

from ..kernels import pool as kernels
from ..kernels.windows import Pairs, Sizes, Windows
from .windows import check_fit, checked, entries, sizes

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]

Array = npt.NDArray[Any]
Input = Tensor | Array
Ints = int | Sequence[int]

# -- definitions of the kernels -----------------------------------------------------------------------


@ag.fused(kernels.max_pooling, kernels.max_pooling_backward, flow="selects", samples=((0,), 0))
def max_pooling(x: Any, *, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes) -> Any:
    """The first of the largest entries of each window."""
    return first_largest(entries(x, Windows(x.shape[2:], kernel, stride, padding, dilation), fill=-np.inf))


@ag.fused(kernels.avg_pooling, kernels.avg_pooling_backward, samples=((0,), 0))
def avg_pooling(
    x: Any, *, divisor: Any, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Any:
    """The sum of each window, divided by its divisor."""
    windows = entries(x, Windows(x.shape[2:], kernel, stride, padding, dilation))
    return narrowed(total(windows, 2) / divisor, x)


def first_largest(windows: Any) -> Any:
    """The first of the largest entries along axis 2."""
    if not on_host(raw := unwrap(windows)) and isinstance(raw, ag.intervals.Interval):
        return _largest_interval(windows)
    which = np.argmax(windows, axis=2)
    n, c, *rest = np.indices(which.shape, sparse=True)
    return windows[(n, c, which, *rest)]


def _largest_interval(windows: Any) -> Any:
    """The largest of intervals. In a gradient each entry counts that may be the first of the largest."""
    if not ag.is_recording():
        return np.max(windows, axis=2)
    parts = [windows[:, :, k] for k in range(windows.shape[2])]
    return reduce(lambda y, x: np.where(x > y, x, y), parts)


# -- the largest -----------------------------------------------------------------------------------


def max_pool1d(
    input: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest entry of each window over one axis; the arguments are those of `max_pool2d`.

    Example:
        >>> import numpy as np
        >>> max_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2)
        array([[[3., 2.]]])
    """
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest entry of each window.

    The gradient goes to the first of equal largest entries, as in PyTorch. (`np.max` of a Tensor splits the
    gradient equally among them.) A NaN counts as the largest entry.

    Args:
        input: of shape (N, C, H, W), or (C, H, W).
        kernel_size: the size of a window, an int or one for each axis.
        stride: the distance from a window to the next; by default the kernel size.
        padding: the number of entries of -inf around the input, at most half the kernel size.
        dilation: the distance between neighbouring entries of a window.
        ceil_mode: keep a last window that extends past the input, if the window begins inside.
        return_indices: return also the index of each largest entry in the flattened H x W.

    Raises:
        ShapeError: the input has another number of axes, or the kernel does not fit into the input.
        OptionError: an option has an invalid value.

    Example:
        >>> import numpy as np
        >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
        array([[ 5.,  7.],
               [13., 15.]])
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest entry of each window over three axes; the arguments are those of `max_pool2d`.

    Example:
        >>> import numpy as np
        >>> max_pool3d(np.arange(16.0).reshape(1, 1, 2, 2, 4), 2)
        array([[[[[13., 15.]]]]])
    """
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(
    axes: int,
    input: Any,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    dilation: Ints,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    name = f"max_pool{axes}d"
    x, batched = checked(name, input, axes)
    windows = _windows(name, x, axes, kernel_size, stride, padding, dilation, ceil_mode)
    options = options_of(windows)
    y = max_pooling(x, **options)
    y = y if batched else y[0]
    if not return_indices:
        return y
    indices = at_once(kernels.max_indices, x.numpy() if isinstance(x, Tensor) else x, **options)
    return y, indices if batched else indices[0]


# -- the mean --------------------------------------------------------------------------------------


def avg_pool1d(
    input: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window over one axis; the arguments are those of `avg_pool2d`.

    Example:
        >>> import numpy as np
        >>> avg_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2)
        array([[[2., 1.]]])
    """
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window.

    Args:
        input: of shape (N, C, H, W), or (C, H, W).
        kernel_size: the size of a window, an int or one for each axis.
        stride: the distance from a window to the next; by default the kernel size.
        padding: the number of zeros around the input, at most half the kernel size.
        ceil_mode: keep a last window that extends past the input, if the window begins inside.
        count_include_pad: count the zeros of the padding in the mean.
        divisor_override: divide each sum by this number, not by the number of entries.

    Raises:
        ShapeError: the input has another number of axes, or the kernel does not fit into the input.
        OptionError: an option has an invalid value.

    Example:
        >>> import numpy as np
        >>> avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]])
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window over three axes; the arguments are those of `avg_pool2d`.

    Example:
        >>> import numpy as np
        >>> avg_pool3d(np.arange(16.0).reshape(1, 1, 2, 2, 4), 2)
        array([[[[[6.5, 8.5]]]]])
    """
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool(
    axes: int,
    input: Any,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    name = f"avg_pool{axes}d"
    if divisor_override == 0:
        raise OptionError(f"{name}(divisor_override=0): expected another number than 0")
    x, batched = checked(name, input, axes)
    windows = _windows(name, x, axes, kernel_size, stride, padding, 1, ceil_mode)
    divisor = divisor_override or _counts(windows, count_include_pad)
    y = avg_pooling(x, divisor=divisor, **options_of(windows))
    return y if batched else y[0]


def _counts(windows: Windows, with_padding: bool) -> Any:
    """The number of entries in each window: one number, or an array if windows extend past the input.

    The padding that `ceil_mode` adds never counts.
    """
    counts = []
    for size, (before, after), kernel, stride, out in zip(
        windows.size, windows.padding, windows.kernel, windows.stride, windows.out, strict=True
    ):
        around = (before, min(before, after)) if with_padding else (0, 0)
        starts = np.arange(out) * stride - before
        ends = np.minimum(starts + kernel, size + around[1])
        counts.append(ends - np.maximum(starts, -around[0]))
    product = reduce(np.multiply.outer, counts)
    full = math.prod(windows.kernel)
    return full if (product == full).all() else product.astype(np.float32)


def lp_pool1d(
    input: Input,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Any:
    """(the sum of x^p)^(1/p) over each window of one axis; the arguments are those of `lp_pool2d`.

    Example:
        >>> import numpy as np
        >>> lp_pool1d(np.array([[[3.0, 4.0]]]), 2, 2)
        array([[[5.]]])
    """
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Input,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Any:
    """(the sum of x^p)^(1/p) over each window; for p = 2 the L2 pooling of the lecture.

    Args:
        input: x, of shape (N, C, H, W) or (C, H, W).
        norm_type: p. An odd power keeps the sign of x, and a sum below 0 gives 0.
        kernel_size: the size of a window, an int or one for each axis.
        stride: the distance from a window to the next; by default the kernel size.
        ceil_mode: keep a last window that extends past the input, if the window begins inside.

    Raises:
        ShapeError: the input has another number of axes, or the kernel does not fit into the input.
        OptionError: an option has an invalid value.

    Example:
        >>> import numpy as np
        >>> lp_pool2d(np.array([[[3.0, 0.0], [4.0, 0.0]]]), 2, 2)
        array([[[5.]]])
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Input,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Any:
    """(the sum of x^p)^(1/p) over each window of three axes; the arguments are those of `lp_pool2d`.

    Example:
        >>> import numpy as np
        >>> lp_pool3d(np.ones((1, 1, 2, 2, 4)), 2, (1, 2, 2)).tolist()
        [[[[[2.0, 2.0]], [[2.0, 2.0]]]]]
    """
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    axes: int, input: Any, norm_type: float, kernel_size: Ints, stride: Ints | None, ceil_mode: bool
) -> Any:
    name = f"lp_pool{axes}d"
    x, batched = checked(name, input, axes)
    windows = _windows(name, x, axes, kernel_size, stride, 0, 1, ceil_mode)
    # For a window that extends past the input, PyTorch takes the mean of its entries times the kernel's size.
    share = math.prod(windows.kernel) / _counts(windows, with_padding=True)
    total = avg_pooling(x**norm_type, divisor=1, **options_of(windows))
    total = total if isinstance(share, float) else total * share.astype(total.dtype)
    y = np.where(total > 0, np.where(total > 0, total, 1) ** (1 / norm_type), 0)
    return y if batched else y[0]


# -- options ---------------------------------------------------------------------------------------


def _windows(
    name: str,
    x: Any,
    axes: int,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    dilation: Ints,
    ceil_mode: bool,
) -> Windows:
    kernel = sizes(name, "kernel_size", kernel_size, axes)
    s = kernel if stride is None else sizes(name, "stride", stride, axes)
    p, d = sizes(name, "padding", padding, axes, least=0), sizes(name, "dilation", dilation, axes)
    if any(2 * q > k for q, k in zip(p, kernel, strict=True)):
        raise OptionError(f"{name}(padding={p}): expected at most half of kernel_size={kernel}")
    pairs = tuple((q, q) for q in p)
    windows = Windows(x.shape[2:], kernel, s, pairs, d)
    if ceil_mode:
        more = [_rounded_up(*each) for each in zip(x.shape[2:], windows.reach, s, p, strict=True)]
        windows = Windows(x.shape[2:], kernel, s, tuple(zip(p, more, strict=True)), d)
    check_fit(name, windows)
    return windows


def _rounded_up(n: int, reach: int, stride: int, padding: int) -> int:
    """The padding at the end of an axis that completes the last window that begins inside the input."""
    last = -(-(n + 2 * padding - reach) // stride)
    if last * stride >= n + padding:
        last -= 1
    return max(padding, last * stride + reach - n - padding)


def options_of(windows: Windows) -> dict[str, Any]:
    """The options of the ops `max_pooling` and `avg_pooling`."""
    return {
        "kernel": windows.kernel,
        "stride": windows.stride,
        "padding": windows.padding,
        "dilation": windows.dilation,
    }
