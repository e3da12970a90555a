"""The native pooling; names and arguments as in `nn/kernels/pool.py`."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from autograd_lite.sums import widened

from ..threads import in_parallel
from ..windows import Array, Pairs, Sizes, Windows
from . import call, native_type

__all__ = ["avg_pooling", "max_pooling", "max_pooling_backward"]

AXES = 3
"""The C code knows 3 spatial axes; missing ones have length 1."""

SMALL = 1 << 16
"""Up to this number of entries, a second thread does not pay."""

BYTE = 256
"""The number of entries of a window that a byte can tell apart."""

FEW = 4
"""With no more windows in a row, most lanes of a vector would be empty, and NumPy is faster."""

LONG = 64
"""The longest axis of a window whose entries are added one by one; NumPy adds longer ones pairwise."""


def max_pooling(x: Array, *, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes) -> Any:
    """The maximum of each window, and its position: the first maximum, or the last NaN."""
    windows = Windows(x.shape[2:], kernel, stride, padding, dilation)
    if math.prod(kernel) > BYTE or not _served(x, windows):
        return NotImplemented
    y = np.empty((*x.shape[:2], *windows.out), x.dtype)
    chosen = np.empty(y.shape, np.uint8)
    _pool(windows, x, y, chosen)
    return y, (chosen, windows)


def avg_pooling(
    x: Array, *, divisor: Any, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Any:
    """The sum of each window divided by `divisor`, a number or an array of shape `out`."""
    windows = Windows(x.shape[2:], kernel, stride, padding, dilation)
    if max(kernel) > LONG or not _served(x, windows):
        return NotImplemented
    y = np.empty((*x.shape[:2], *windows.out), x.dtype)
    _pool(windows, x, y, None)
    y /= divisor
    return y, (divisor, windows)


def max_pooling_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """The cotangent of x: each entry of g goes to the entry that was the maximum."""
    which, windows = residuals
    g = widened(g)
    dtype = native_type(g)
    if dtype is None or not g.size or len(windows.kernel) > AXES or which.dtype != np.uint8:
        return NotImplemented
    if g.shape != which.shape or g.shape[2:] != windows.out:
        raise ValueError(f"a cotangent of shape {g.shape}; expected {which.shape}")
    g, which = np.ascontiguousarray(g), np.ascontiguousarray(which)
    dx = np.empty((*g.shape[:2], *windows.size), dtype)
    shape = _shape_of(windows)

    def work(planes: Any) -> None:
        call("max_pooling_backward", dtype, shape, g, which, dx, planes.start, planes.stop)

    _shared(work, dx)
    return (dx,)


def _served(x: Array, windows: Windows) -> bool:
    """Whether the C code serves the windows, and is fast at it."""
    wide = len(windows.size) <= AXES and windows.out[-1] > FEW
    return wide and native_type(x) is not None and min(x.size, *windows.out) > 0


def _pool(windows: Windows, x: Array, y: Array, chosen: Array | None) -> None:
    """The maxima and their positions, or the sums, of all planes of x."""
    x, shape, planes = np.ascontiguousarray(x), _shape_of(windows), x.shape[0] * x.shape[1]

    def work(some: Any) -> None:
        call("pooling", x.dtype, shape, x, y, chosen, planes, some.start, some.stop)

    _shared(work, x)


def _shape_of(windows: Windows) -> Array:
    return _shape(windows.size, windows.kernel, windows.stride, windows.before, windows.dilation, windows.out)


@lru_cache(maxsize=256)
def _shape(size: Sizes, kernel: Sizes, stride: Sizes, before: Sizes, dilation: Sizes, out: Sizes) -> Array:
    """The struct `Shape` of `pool.c`."""
    ones = (1,) * (AXES - len(size))
    fields = [(*ones, *size), (*ones, *kernel), (*ones, *stride)]
    fields += [(*(0 for _ in ones), *before), (*ones, *dilation), (*ones, *out)]
    return np.array(fields, np.int64)


def _shared(work: Any, x: Array) -> None:
    """Share the planes of x among the threads, if it pays."""
    planes = range(x.shape[0] * x.shape[1])
    if x.size > SMALL:
        in_parallel(work, planes)
    else:
        work(planes)
