"""The native standardization; names and arguments as in `nn/kernels/normalization.py`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..threads import in_parallel
from ..windows import Array, Sizes
from . import call, native_type

__all__ = [
    "moments",
    "normalize_channels",
    "normalize_channels_backward",
    "normalize_rows",
    "normalize_rows_backward",
    "standardize",
    "standardize_backward",
]

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
    _shared("standardize", dtype, (x, y, scale, None, None, None), sizes, float(eps))
    return y, (y, scale, axes)


def standardize_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """(g - mean of g - y mean of g y) / sqrt(variance + eps)."""
    y, scale, axes = residuals
    dtype, sizes = native_type(g, y, scale), _sizes(g, axes)
    if dtype is None or sizes is None or g.shape != y.shape or scale.size != sizes[1]:
        return NotImplemented
    g, y, scale = (np.ascontiguousarray(a) for a in (g, y, scale))
    gx = np.empty_like(g)
    _shared("standardize_backward", dtype, (g, y, scale, gx, None, None), sizes)
    return (gx,)


def normalize_channels(x: Array, w: Array, b: Array, *, eps: float) -> Any:
    """Each channel of x (N, C, ...) standardized, times w, plus b; and the residuals."""
    axes = 0, *range(2, x.ndim)
    dtype, sizes = native_type(x, w, b), _sizes(x, axes)
    if dtype is None or sizes is None:
        return NotImplemented
    if not w.shape == b.shape == x.shape[1:2]:
        raise ValueError(f"weights {w.shape} and {b.shape} for {x.shape[1]} channels")
    x, w, b = (np.ascontiguousarray(a) for a in (x, w, b))
    z, y, scales = np.empty_like(x), np.empty_like(x), np.empty_like(w)
    _shared("standardize", dtype, (x, z, scales, w, b, y), sizes, float(eps))
    return y, (z, scales, w)


def normalize_channels_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """The cotangents of x, w and b."""
    z, scales, w = residuals
    dtype, sizes = native_type(g, z, scales, w), _sizes(g, (0, *range(2, g.ndim)))
    if dtype is None or sizes is None:
        return NotImplemented
    if g.shape != z.shape or not w.shape == scales.shape == g.shape[1:2]:
        raise ValueError(f"a cotangent of shape {g.shape}; expected {z.shape}")
    g, z, scales = np.ascontiguousarray(g), np.ascontiguousarray(z), scales * w
    gx, dw, db = np.empty_like(g), np.empty_like(scales), np.empty_like(scales)
    _shared("standardize_backward", dtype, (g, z, scales, gx, dw, db), sizes)
    return gx, dw, db


def moments(x: Array, *, axes: tuple[int, ...]) -> Any:
    """Mean and unbiased variance over the axes."""
    dtype, sizes = native_type(x), _sizes(x, axes)
    if dtype is None or sizes is None or sizes[0] * sizes[2] < 2:
        return NotImplemented
    shape = [n for k, n in enumerate(x.shape) if k not in {a % x.ndim for a in axes}]
    means, sums = np.empty((2, sizes[1]))
    _shared("moments", dtype, (np.ascontiguousarray(x), means, sums), sizes)
    sums /= sizes[0] * sizes[2] - 1
    return means.astype(dtype).reshape(shape), sums.astype(dtype).reshape(shape)


def normalize_rows(x: Array, w: Array, b: Array | None, *, eps: float) -> Any:
    """Each row of x (rows, n) standardized, times w, plus b; and the residuals."""
    dtype = native_type(x, w, b)
    if dtype is None or not x.size:
        return NotImplemented
    rows, n = x.shape
    if w.shape != (n,) or (b is not None and b.shape != (n,)):
        raise ValueError(f"weights {w.shape} for rows of {n} entries; expected ({n},)")
    x, w = np.ascontiguousarray(x), np.ascontiguousarray(w)
    b = None if b is None else np.ascontiguousarray(b)
    z, y, scales = np.empty_like(x), np.empty_like(x), np.empty(rows, dtype)

    def work(part: Any) -> None:
        call("normalize_rows", dtype, x, w, b, z, y, scales, n, part[0], part[-1] + 1, float(eps))

    _over(range(rows), x.size, work)
    return y, (z, scales, w)


def normalize_rows_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """The cotangents of x, w and b."""
    z, scales, w = residuals
    dtype = native_type(g, z, scales, w)
    if dtype is None or not g.size:
        return NotImplemented
    if g.shape != z.shape or w.shape != g.shape[1:] or scales.shape != g.shape[:1]:
        raise ValueError(f"a cotangent of shape {g.shape}; expected {z.shape}")
    g, z, scales, w = (np.ascontiguousarray(a) for a in (g, z, scales, w))
    gx, n = np.empty_like(g), g.shape[1]

    def work(part: Any) -> Array:
        sums, gz = np.zeros((2, n)), np.empty(n, dtype)
        arrays = g, w, z, scales, gz, gx, sums[0], sums[1]
        call("normalize_rows_backward", dtype, *arrays, n, part[0], part[-1] + 1)
        return sums

    dw, db = sum(_over(range(len(g)), g.size, work)).astype(dtype)
    return gx, dw, db


def _sizes(x: Array, axes: tuple[int, ...]) -> Sizes | None:
    """x as (outer, groups, inner), with sums over the first and the last; None where NumPy is as fast."""
    summed = {k % x.ndim for k in axes}
    first = next((k for k in range(x.ndim) if k not in summed), x.ndim)
    last = next((k + 1 for k in reversed(range(x.ndim)) if k not in summed), first)
    sizes = math.prod(x.shape[:first]), math.prod(x.shape[first:last]), math.prod(x.shape[last:])
    whole = summed.isdisjoint(range(first, last))
    return sizes if whole and sizes[2] > 1 and x.size else None


def _shared(name: str, dtype: Any, arrays: tuple[Array | None, ...], sizes: Sizes, *numbers: float) -> None:
    """Share the groups among the threads, if it pays."""

    def work(groups: Any) -> None:
        call(name, dtype, *arrays, *sizes, groups.start, groups.stop, *numbers)

    _over(range(sizes[1]), math.prod(sizes), work)


def _over(groups: Any, size: int, work: Callable[[Any], Any]) -> list[Any]:
    """Share the groups among the threads, if it pays; the results of `work` for each part."""
    return in_parallel(work, groups) if size > SMALL else [work(groups)]
