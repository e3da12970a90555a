"""The batching rules of algorithms: padding, polynomials, signals, searching; see `rules.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import every, shape_of
from ..known import defbatch
from .batched import Level
from .rules import behind, elementwise, first, lanes, varies, widened

__all__: list[str] = []

# -- comparison, padding, ranges -------------------------------------------------------------------


@defbatch(np.allclose, np.array_equal)
def _all_alike(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    if len(args) < 2:
        return NotImplemented
    a, b, *rest = args
    if op is np.array_equal and (rest or kwargs or shape_of(a) != shape_of(b)):
        return NotImplemented
    alike = elementwise(level, np.equal if op is np.array_equal else np.isclose, args, kwargs)
    return np.all(lanes(alike), 1)


@defbatch(np.pad)
def _pad(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    def padded(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
        ndim = array.ndim
        if not ndim or callable(mode):
            return NotImplemented
        if isinstance(pad_width, dict):
            width: Any = {behind(axis): pair for axis, pair in pad_width.items()}
        else:
            width = [(0, 0), *np.broadcast_to(pad_width, (ndim, 2)).tolist()]
        for key, value in options.items():
            if value is not None and np.ndim(value):
                pairs = np.broadcast_to(value, (ndim, 2))
                options[key] = np.concatenate([pairs[:1], pairs])
        return np.pad(array._array, width, mode, **options)

    return NotImplemented if varies(level, (args[1:], kwargs)) else padded(*args, **kwargs)


@defbatch(np.linspace, np.geomspace)
def _between(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    def between(start: Any, stop: Any, *args: Any, axis: int = 0, **kwargs: Any) -> Any:
        ndim = max(len(shape_of(start)), len(shape_of(stop)))
        ends = [widened(level, x, ndim) for x in (start, stop)]
        return op(*ends, *args, axis=behind(axis), **kwargs)

    return NotImplemented if varies(level, (args[2:], kwargs)) else between(*args, **kwargs)


# -- polynomials and signals -----------------------------------------------------------------------

ROOM = 1 << 22
"""So many numbers the windows of all members may hold; beyond it the members take turns."""


@defbatch(np.convolve)
def _convolve(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """The windows of the longer signal, read backwards, times the shorter one."""

    def convolved(a: Any, v: Any, mode: Any = "full") -> Any:
        (a, n), (v, m) = sorted([(x, math.prod(shape_of(x))) for x in (a, v)], key=lambda pair: -pair[1])
        if not m or mode not in ("full", "same", "valid"):
            return NotImplemented
        a, v = (np.reshape(level.full(x), (level.size, size)) for x, size in ((a, n), (v, m)))
        if (n + m) * m * level.size > ROOM:
            return np.stack([np.convolve(x, y, mode) for x, y in zip(a, v, strict=True)])
        ends = {"full": m - 1, "same": (m - 1) - (m - 1) // 2, "valid": 0}[mode]
        after = {"full": m - 1, "same": (m - 1) // 2, "valid": 0}[mode]
        padded = np.pad(a, ((0, 0), (ends, after)))
        windows = padded[:, np.arange(n + ends + after - m + 1)[:, None] + np.arange(m)[::-1]]
        return np.matmul(windows, v[..., None])[..., 0]

    return convolved(*args, **kwargs)


@defbatch(np.roots)
def _roots(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """The eigenvalues of the companion matrix; the members must have equally many roots, none of them 0."""
    if len(args) != 1:
        return NotImplemented
    (p,) = args
    a, n = p._array, p.size - 1
    if p.ndim != 1 or n < 1 or not (every(a[:, 0] != 0) and every(a[:, -1] != 0)):
        return NotImplemented
    below = np.broadcast_to(np.eye(n - 1, n, dtype=a.dtype), (level.size, n - 1, n))
    roots = np.linalg.eigvals(np.concatenate([(-a[:, 1:] / a[:, :1])[:, None], below], axis=1))
    # From NumPy 2.5 on, eigenvalues are complex; those of `np.roots` are real where they can be.
    return np.real(roots) if a.dtype.kind == "f" and every(np.imag(roots) == 0) else roots


# -- searching -------------------------------------------------------------------------------------


@defbatch(np.searchsorted)
def _searchsorted(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """In one list that all members share, all are looked up at once; in lists of their own by counting."""

    def searched(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        if not level.holds(a):
            return np.searchsorted(a, level.body(v), side, sorter)
        if sorter is not None:
            a = np.take_along_axis(a, sorter, 0)
        row, flat = a._array, np.reshape(level.full(v), (level.size, math.prod(shape_of(v))))
        if row.shape[1] * flat.size > ROOM:
            places = np.stack([np.searchsorted(x, y, side) for x, y in zip(row, flat, strict=True)])
        else:
            row, lane = row[:, None], flat[..., None]
            below = row < lane if side == "left" else row <= lane
            places = np.sum(below | (np.isnan(lane) & (~np.isnan(row) if side == "left" else True)), -1)
        return np.reshape(places, (level.size, *shape_of(v)))

    return searched(*args, **kwargs)


defbatch(np.digitize, rule=first(lambda op, x, *args, **kwargs: op(x, *args, **kwargs)))


@defbatch(np.isin)
def _isin(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    element, *rest = args
    return NotImplemented if varies(level, (rest, kwargs)) else op(element._array, *rest, **kwargs)
