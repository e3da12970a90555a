"""Reductions: many entries become one, so a cotangent is spread out again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..rules import compositions, defvjp
from ..tensor import nondifferentiable, primitive, unwrap

__all__ = ["log_softmax", "logsumexp", "softmax"]


SMALL = 4096
"""Up to this many entries are copied in less time than NumPy makes a view in."""


def spread(g: Any, shape: tuple[int, ...], axis: Any, keepdims: Any) -> Any:
    """A reduced array, laid out over the shape it was reduced from: a view, unless that costs more."""
    if not keepdims and axis is not None:
        g = np.reshape(g, kept_shape(shape, axis))
    if isinstance(g, (np.ndarray, np.generic)) and math.prod(shape) <= SMALL:
        full = np.empty(shape, g.dtype)
        full[...] = g
        return full
    return np.broadcast_to(g, shape)


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """What `keepdims=True` would have left of a shape."""
    if axis is None:
        return (1,) * len(shape)
    axes = (
        {i % len(shape) for i in (axis if isinstance(axis, (tuple, list)) else (axis,))} if shape else set()
    )
    return tuple(1 if i in axes else size for i, size in enumerate(shape))


def count(shape: tuple[int, ...], axis: Any) -> int:
    """How many entries are reduced into one."""
    kept = kept_shape(shape, axis)
    return int(np.prod([n for n, k in zip(shape, kept, strict=True) if k == 1], dtype=int))


# -- sums and means --------------------------------------------------------------------------------

defvjp(
    np.sum,
    lambda g, y, x, axis=None, dtype=None, keepdims=False: spread(g, x.shape, axis, keepdims),
    flow="moves",
)
defvjp(
    np.mean,
    lambda g, y, x, axis=None, dtype=None, keepdims=False: spread(
        g / count(x.shape, axis), x.shape, axis, keepdims
    ),
    flow="moves",
)


def _var(
    g: Any, y: Any, x: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    """2 (x - mean) / (n - ddof)."""
    free = count(x.shape, axis) - ddof
    scale = 2 / free if free else math.nan
    return spread(g * scale, x.shape, axis, keepdims) * (x - np.mean(x, axis=axis, keepdims=True))


def _std(
    g: Any, y: Any, x: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    """(x - mean) / ((n - ddof) std), and 0 for a constant."""
    raw = unwrap(x)
    flat = np.max(raw, axis=axis, keepdims=keepdims) == np.min(raw, axis=axis, keepdims=keepdims)
    each = np.where(flat, 0, g / np.where(flat, 1, y * (count(x.shape, axis) - ddof)))
    return spread(each, x.shape, axis, keepdims) * (x - np.mean(x, axis=axis, keepdims=True))


defvjp(np.var, _var)
defvjp(np.std, _std)

# -- running sums and differences ------------------------------------------------------------------


def _cumsum(g: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Each entry goes into all the later sums: a running sum from the other end."""
    k = 0 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(g, k), axis=k), k), x.shape)


def _diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    before = (slice(None),) * (axis % np.ndim(unwrap(a)))
    for _ in range(n):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


def _average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    if np.ndim(unwrap(weights)) != np.ndim(unwrap(a)):  # one weight for each entry of a single axis
        shape = [1] * np.ndim(unwrap(a))
        shape[axis] = -1
        weights = np.reshape(weights, shape)
    weights = np.broadcast_to(weights, np.shape(unwrap(a)))
    return np.sum(a * weights, axis=axis, keepdims=keepdims) / np.sum(weights, axis=axis, keepdims=keepdims)


defvjp(np.cumsum, _cumsum, flow="moves")
compositions[np.diff] = _diff
compositions[np.average] = _average

# -- products --------------------------------------------------------------------------------------


def others(x: Any) -> Any:
    """For each entry along axis 0 the product of all the others, by multiplications alone.

    Dividing the whole product by an entry fails at zeros, and at two zeros even in the second
    derivative. Here pairs are multiplied up a binary tree and the products handed down again to
    the other branch: O(n) work, exact zeros, and every step may be recorded.
    """
    n = x.shape[0]
    if n == 0:
        return x
    padding = (1 << (n - 1).bit_length()) - n
    if padding:
        x = np.concatenate([x, np.ones((padding, *x.shape[1:]), x.dtype)])
    levels = []
    while x.shape[0] > 1:
        levels.append((x[0::2], x[1::2]))
        x = levels[-1][0] * levels[-1][1]
    rest = np.ones(x.shape, x.dtype)
    for even, odd in reversed(levels):
        rest = np.reshape(np.stack([rest * odd, rest * even], axis=1), (-1, *rest.shape[1:]))
    return rest[:n]


