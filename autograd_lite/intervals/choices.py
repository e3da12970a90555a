"""Choices and comparisons of intervals: what is undecided takes both sides."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..apply import astype
from ..errors import UnsupportedError
from ..node import op_name
from ..ops.selection import clip, relu, where
from .interval import Interval, Truth
from .kinds import INF, IntervalRule, definterval, increasing, interval, magnitude, require

__all__: list[str] = []

_op: Any

# -- choices ---------------------------------------------------------------------------------------


def _where(condition: Any, a: Any, b: Any) -> Interval:
    """Both sides where the condition is undecided."""
    a, b = interval(a), interval(b)
    sure, maybe = holds(condition)
    low = np.where(sure, a.lo, np.where(maybe, np.minimum(a.lo, b.lo), b.lo))
    return Interval(low, np.where(sure, a.hi, np.where(maybe, np.maximum(a.hi, b.hi), b.hi)))


def _clip(x: Any, low: Any, high: Any) -> Any:
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _extreme(op: Any) -> IntervalRule:
    """The larger or smaller of two. If one wins everywhere, the result is this very array: see `_equal`."""

    def rule(a: Any, b: Any) -> Any:
        x, y = interval(a), interval(b)
        over, under = (x, y) if op in (np.maximum, np.fmax) else (y, x)
        if x.shape == np.broadcast_shapes(x.shape, y.shape) and (over.lo > under.hi).all() and over is x:
            return x
        return Interval(op(x.lo, y.lo), op(x.hi, y.hi))

    return rule


for _op in (np.maximum, np.minimum, np.fmax, np.fmin):
    definterval(_op, rule=_extreme(_op))
definterval(relu, rule=increasing(relu, 0))
definterval(np.where, where, rule=_where)
definterval(clip, rule=_clip)
for _op in (np.sign, np.floor, np.ceil, np.trunc, np.rint):
    definterval(_op, rule=lambda x, op=_op: Interval(op(x.lo), op(x.hi)))
definterval(np.heaviside, rule=lambda x, at_0: np.where(x < 0, 0.0, np.where(x > 0, 1.0, at_0)))


def _copysign(a: Any, b: Any) -> Any:
    """|a| with the sign of b; a zero has one too, so at 0 both count."""
    size = magnitude(a)
    return np.where(b > 0, size, np.where(b < 0, -size, Interval(-size.hi, size.hi)))


def _astype(x: Any, dtype: Any, **options: Any) -> Any:
    """Intervals hold real numbers: a narrower dtype changes nothing. Integers cut off the fraction."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return truth(*holds(x))
    if kind not in "iu":
        return Interval(x.lo, x.hi) if isinstance(x, Truth) else x
    limits = np.iinfo(dtype)
    require(astype, x, float(limits.min), float(limits.max))
    return Interval(np.trunc(x.lo), np.trunc(x.hi))


definterval(np.copysign, rule=lambda a, b: _copysign(a, interval(b)))
definterval(astype, rule=_astype)

# -- comparisons -----------------------------------------------------------------------------------


def truth(sure: Any, maybe: Any) -> Any:
    """Answers that are true for sure, or may be; NumPy's booleans if all are decided."""
    return sure if np.all(sure == maybe) else Truth(*np.broadcast_arrays(sure, maybe))


def holds(x: Any) -> tuple[Any, Any]:
    """Where a condition is true for sure, and where it may be. A number is true unless it is 0."""
    if isinstance(x, Interval):
        return (x.lo > 0) | (x.hi < 0), (x.lo != 0) | (x.hi != 0)
    return (np.asarray(x, bool),) * 2


def _less(a: Any, b: Any) -> Any:
    a, b = interval(a), interval(b)
    return truth(a.hi < b.lo, a.lo < b.hi)


def _less_equal(a: Any, b: Any) -> Any:
    a, b = interval(a), interval(b)
    return truth(a.hi <= b.lo, a.lo <= b.hi)


def _equal(a: Any, b: Any) -> Any:
    """Two points are equal or not; two intervals are unequal if they are apart, and equal if they are one."""
    a, b = interval(a), interval(b)
    if a is b:
        return np.ones(a.shape, bool)
    points = (a.lo == a.hi) & (b.lo == b.hi)
    return truth(points & (a.lo == b.lo), (a.lo <= b.hi) & (b.lo <= a.hi))


def _not(x: Any) -> Any:
    sure, maybe = holds(x)
    return truth(~maybe, ~sure)


def _both(a: Any, b: Any) -> Any:
    (a_sure, a_maybe), (b_sure, b_maybe) = holds(a), holds(b)
    return truth(a_sure & b_sure, a_maybe & b_maybe)


def _either(a: Any, b: Any) -> Any:
    return _not(_both(_not(a), _not(b)))


def _of_truths(op: Any, rule: IntervalRule) -> IntervalRule:
    """The rule of an op on bits, for answers of comparisons alone."""

    def checked(*xs: Any) -> Any:
        if any((x if isinstance(x, Interval) else np.asarray(x)).dtype.kind != "b" for x in xs):
            raise UnsupportedError(
                f"enclose: {op_name(op)} works on the bits of integers, which have no interval; combine "
                "comparisons: (x > 0) & (x < 1)"
            )
        return rule(*xs)

    return checked


def _guard(op: Any, undecided: bool) -> IntervalRule:
    """`np.any` or `np.all`. Rules of derivatives ask `some` and `every` whether a shortcut is right; where
    the answer is undecided, `undecided` makes them go the general way."""

    def rule(x: Any, axis: Any = None, **options: Any) -> Any:
        answers = truth(*(op(answer, axis, **options) for answer in holds(x)))
        if isinstance(answers, Truth):
            answers.read = undecided
        return answers

    return rule


definterval(np.less, rule=_less)
definterval(np.greater, rule=lambda a, b: _less(b, a))
definterval(np.less_equal, rule=_less_equal)
definterval(np.greater_equal, rule=lambda a, b: _less_equal(b, a))
definterval(np.equal, rule=_equal)
definterval(np.not_equal, rule=lambda a, b: _not(_equal(a, b)))
definterval(np.logical_not, rule=_not)
definterval(np.logical_and, rule=_both)
definterval(np.logical_or, rule=_either)
for _op, _rule in ((np.invert, _not), (np.bitwise_and, _both), (np.bitwise_or, _either)):
    definterval(_op, rule=_of_truths(_op, _rule))
definterval(np.any, rule=_guard(np.any, True))
definterval(np.all, rule=_guard(np.all, False))
definterval(np.isnan, rule=lambda x: np.zeros(x.shape, bool))
definterval(
    np.isfinite, rule=lambda x: truth(np.isfinite(x.lo) & np.isfinite(x.hi), (x.lo < INF) & (x.hi > -INF))
)
definterval(np.isinf, rule=lambda x: _not(np.isfinite(x)))
