"""Kinds of rules for intervals: functions that grow, even functions, moved entries, sums of products.

The ends are computed in floating point, and moved outward by the error that `roundoff` gives for the op.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..batching.batched import arrays_of, changed
from ..errors import DataError, UnsupportedError
from ..node import Op, op_name
from ..ops.elementwise import DEGREE, LOG2_E, LOG10_E
from ..roundoff.steps import error_of, ulps
from .interval import Interval, rules

__all__ = [
    "INF",
    "IntervalRule",
    "bilinear",
    "both",
    "centre",
    "clipped",
    "definterval",
    "ends",
    "even",
    "increasing",
    "interval",
    "magnitude",
    "products",
    "require",
    "shaped",
]

IntervalRule = Callable[..., Any]
INF = math.inf


def definterval(*ops: Op, rule: IntervalRule) -> None:
    """Give ops a rule for intervals.

    Args:
        ops: functions of NumPy, or ops of your own.
        rule: `rule(*args, **kwargs)` gets the arguments of the call, and returns an `Interval`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.primitive(broadcasts=True)
        ... def half(x):
        ...     return x / 2
        >>> definterval(half, rule=lambda x: x * 0.5)
        >>> ag.enclose(half, 0.0, 0.0)
        (np.float64(0.0), np.float64(0.0))
    """
    rules.update(dict.fromkeys(ops, rule))


ROUNDED = frozenset(
    {LOG2_E, LOG10_E, DEGREE, 2 / math.sqrt(math.pi), 2 / 3, math.log(2), math.log(2) / 2, math.pi, math.e}
)
"""Numbers that are not floats, and that derivatives have as constants: the truth is an ulp away at most."""


def interval(x: Any) -> Interval:
    """An argument as an interval. Numbers and arrays are exact, except for the constants in `ROUNDED`."""
    if isinstance(x, Interval):
        return x
    if isinstance(x, float) and abs(x) in ROUNDED:
        return Interval(np.nextafter(x, -INF), np.nextafter(x, INF))
    if np.iscomplexobj(x):
        raise UnsupportedError("enclose: a complex number has no interval; compute with np.real and np.imag")
    x = np.asarray(x)
    if x.dtype.itemsize < 8 or x.dtype == float:
        return Interval.point(x)
    near = x.astype(float)  # a longer number lies beside this one
    exact = np.abs(near) < 2.0**53 if x.dtype.kind in "iu" else near == x
    ends = (np.where(exact, near, np.nextafter(near, side)) for side in (-INF, INF))
    return Interval(*ends)


def ends(op: Any, args: Any, kwargs: Any, sign: int) -> Any:
    """The op at the lower (-1) or upper (1) ends of all intervals, moved outward by its rounding error."""
    args, kwargs = (changed(lambda x: x.hi if sign > 0 else x.lo, a, (Interval,)) for a in (args, kwargs))
    y = np.asarray(op(*args, **kwargs))
    return moved(y, error_of(op, y, args, kwargs), sign)


def moved(y: Any, error: Any, sign: int) -> Any:
    """y moved outward by an error, and by an ulp more, since the sum is rounded; 0 stands for no error."""
    far = np.nextafter(np.where(np.isfinite(y), y + sign * error, y), sign * INF)
    return np.where(np.isnan(y), sign * INF, np.where(error == 0, y, far))


def magnitude(x: Any) -> Interval:
    """|x|."""
    x = interval(x)
    low = np.where(x.lo > 0, x.lo, np.where(x.hi < 0, -x.hi, 0))
    return Interval(low, np.maximum(np.abs(x.lo), np.abs(x.hi)))


def clipped(x: Interval, low: float, high: float) -> Interval:
    """The part of an interval where the results of a function lie."""
    return Interval(np.clip(x.lo, low, high), np.clip(x.hi, low, high))


def increasing(op: Any, low: float = -INF, high: float = INF, domain: float = -INF) -> IntervalRule:
    """The result grows with every argument; it lies between `low` and `high`."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        if domain > -INF:
            require(op, args[0], domain, INF)
        return clipped(Interval(ends(op, args, kwargs, -1), ends(op, args, kwargs, 1)), low, high)

    return rule


def shaped(op: Any) -> IntervalRule:
    """Entries are moved, copied or left out."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        first = next(arrays_of((args, kwargs), Interval))
        both = [
            op(*changed(lambda x: getattr(x, end), args, (Interval,)), **kwargs)  # noqa: B023
            for end in ("lo", "hi")
        ]
        return type(first)(*both)

    return rule


def even(op: Any, low: float = 0.0, high: float = INF, falling: bool = False) -> IntervalRule:
    """A function of |x| that grows, or falls, with |x|."""

    def rule(x: Any, *args: Any) -> Any:
        size = magnitude(x)
        given = Interval(size.hi, size.lo) if falling else size, *args
        return clipped(Interval(ends(op, given, {}, -1), ends(op, given, {}, 1)), low, high)

    return rule


def bilinear(op: Any) -> IntervalRule:
    """Sums of products of the entries of two arrays."""

    def rule(a: Any, b: Any, **kwargs: Any) -> Interval:
        return products(
            lambda a, b: op(a, b, **kwargs), a, b, lambda y, a, b: error_of(op, y, (a, b), kwargs)
        )

    return rule


def both(a: Interval, b: Interval) -> Interval:
    """What two enclosures of one number have in common."""
    return Interval(np.maximum(a.lo, b.lo), np.minimum(a.hi, b.hi))


def products(of: Any, a: Any, b: Any, error: Any) -> Interval:
    """`of(a, b)`, which is linear in both, by centres and radii.

    The radius of the product is |a| db + da (|b| + db).

    Args:
        of, a, b: the function and its arguments.
        error: `error(y, a, b)`, the largest rounding error of y = of(a, b).
    """
    (a, da), (b, db) = centre(interval(a)), centre(interval(b))
    y, high = of(a, b), np.abs(b) + db
    radius = np.zeros_like(y)
    if db.any():  # a known factor, such as the weights of a layer, has the radius 0
        radius = radius + of(np.abs(a), db)
    if da.any():
        radius = radius + of(da, high)
    room = 4 * error(y, np.abs(a) + da, high) + 4 * (ulps(radius) + ulps(y))
    return Interval(moved(y - radius, room, -1), moved(y + radius, room, 1))


def centre(x: Interval) -> tuple[Any, Any]:
    """Centre and radius of intervals; the radius is rounded upward."""
    middle = x.lo / 2 + x.hi / 2
    radius = np.maximum(x.hi - middle, middle - x.lo)
    return middle, np.where(x.lo == x.hi, 0, np.nextafter(radius, INF))


def require(op: Any, x: Any, low: float, high: float) -> None:
    """Raise unless a function is defined on the whole of an interval."""
    x = interval(x)
    outside = (x.lo < low) | (x.hi > high)
    if outside.any():
        first = Interval(x.lo[outside].flat[0], x.hi[outside].flat[0])
        raise DataError(
            f"enclose: {op_name(op)} is not defined on all of {first!r}; enclose a smaller box, or keep the "
            f"argument away from there: np.clip(x, {low:g}, {high:g})"
        )
