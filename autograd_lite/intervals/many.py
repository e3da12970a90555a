"""Rules for intervals of ops on many entries: sums, products, norms, shapes."""

from __future__ import annotations

import functools
import itertools
import operator
from typing import Any

import numpy as np

from ..apply import setitem
from ..batching.members import _over_members, _repeated, gathered, laid_out
from ..errors import UnsupportedError
from ..ops.factors import others
from ..ops.indexing import scatter
from ..ops.norms import direction, power_norm
from ..ops.products import einsum, einsum_view
from ..ops.reductions import log_softmax, logsumexp, softmax
from ..ops.running import diff
from ..ops.shaping import concatenate, stack
from ..ops.statistics import std, var
from ..roundoff.steps import error_of
from ..sums import total
from .interval import Interval, decided
from .kinds import (
    INF,
    bilinear,
    clipped,
    definterval,
    increasing,
    interval,
    magnitude,
    products,
    shaped,
)
from .rules import divide

__all__: list[str] = []

_op: Any

# -- sums, products, and functions of many entries ---------------------------------------------------


def _prod(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = 1) -> Any:
    """One factor after another."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis) % x.ndim
    for k in sorted(axes, reverse=True):
        rows = [x[(slice(None),) * int(k) + (slice(i, i + 1),)] for i in range(x.shape[k])]
        one: Any = Interval.point(np.ones((*x.shape[:k], 1, *x.shape[k + 1 :])))
        x = functools.reduce(np.multiply, rows, one)
        x = x if keepdims else np.squeeze(x, int(k))
    return x if initial == 1 else x * initial


def _cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    x = np.ravel(x) if axis is None else np.moveaxis(x, axis, 0)
    rows = list(itertools.accumulate((x[i : i + 1] for i in range(len(x))), np.multiply))
    y = concatenate(*rows, axis=0) if rows else x
    return y if axis is None else np.moveaxis(y, 0, axis)


def _var(
    x: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, skip_nan: Any = None
) -> Any:
    """The mean of the squares of deviations."""
    squares = np.square(x - np.mean(x, axis=axis, keepdims=True))
    total = np.sum(squares, axis=axis, keepdims=keepdims)
    return divide(total, max(x.size / max(total.size, 1) - ddof, 0.0))


def _others(x: Any, *along: Any) -> Any:
    """For each entry along axis 0 the product of all other entries."""
    if along:
        raise UnsupportedError("enclose: the second derivative of prod has no rule; multiply the entries")
    rows = [x[i : i + 1] for i in range(len(x))]
    one = Interval.point(np.ones(rows[0].shape)) if rows else x
    parts = [functools.reduce(np.multiply, rows[:i] + rows[i + 1 :], one) for i in range(len(rows))]
    return concatenate(*parts, axis=0) if parts else x


def _direction(x: Any, *, order: float, axis: Any) -> Interval:
    """x / |x|."""
    return clipped(divide(x, _norm(x, order=order, axis=axis, keepdims=True)), -1, 1)


def _norm(x: Any, *, order: float, axis: Any, keepdims: bool = False) -> Any:
    if order == 2:
        return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
    if order in (1, INF):
        return (np.sum if order == 1 else np.max)(magnitude(x), axis=axis, keepdims=keepdims)
    raise UnsupportedError(f"enclose: a norm of order {order} has no rule; the orders 1, 2 and inf have one")


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    """x - logsumexp(x), which is no more than 0."""
    return clipped(x - logsumexp(x, axis=axis, keepdims=True), -INF, 0) if x.size else x


for _op in (np.sum, total, np.mean, np.cumsum, scatter, np.linspace):
    definterval(_op, rule=increasing(_op))
for _op in (np.median, np.quantile, np.percentile, np.nanmedian, np.nanquantile, np.nanpercentile):
    definterval(_op, rule=increasing(_op))
for _op in (np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin):
    definterval(_op, rule=lambda x, *args, op=_op, **o: Interval(op(x.lo, *args, **o), op(x.hi, *args, **o)))
definterval(logsumexp, rule=increasing(logsumexp))
definterval(power_norm, rule=_norm)
definterval(direction, rule=_direction)
definterval(others, rule=_others)
definterval(log_softmax, rule=_log_softmax)
definterval(softmax, rule=lambda x, axis=-1: clipped(np.exp(_log_softmax(x, axis)), 0, 1))
definterval(np.prod, rule=_prod)
definterval(np.cumprod, rule=_cumprod)
definterval(var, rule=_var)
definterval(std, rule=lambda *args, **options: np.sqrt(_var(*args, **options)))
definterval(np.matmul, rule=bilinear(np.matmul))
definterval(np.convolve, rule=bilinear(np.convolve))


def _diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    for _ in range(n):
        front = (slice(None),) * (axis % x.ndim)
        x = x[(*front, slice(1, None))] - x[(*front, slice(-1))]
    return x


def _einsum(subscripts: str, *arrays: Any, optimize: Any = False) -> Any:
    """One operand is summed, two are multiplied by centres and radii, more one after another."""
    if len(arrays) == 1:
        arrays = (*arrays, np.ones(()))
        subscripts = subscripts.replace("->", ",->")
    if len(arrays) > 2:
        raise UnsupportedError(
            f"enclose: einsum({subscripts!r}) has more than two operands; multiply two at a time"
        )

    return products(
        functools.partial(einsum, subscripts),
        arrays[0],
        arrays[1],
        lambda y, a, b: error_of(einsum, y, (subscripts, a, b), {}),
    )


definterval(diff, rule=_diff)
definterval(einsum, rule=_einsum)

# -- shapes ----------------------------------------------------------------------------------------

for _op in (
    *(np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.expand_dims),
    *(np.squeeze, np.roll, np.flip, np.broadcast_to, np.copy, concatenate, stack, einsum_view),
    *(np.atleast_1d, np.atleast_2d, np.atleast_3d, np.take),
):
    definterval(_op, rule=shaped(_op))


def _setitem(x: Any, value: Any, index: Any) -> Interval:
    changed_one = Interval(interval(x).lo.copy(), interval(x).hi.copy())
    changed_one[index] = value
    return changed_one


definterval(
    operator.getitem, rule=lambda x, index: x[index] if isinstance(x, Interval) else x[decided(index)]
)
definterval(setitem, rule=_setitem)


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """An infinite end stands for all large numbers, and for its replacement."""
    low, high = (np.nan_to_num(end, posinf=posinf, neginf=neginf) for end in (x.lo, x.hi))
    return Interval(np.minimum(x.lo, np.minimum(low, high)), np.maximum(x.hi, np.maximum(low, high)))


definterval(np.nan_to_num, rule=_nan_to_num)
definterval(np.zeros_like, rule=lambda x, *args, **options: Interval.point(np.zeros(x.shape)))
definterval(np.ones_like, rule=lambda x, *args, **options: Interval.point(np.ones(x.shape)))
for _op in (gathered, laid_out, _over_members, _repeated):
    definterval(_op, rule=_op.__wrapped__)
