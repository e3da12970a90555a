"""The native standardization; names and arguments as in `nn/kernels/normalization.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..threads import in_parallel
from ..windows import Array, Sizes
from . import call, native_type

__all__ = ["standardize", "standardize_backward"]

SMALL = 1 << 17
"""Up to this number of entries, a second thread does not pay."""


def standardize(x: Array, *, axes: tuple[int, ...], eps: float) -> Any:
    """(x - mean) / sqrt(variance + eps), and the residuals."""
    dtype, sizes = native_type(x), _sizes(x, axes)
    if dtype is None or sizes is None:
        return NotImplemented
    x = np.ascontiguousarray(x)
    y = np.empty_like(x)
    summed = {k % x.ndim for k in axes}
    scale = np.empty([1 if k in summed else n for k, n in enumerate(x.shape)], dtype)
    _shared("standardize", dtype, (x, y, scale), sizes, float(eps))
    return y, (y, scale, axes)


def standardize_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """(g - mean of g - y mean of g y) / sqrt(variance + eps)."""
    y, scale, axes = residuals
    dtype, sizes = native_type(g, y, scale), _sizes(g, axes)
    if dtype is None or sizes is None or g.shape != y.shape or scale.size != sizes[1]:
        return NotImplemented
    g, y, scale = (np.ascontiguousarray(a) for a in (g, y, scale))
    gx = np.empty_like(g)
    _shared("standardize_backward", dtype, (g, y, scale, gx), sizes)
    return (gx,)


def _sizes(x: Array, axes: tuple[int, ...]) -> Sizes | None:
    """x as (outer, groups, inner), with sums over the first and the last; None where NumPy is as fast."""
    summed = {k % x.ndim for k in axes}
    first = next((k for k in range(x.ndim) if k not in summed), x.ndim)
    last = next((k + 1 for k in reversed(range(x.ndim)) if k not in summed), first)
    sizes = math.prod(x.shape[:first]), math.prod(x.shape[first:last]), math.prod(x.shape[last:])
    whole = summed.isdisjoint(range(first, last))
    return sizes if whole and sizes[2] > 1 and x.size else None


def _shared(name: str, dtype: Any, arrays: tuple[Array, ...], sizes: Sizes, *numbers: float) -> None:
    """Share the groups among the threads, if it pays."""

    def work(groups: Any) -> None:
        call(name, dtype, *arrays, *sizes, groups.start, groups.stop, *numbers)

    groups = range(sizes[1])
    if math.prod(sizes) > SMALL:
        in_parallel(work, groups)
    else:
        work(groups)
