"""Choices and comparisons of intervals: what is undecided takes both sides."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops.selection import clip, relu, where
from .interval import Interval, Truth
from .kinds import IntervalRule, definterval, increasing, interval

__all__: list[str] = []

_op: Any

# -- choices ---------------------------------------------------------------------------------------


def _where(condition: Any, a: Any, b: Any) -> Interval:
    """Both sides where the condition is undecided."""
    a, b = interval(a), interval(b)
    sure, maybe = (
        (condition.lo > 0, condition.hi > 0) if isinstance(condition, Interval) else (condition,) * 2
    )
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

# -- comparisons -----------------------------------------------------------------------------------


def truth(sure: Any, maybe: Any) -> Any:
    """Answers that are true for sure, or may be; NumPy's booleans if all are decided."""
    return sure if np.all(sure == maybe) else Truth(*np.broadcast_arrays(sure, maybe))


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
    return truth(x.hi == 0, x.lo == 0) if isinstance(x, Interval) else ~np.asarray(x, bool)


def _both(a: Any, b: Any) -> Any:
    a, b = interval(a), interval(b)
    return truth((a.lo > 0) & (b.lo > 0), (a.hi > 0) & (b.hi > 0))


def _guard(op: Any, undecided: bool) -> IntervalRule:
    """`np.any` or `np.all`. Rules of derivatives ask `some` and `every` whether a shortcut is right; where
    the answer is undecided, `undecided` makes them go the general way."""

    def rule(x: Any, axis: Any = None, **options: Any) -> Any:
        answers = truth(op(x.lo != 0, axis, **options), op(x.hi != 0, axis, **options))
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
definterval(np.invert, np.logical_not, rule=_not)
definterval(np.bitwise_and, np.logical_and, rule=_both)
definterval(np.bitwise_or, np.logical_or, rule=lambda a, b: _not(_both(_not(a), _not(b))))
definterval(np.any, rule=_guard(np.any, True))
definterval(np.all, rule=_guard(np.all, False))
definterval(np.isnan, rule=lambda x: np.zeros(x.shape, bool))
definterval(np.isfinite, rule=lambda x: np.isfinite(x.lo) & np.isfinite(x.hi))
definterval(np.isinf, rule=lambda x: np.isinf(x.lo) | np.isinf(x.hi))