def _prod(g: Any, y: Any, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The product of the other factors."""
    shape = kept_shape(x.shape, axis)
    reduced = [i for i, size in enumerate(shape) if size == 1]
    left = [i for i in range(len(shape)) if i not in reduced]
    order = (*reduced, *left)
    front = np.transpose(x, order)
    flat = np.reshape(front, (count(x.shape, axis), *[x.shape[i] for i in left]))
    back = np.transpose(np.reshape(others(flat), front.shape), tuple(np.argsort(order)))
    return spread(g, x.shape, axis, keepdims) * back


defvjp(np.prod, _prod)

# -- extremes: the tied share the gradient, the others are dead ------------------------------------


def _extreme(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """An equal share of g for each of the tied."""
    raw, best = np.asarray(unwrap(x)), np.asarray(unwrap(y))
    best = best if keepdims else np.reshape(best, kept_shape(raw.shape, axis))
    tied = (raw == best) | ((raw != raw) & (best != best))
    share = np.sum(tied, axis=axis, keepdims=True).astype(raw.dtype)
    g = g if keepdims else np.reshape(g, share.shape)
    return np.where(tied, g / share, 0)


defvjp(np.max, _extreme, flow="selects")
defvjp(np.min, _extreme, flow="selects")

compositions[np.ptp] = lambda a, axis=None, keepdims=False: (
    np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)
)

# -- softmax and its kin ---------------------------------------------------------------------------


def _shifted(x: Any, axis: Any) -> tuple[Any, Any]:
    """x minus its largest entry, so that exp cannot overflow, and that entry."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    return x - top, top


@primitive
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))), without overflow.

    Args:
        x: real array of any shape.
        axis: int, tuple of ints, or None for all.
        keepdims: keep the reduced axes with size 1.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> float(ag.logsumexp(np.array([1000.0, 1000.0])))
        1000.6931471805599
    """
    x = _inexact(x)
    shifted, top = _shifted(x, axis)
    with np.errstate(divide="ignore"):
        result = np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)) + top
    return result if keepdims else np.squeeze(result, axis=axis)


@primitive
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / sum(exp(x)): positive numbers that add up to 1 along `axis`.

    Args:
        x: real array of any shape.
        axis: int, tuple of ints, or None for all.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.softmax(np.array([0.0, 0.0]))
        array([0.5, 0.5])
    """
    e = np.exp(_shifted(_inexact(x), axis)[0])
    return e / np.sum(e, axis=axis, keepdims=True)


@primitive
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """log(softmax(x)), exact where softmax underflows.

    Args:
        x: real array of any shape.
        axis: int, tuple of ints, or None for all.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.log_softmax(np.array([0.0, 1e4]))
        array([-10000.,      0.])
    """
    shifted, _ = _shifted(_inexact(x), axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _inexact(x: Any) -> Any:
    x = np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def _largest(x: Any, axis: Any) -> Any:
    """A mask of one largest entry along `axis`."""
    raw = unwrap(x)
    axes = tuple(range(raw.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ends = tuple(range(-len(axes), 0))
    rows = np.moveaxis(raw, axes, ends)
    flat = rows.reshape(*rows.shape[: rows.ndim - len(axes)], -1)
    mask = np.arange(flat.shape[-1]) == np.argmax(flat, axis=-1)[..., None]
    return np.moveaxis(mask.reshape(rows.shape), ends, axes)


def _softmax(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """y (g - <g, y>). A constant added to g changes nothing, so that of the largest entry is taken
    off first: there 1 - y would cancel."""
    if x.size:
        top = _largest(x, axis)
        g = g - np.sum(np.where(top, g, 0), axis=axis, keepdims=True)
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _log_softmax(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """g - softmax(x) sum(g). It adds up to 0, so the largest entry, where 1 - softmax would cancel,
    is taken from the others."""
    gx = g - softmax(x, axis=axis) * np.sum(g, axis=axis, keepdims=True)
    if not x.size:
        return gx
    top = _largest(x, axis)
    return np.where(top, -np.sum(np.where(top, 0, gx), axis=axis, keepdims=True), gx)


defvjp(
    logsumexp,
    lambda g, y, x, axis=None, keepdims=False: spread(g, x.shape, axis, keepdims) * softmax(x, axis=axis),
)
defvjp(softmax, _softmax)
defvjp(log_softmax, _log_softmax)

# -- without a gradient ----------------------------------------------------------------------------

for _constant in (
    np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero,
    np.any, np.all, np.searchsorted, np.digitize,
):  # fmt: skip
    nondifferentiable(_constant)
