"""Reductions: many entries become one, so the cotangent is spread over them."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..apply import nondifferentiable, primitive
from ..arrays import asarray, at_once, door, on_host, ones, some, unwrap
from ..known import Composition, defvjp, known
from ..sums import narrowed, total, widened
from .factors import others

__all__ = ["log_softmax", "logsumexp", "softmax"]


SMALL = 4096
"""Up to this many entries, a copy takes less time than NumPy's broadcast view."""


def spread(g: Any, shape: tuple[int, ...], axis: Any, keepdims: Any) -> Any:
    """Broadcast a cotangent of a reduction to the shape of its input; a view, or a copy if that is faster."""
    if not keepdims and axis is not None:
        g = np.reshape(g, kept_shape(shape, axis))
    if math.prod(shape) <= SMALL:
        if on_host(g):
            return _filled(g, shape)
        if (whole := door(g)) is not None:
            return whole(_filled, (g, shape), {})
    return np.broadcast_to(g, shape)


def _filled(g: Any, shape: tuple[int, ...]) -> Any:
    """An array of `shape` filled with g, which broadcasts."""
    full = np.empty(shape, g.dtype)
    full[...] = g
    return full


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """The shape of a reduction with `keepdims=True`."""
    if axis is None:
        return (1,) * len(shape)
    axes = (
        {i % len(shape) for i in (axis if isinstance(axis, (tuple, list)) else (axis,))} if shape else set()
    )
    return tuple(1 if i in axes else size for i, size in enumerate(shape))


def count(shape: tuple[int, ...], axis: Any) -> int:
    """The number of entries that are reduced to one."""
    kept = kept_shape(shape, axis)
    return math.prod(n for n, k in zip(shape, kept, strict=True) if k == 1)


# -- sums and means --------------------------------------------------------------------------------

defvjp(
    np.sum,
    lambda g, y, x, axis=None, dtype=None, keepdims=False, initial=0: spread(g, x.shape, axis, keepdims),
    flow="moves",
)
defvjp(total, lambda g, y, x, axis=None, keepdims=False: spread(g, x.shape, axis, keepdims), flow="moves")
defvjp(
    np.mean,
    lambda g, y, x, axis=None, dtype=None, keepdims=False: spread(
        widened(g) / count(x.shape, axis), x.shape, axis, keepdims
    ),
    flow="moves",
)

# -- products --------------------------------------------------------------------------------------


def _prod(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
) -> Any:
    """The product of the other factors."""
    shape = kept_shape(x.shape, axis)
    reduced = [i for i, size in enumerate(shape) if size == 1]
    left = [i for i in range(len(shape)) if i not in reduced]
    order = (*reduced, *left)
    front = np.transpose(x, order)
    flat = np.reshape(front, (count(x.shape, axis), *[x.shape[i] for i in left]))
    n = len(flat)
    if initial is not None:  # one more factor
        factor = ones((1, *flat.shape[1:]), like=flat) * flat.dtype.type(initial)
        flat = np.concatenate([flat, factor])
    back = np.transpose(np.reshape(others(flat)[:n], front.shape), tuple(np.argsort(order)))
    return spread(g, x.shape, axis, keepdims) * back


defvjp(np.prod, _prod)

# -- extremes: tied entries share the gradient, the others are dead --------------------------------


def _extreme(
    g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, *, nan: bool = True
) -> Any:
    """An equal share of g for each tied entry. `initial` may tie too, and so may NaNs, unless skipped."""
    raw, best = asarray(unwrap(x)), unwrap(y)
    best = best if keepdims else np.reshape(best, kept_shape(raw.shape, axis))
    tied = raw == best
    if nan:
        tied = tied | ((raw != raw) & (best != best))
    share = np.sum(tied, axis=axis, keepdims=True)
    share = np.maximum(share if initial is None else share + (best == initial), 1)
    share = share.astype(np.result_type(raw.dtype, np.float32))
    g = g if keepdims else np.reshape(g, share.shape)
    return np.where(tied, g / share, 0)


for _op in (np.max, np.min, np.amax, np.amin):
    defvjp(_op, _extreme, flow="selects")
for _op in (np.nanmax, np.nanmin):
    defvjp(_op, functools.partial(_extreme, nan=False), flow="selects")


def _ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


known[np.ptp] = Composition(_ptp)

# -- sums, means and products that skip NaNs: skipped entries are dead -----------------------------


def _without_nan(x: Any, neutral: float) -> Any:
    """x with each NaN replaced by the neutral number of the reduction."""
    return np.where(np.isnan(x), neutral, x)


def _nanmean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    entries = _without_nan(a, 0)
    there = np.sum(~np.isnan(a), axis=axis, keepdims=keepdims)
    sums = np.sum(widened(entries), axis=axis, dtype=dtype, keepdims=keepdims)
    means = sums / there.astype(np.result_type(unwrap(sums).real.dtype, np.float32))
    return narrowed(means, entries) if dtype is None else means.astype(sums.dtype)


