"""The native functions along rows; names and arguments as in `kernels/rows.py` and `kernels/losses.py`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..threads import in_parallel, thread_count
from ..windows import Array
from . import call, native_type

__all__ = [
    "log_softmax",
    "log_softmax_backward",
    "softmax",
    "softmax_backward",
    "target_losses",
    "target_losses_backward",
]

FEW = 1 << 12
"""Up to this number of entries, NumPy's products take no longer than one call through ctypes."""

SMALL = 1 << 16
"""Up to this number of entries, a second thread does not pay."""


def softmax(
    x: Array,
    *,
    out: Array | None = None,
    first: int | None = None,
    empty: float = math.nan,
    alone: bool = False,
) -> Any:
    """exp(x) / sum(exp(x)) along the last axis."""
    dtype = _served(x)
    if dtype is None or (out is not None and not _is_place(out, x)):
        return NotImplemented
    if first is not None and (first < 0 or x.ndim < 2):
        raise ValueError(f"a softmax of causal rows takes first >= 0 and a matrix; got {first}, {x.shape}")
    x = np.ascontiguousarray(x)
    y = np.empty_like(x) if out is None else out
    n, period, start = x.shape[-1], 0 if first is None else x.shape[-2], first or 0
    numbers = period, start, float(empty)
    _shared(x, lambda row, end: call("softmax", dtype, x, y, n, row, end, *numbers), alone)
    return y


def softmax_backward(g: Array, y: Array, *, out: Array | None = None, alone: bool = False) -> Any:
    """y (g - sum of g y)."""
    return _backward("softmax_backward", g, y, out, alone)


def log_softmax(x: Array) -> Any:
    """x - log(sum(exp(x))) along the last axis."""
    dtype = _served(x)
    if dtype is None:
        return NotImplemented
    x = np.ascontiguousarray(x)
    y = np.empty_like(x)
    _shared(x, lambda row, end: call("log_softmax", dtype, x, y, x.shape[-1], row, end))
    return y


def log_softmax_backward(g: Array, p: Array) -> Any:
    """g - p sum of g."""
    return _backward("log_softmax_backward", g, p, None, False)


def target_losses(x: Array, targets: Array) -> Any:
    """log(sum exp(x)) - x[target] for each row of x, and the residuals."""
    dtype = _served(x)
    if dtype is None or x.ndim != 2 or not _index_rows(targets, x.shape):
        return NotImplemented
    x, (rows, n) = np.ascontiguousarray(x), x.shape
    losses, others, whole, e = *np.empty((3, rows), dtype), np.empty_like(x)
    arrays = x, targets, losses, e, others, whole
    _shared(x, lambda row, end: call("target_losses", dtype, *arrays, n, row, end))
    return losses, (e, others, whole, np.arange(rows), targets)


def target_losses_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """g (p - 1) for the target, g p for the other classes."""
    e, others, whole, _, targets = residuals
    dtype = native_type(g, e, others, whole)
    if not needs[0] or dtype is None or e.size <= FEW or not _index_rows(targets, e.shape):
        return NotImplemented
    if g.shape != targets.shape or others.shape != g.shape or whole.shape != g.shape:
        raise ValueError(f"a cotangent of shape {g.shape}; expected {targets.shape}")
    arrays = [np.ascontiguousarray(a) for a in (g, e, others, whole)]
    gx, n = np.empty_like(arrays[1]), e.shape[1]
    _shared(gx, lambda row, end: call("target_losses_backward", dtype, *arrays, targets, gx, n, row, end))
    return gx, None


# -- checks ----------------------------------------------------------------------------------------


def _served(x: Array) -> np.dtype[Any] | None:
    """The dtype of rows that are not empty; None for what NumPy's twin serves."""
    return native_type(x) if x.ndim and x.size else None


def _is_place(out: Array, like: Array) -> bool:
    """Whether a result of the shape and dtype of `like` can be written into `out`."""
    flags = out.flags
    return out.shape == like.shape and out.dtype == like.dtype and flags.c_contiguous and flags.writeable


def _index_rows(targets: Array, shape: tuple[int, ...]) -> bool:
    """Whether there is one class index for each row, as C reads them; negative ones are left to NumPy."""
    if type(targets) is not np.ndarray or targets.dtype != np.int64 or targets.shape != shape[:1]:
        return False
    return targets.flags.c_contiguous and int(targets.view(np.uint64).max()) < shape[1]


def _backward(name: str, g: Array, y: Array, out: Array | None, alone: bool) -> Any:
    dtype = native_type(g, y)
    if dtype is None or not g.ndim or not g.size or (out is not None and not _is_place(out, g)):
        return NotImplemented
    if g.shape != y.shape:
        raise ValueError(f"a cotangent of shape {g.shape}; expected {y.shape}")
    g, y = np.ascontiguousarray(g), np.ascontiguousarray(y)
    gx = np.empty_like(g) if out is None else out
    _shared(g, lambda row, end: call(name, dtype, g, y, gx, g.shape[-1], row, end), alone)
    return gx


def _shared(x: Array, work: Callable[[int, int], Any], alone: bool = False) -> None:
    """Share the rows of x among the threads, if it pays; `work` gets the first row and the end."""
    rows = x.size // x.shape[-1]
    if alone or x.size <= SMALL or thread_count() < 2:
        work(0, rows)
    else:
        in_parallel(lambda part: work(part[0], part[-1] + 1), range(rows))
