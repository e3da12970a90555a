"""Signals in one dimension: convolution, correlation, interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import asarray, read_at, shape_of, size_of, some, unwrap, zeros
from ..known import Composition, defvjp, known
from ..sums import narrowed, total

__all__: list[str] = []

# -- convolution and correlation -------------------------------------------------------------------

LONG = 1 << 13
"""From this many products on, their sum in single precision has an error of more than a few 1e-7."""


def _convolve(g: Any, a: Any, v: Any) -> Any:
    """The cotangent of a: the correlation of g with v.

    Modes "same" and "valid" keep the middle of the full convolution; g is filled up with zeros.
    """
    cut = size_of(a) + size_of(v) - 1 - g.shape[0]
    nothing = zeros(cut, like=g)
    full = np.concatenate([nothing[: cut // 2], g, nothing[cut // 2 :]])
    return np.reshape(_slid(full, np.reshape(v, -1)), shape_of(a))


def _slid(full: Any, v: Any) -> Any:
    """The sum of full[i + j] v[j] over j, for each i.

    NumPy adds the products of a window in a few runs, which loses digits in a long window. There `total` adds
    them.
    """
    size = v.shape[0]
    if size < LONG or v.dtype.itemsize > 4:
        return np.convolve(full, np.flip(v), "valid")
    windows = [full[i : i + size] for i in range(full.shape[0] - size + 1)]
    return narrowed(np.stack([total(window * v) for window in windows]), full)


defvjp(
    np.convolve,
    lambda g, y, a, v, mode="full": _convolve(g, a, v),
    lambda g, y, a, v, mode="full": _convolve(g, v, a),
)


def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """The convolution of a with v, reversed and conjugated.

    As in NumPy the longer array comes first, which decides where the middle is.
    """
    if size_of(a) < size_of(v):
        return np.conjugate(np.flip(_correlate(v, a, mode)))
    return np.convolve(a, np.conjugate(np.flip(np.reshape(v, -1))), mode)


known[np.correlate] = Composition(_correlate)

# -- interpolation ---------------------------------------------------------------------------------


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """The polygon through the points (xp, fp). Its slope at a point is the slope to the right."""
    x, xp, fp = asarray(x) + 0.0, asarray(xp) + 0.0, asarray(fp) + 0.0
    if xp.ndim != 1 or xp.shape != fp.shape:
        raise ValueError(f"xp has shape {xp.shape}, fp has {fp.shape}; expected one axis of the same size")
    if not xp.size:
        np.interp(np.empty(x.shape), [], [])  # an error; from NumPy 2.5 on, unless x is empty too
        return x
    ends = [asarray(end) for end in (left, right) if end is not None]
    if any(end.ndim or end.dtype.kind not in "biuf" for end in ends):
        raise TypeError("left and right must be real numbers")
    if "c" in (x.dtype.kind, xp.dtype.kind):
        raise TypeError("x and xp must be real numbers")
    if period is not None:
        period = np.abs(period)
        if some(unwrap(period) == 0):
            raise ValueError("period is 0; expected another number")
        x, xp = x % period, xp % period
        order = np.argsort(unwrap(xp))
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    raw, places = unwrap(x), unwrap(xp)
    last = places.size - 1
    i = np.clip(np.searchsorted(places, raw, side="right") - 1, 0, max(last - 1, 0))
    j = np.minimum(i + 1, last)
    left_x, left_y = read_at(xp, i), read_at(fp, i)
    wide = np.where(j > i, read_at(xp, j) - left_x, 1)
    y = left_y + (read_at(fp, j) - left_y) / wide * (x - left_x)
    y = np.where(raw < places[0], fp[0] if left is None else left, y)
    return np.where(raw > places[-1], fp[-1] if right is None else right, y)


known[np.interp] = Composition(_interp)