known[np.nanmean] = Composition(_nanmean)
known[np.nansum] = Composition(
    lambda a, axis=None, dtype=None, **options: np.sum(_without_nan(a, 0), axis=axis, dtype=dtype, **options)
)
known[np.nanprod] = Composition(
    lambda a, axis=None, dtype=None, **options: np.prod(_without_nan(a, 1), axis=axis, dtype=dtype, **options)
)

# -- softmax and logsumexp -------------------------------------------------------------------------


def _shifted(x: Any, axis: Any) -> tuple[Any, Any]:
    """x minus its largest entry, so that exp cannot overflow; and that entry."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    return x - top, top


def _exponentials(x: Any, axis: Any) -> Any:
    """exp(x - c), with a c for which nothing overflows and no digits are lost.

    The difference of two entries is rounded. The rounding error of 0.1 - (-37.3) is 3.6e-15, which is 32
    units in the last place of the exponential. If the largest entry is moderate, c is 0. Otherwise c is an
    integer, and x - c is exact.
    """
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    room = max(math.log(np.finfo(x.dtype).max) - 30, 0.0)
    shift = np.rint(np.minimum(top, 0) + np.maximum(top - room, 0))
    return np.exp(x - np.where(np.isfinite(shift), shift, 0) if some(shift) else x)


@primitive
@np.errstate(all="ignore")
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))), without overflow.

    Args:
        x: real array of any shape.
        axis: int, tuple of ints, or None for all axes.
        keepdims: keep the reduced axes with size 1.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> float(ag.logsumexp(np.array([1000.0, 1000.0])))
        1000.6931471805599
    """
    x = _inexact(x)
    shifted, top = _shifted(widened(x), axis)
    result = narrowed(_log_total(shifted, axis) + top, x)
    return result if keepdims else np.squeeze(result, axis=axis)


@primitive
@np.errstate(all="ignore")
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / sum(exp(x)): positive numbers that add up to 1 along `axis`.

    Args:
        x: real array of any shape.
        axis: int, tuple of ints, or None for all axes.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.softmax(np.array([0.0, 0.0]))
        array([0.5, 0.5])
    """
    x = _inexact(x)
    e = _exponentials(widened(x), axis)
    return narrowed(e / total(e, axis, keepdims=True), x)


@primitive
@np.errstate(all="ignore")
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """log(softmax(x)), exact where softmax underflows.

    Args:
        x: real array of any shape.
        axis: int, tuple of ints, or None for all axes.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.log_softmax(np.array([0.0, 1e4]))
        array([-10000.,      0.])
    """
    x = _inexact(x)
    shifted, _ = _shifted(widened(x), axis)
    return narrowed(shifted - _log_total(shifted, axis), x)


def _log_total(shifted: Any, axis: Any) -> Any:
    """log(sum(exp(x))) of an x whose largest entry is 0.

    The largest entry adds 1, and the sum of the others may be below the precision of 1. For a probability
    near 1 this sum is the whole logarithm, so log1p takes it without the 1.
    """
    top = shifted == 0
    others = np.where(top, shifted.dtype.type(0), np.exp(shifted))
    ties = np.count_nonzero(top, axis=axis, keepdims=True) - 1
    with np.errstate(divide="ignore"):
        return np.log1p(total(others, axis, keepdims=True) + asarray(ties).astype(others.dtype))


def _inexact(x: Any) -> Any:
    x = asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def _softmax(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """y (g - <g, y>). For an entry y above 1/2 the difference cancels, so `balanced` computes this cotangent
    from the others: together they add up to 0."""
    g, y = widened(g), widened(y)
    return balanced(y * (g - total(g * y, axis, keepdims=True)), y, axis)


def _log_softmax(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """g - softmax(x) sum(g), balanced as in `_softmax`."""
    g, p = widened(g), softmax(widened(x), axis=axis)
    return balanced(g - p * total(g, axis, keepdims=True), p, axis)


def balanced(gx: Any, p: Any, axis: Any) -> Any:
    """gx; if a probability is above 1/2, its entry becomes minus the sum of the others."""
    return at_once(_balanced, gx, unwrap(p), axis)


def _balanced(gx: Any, p: Any, axis: Any) -> Any:
    large = p > 0.5
    if not some(large):
        return gx
    return np.where(large, -total(np.where(large, 0, gx), axis, keepdims=True), gx)


defvjp(
    logsumexp,
    lambda g, y, x, axis=None, keepdims=False: (
        spread(g, x.shape, axis, keepdims) * softmax(widened(x), axis=axis)
    ),
)
defvjp(softmax, _softmax)
defvjp(log_softmax, _log_softmax)

# -- without a gradient ----------------------------------------------------------------------------

for _constant in (
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.lexsort, np.argwhere, np.nonzero,
    np.flatnonzero, np.count_nonzero, np.any, np.all, np.searchsorted, np.digitize,
):  # fmt: skip
    nondifferentiable(_constant)
