"""The native pooling, the way back; names and arguments as in `nn/kernels/pool.py`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from autograd_lite.sums import widened

from ..threads import in_parallel
from ..windows import Array, Sizes
from . import call, native_type

__all__ = ["max_pooling_backward"]

AXES = 3
"""The C code knows 3 spatial axes; missing ones have length 1."""

SMALL = 1 << 16
"""Up to this number of entries, a second thread does not pay."""


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
    before = tuple(before for before, _ in windows.padding)
    shape = _shape(windows.size, windows.kernel, windows.stride, before, windows.dilation, windows.out)

    def work(planes: Any) -> None:
        call("max_pooling_backward", dtype, shape, g, which, dx, planes.start, planes.stop)

    _shared(work, dx)
    return (dx,)


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
