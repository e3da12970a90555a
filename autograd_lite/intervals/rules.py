"""The rules for intervals: for each op an interval that holds every result, in a table by kinds of ops.

The ends are computed in floating point, and moved outward by the error that `roundoff` gives for the op.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..apply import alias, astype, setitem
from ..batching.batched import arrays_of, changed
from ..errors import DataError, UnsupportedError
from ..node import Op, op_name
from ..ops.elementwise import DEGREE, LOG2_E, LOG10_E
from ..ops.factors import others
from ..ops.indexing import scatter
from ..ops.norms import direction, power_norm
from ..ops.products import einsum, einsum_view
from ..ops.reductions import log_softmax, logsumexp, softmax
from ..ops.running import diff
from ..ops.selection import clip, relu, where
from ..ops.shaping import concatenate, stack
from ..ops.slopes import (
    arcsin_slope,
    arctan_slope,
    arctanh_slope,
    cbrt_slope,
    logistic_slope,
    lost,
    plane_slope,
    power_partial,
    ratio,
    share,
    share_slope,
    times_gauss,
    times_sec2,
    times_sech2,
)
from ..ops.special import erf, sigmoid, softplus
from ..roundoff.steps import error_of, ulps
from ..sums import total
from .interval import Interval, Truth, decided, rules

__all__ = ["definterval"]

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
    return Interval.point(x)


def ends(op: Any, args: Any, kwargs: Any, sign: int) -> Any:
    """The op at the lower (-1) or upper (1) ends of all intervals, moved outward by its rounding error."""
    args, kwargs = (changed(lambda x: x.hi if sign > 0 else x.lo, a, (Interval,)) for a in (args, kwargs))
    y = np.asarray(op(*args, **kwargs))
    return moved(y, error_of(op, y, args, kwargs), sign)


def moved(y: Any, error: Any, sign: int) -> Any:
    """y moved outward by an error, and by an ulp more, since the sum is rounded; 0 stands for no error."""
    far = np.nextafter(np.where(np.isfinite(y), y + sign * error, y), sign * INF)
    return np.where(np.isnan(y), sign * INF, np.where(error == 0, y, far))


def clipped(x: Interval, low: float, high: float) -> Interval:
    """The part of an interval where the results of a function lie."""
    return Interval(np.clip(x.lo, low, high), np.clip(x.hi, low, high))


# -- kinds of rules --------------------------------------------------------------------------------


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

    def rule(x: Any) -> Any:
        size = magnitude(x)
        size = Interval(size.hi, size.lo) if falling else size
        return clipped(Interval(ends(op, (size,), {}, -1), ends(op, (size,), {}, 1)), low, high)

    return rule


def bilinear(op: Any) -> IntervalRule:
    """Sums of products of the entries of two arrays."""
    return lambda a, b, *args: products(lambda a, b: op(a, b, *args), a, b, lambda y, a, b: error_of(op, y, (a, b, *args), {}))


def products(of: Any, a: Any, b: Any, error: Any) -> Interval:
    """`of(a, b)`, which is linear in both, by centres and radii.

    The radius of the product is |a| db + da (|b| + db).

    Args:
        of, a, b: the function and its arguments.
        error: `error(y, a, b)`, the largest rounding error of y = of(a, b).
    """
    (a, da), (b, db) = _centre(interval(a)), _centre(interval(b))
    centre, high = of(a, b), np.abs(b) + db
    radius = of(np.abs(a), db) + of(da, high)
    room = 4 * error(centre, np.abs(a) + da, high) + 4 * (ulps(radius) + ulps(centre))
    return Interval(moved(centre - radius, room, -1), moved(centre + radius, room, 1))


def _centre(x: Interval) -> tuple[Any, Any]:
    """Centre and radius of intervals; the radius is rounded upward."""
    centre = x.lo / 2 + x.hi / 2
    radius = np.maximum(x.hi - centre, centre - x.lo)
    return centre, np.where(x.lo == x.hi, 0, np.nextafter(radius, INF))


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


# -- arithmetic ------------------------------------------------------------------------------------


def _plus(a: Any, b: Any, sign: int) -> Any:
    """a + b rounded in one direction; an exact sum stays."""
    y = a + b
    rest = lost(a, -b, y)
    return np.where((rest * sign > 0) | ~np.isfinite(rest), np.nextafter(y, sign * INF), y)


def _add(a: Any, b: Any) -> Interval:
    a, b = interval(a), interval(b)
    return Interval(_plus(a.lo, b.lo, -1), _plus(a.hi, b.hi, 1))


def _negative(x: Any) -> Interval:
    return Interval(-x.hi, -x.lo)


def _corners(of: Any, sign: Any, a: Interval, b: Interval) -> Interval:
    """Products or quotients of all pairs of ends. What underflows stays on its side of 0."""
    lows, highs = [], []
    for p in (a.lo, a.hi):
        for q in (b.lo, b.hi):
            y, side = of(p, q), np.sign(p) * sign(q)
            y = np.where((side == 0) | np.isnan(y), 0, y)  # 0 times inf: a bound that no number reaches
            exact = (side == 0) | (np.abs(q) == 1) | ((np.abs(p) == 1) & (of is np.multiply))
            lows.append(np.where(exact | ((y == 0) & (side > 0)), y, np.nextafter(y, -INF)))
            highs.append(np.where(exact | ((y == 0) & (side < 0)), y, np.nextafter(y, INF)))
    return Interval(functools.reduce(np.minimum, lows), functools.reduce(np.maximum, highs))


def _multiply(a: Any, b: Any) -> Interval:
    return _square(a) if a is b else _corners(np.multiply, np.sign, interval(a), interval(b))


def _divide(a: Any, b: Any) -> Interval:
    """a / b; the whole line where b has 0 inside, half of it where b ends at 0."""
    a, b = interval(a), interval(b)
    sided = Interval(np.where(b.lo == 0, 0.0, b.lo), np.where(b.hi == 0, -0.0, b.hi))
    y = _corners(np.divide, lambda q: np.copysign(1.0, q), a, sided)
    whole = ((b.lo < 0) & (b.hi > 0)) | ((b.lo == 0) & (b.hi == 0))
    return Interval(np.where(whole, -INF, y.lo), np.where(whole, INF, y.hi))


def magnitude(x: Any) -> Interval:
    """|x|."""
    x = interval(x)
    low = np.where(x.lo > 0, x.lo, np.where(x.hi < 0, -x.hi, 0))
    return Interval(low, np.maximum(np.abs(x.lo), np.abs(x.hi)))


def _square(x: Any) -> Interval:
    size = magnitude(x)
    return _corners(np.multiply, np.sign, size, size)


def _power(a: Any, b: Any) -> Any:
    """A whole exponent takes any base; others take positive ones, and the extremes lie at corners."""
    number = b if isinstance(b, (int, float)) else None if isinstance(b, Interval) or np.ndim(b) else float(b)
    if number is not None and float(number).is_integer():
        return _whole_power(interval(a), int(number))
    require(np.power, a, 0, INF)
    a, b = interval(a), interval(b)
    corners = [(p, q) for p in (a.lo, a.hi) for q in (b.lo, b.hi)]
    lows, highs = ([ends(np.power, pair, {}, sign) for pair in corners] for sign in (-1, 1))
    return clipped(Interval(functools.reduce(np.minimum, lows), functools.reduce(np.maximum, highs)), 0, INF)


def _whole_power(a: Interval, n: int) -> Interval:
    if n < 0:
        return _divide(1.0, _whole_power(a, -n))
    if n in (0, 1, 2):
        return Interval.point(np.ones(a.shape)) if n == 0 else a if n == 1 else _square(a)
    if n % 2 == 0:
        return clipped(_raised(magnitude(a), n), 0, INF)
    return _raised(a, n)


def _raised(a: Interval, n: int) -> Interval:
    y = Interval(ends(np.power, (a, float(n)), {}, -1), ends(np.power, (a, float(n)), {}, 1))
    return Interval(np.where(a.lo == 0, 0, y.lo), np.where(a.hi == 0, 0, y.hi))


definterval(np.add, rule=_add)
definterval(np.subtract, rule=lambda a, b: _add(a, _negative(interval(b))))
definterval(np.negative, rule=_negative)
definterval(np.positive, np.conjugate, np.real, alias, rule=lambda x: x)
definterval(astype, rule=lambda x, dtype, **options: x)
definterval(np.multiply, rule=_multiply)
definterval(np.divide, rule=_divide)
definterval(np.reciprocal, rule=lambda x: _divide(1.0, x))
definterval(np.square, rule=_square)
definterval(np.absolute, np.fabs, rule=magnitude)
definterval(np.power, rule=_power)
definterval(np.hypot, rule=lambda a, b: increasing(np.hypot, 0)(magnitude(a), magnitude(b)))
definterval(ratio, rule=lambda a, b, n: _divide(a, _whole_power(interval(b), n)))

# -- elementary functions --------------------------------------------------------------------------

for _op in (np.expm1, np.sinh, np.arcsinh, np.cbrt, np.deg2rad, np.radians, np.rad2deg, np.degrees):
    definterval(_op, rule=increasing(_op, -1 if _op is np.expm1 else -INF))
for _op in (np.exp, np.exp2, softplus):
    definterval(_op, rule=increasing(_op, 0))
for _op in (np.log, np.log2, np.log10):
    definterval(_op, rule=increasing(_op, domain=0))
definterval(np.sqrt, rule=increasing(np.sqrt, 0, domain=0))
definterval(np.log1p, rule=increasing(np.log1p, domain=-1))
definterval(np.arccosh, rule=increasing(np.arccosh, 0, domain=1))
definterval(np.tanh, rule=increasing(np.tanh, -1, 1))
definterval(erf, rule=increasing(erf, -1, 1))
definterval(sigmoid, rule=increasing(sigmoid, 0, 1))
definterval(np.arctan, rule=increasing(np.arctan))
definterval(np.cosh, rule=even(np.cosh, 1))
definterval(np.logaddexp, rule=increasing(np.logaddexp))
definterval(np.logaddexp2, rule=increasing(np.logaddexp2))


def _between(op: Any, turned: bool = False) -> IntervalRule:
    """A monotone function on [-1, 1]."""

    def rule(x: Any) -> Interval:
        require(op, x, -1, 1)
        x = Interval(x.hi, x.lo) if turned else x
        return Interval(ends(op, (x,), {}, -1), ends(op, (x,), {}, 1))

    return rule


definterval(np.arcsin, rule=_between(np.arcsin))
definterval(np.arctanh, rule=_between(np.arctanh))
definterval(np.arccos, rule=_between(np.arccos, turned=True))


def _passes(x: Interval, phase: float, period: float) -> Any:
    """Where x = phase + k period for an integer k; also where rounding leaves this open."""
    low, high = (x.lo - phase) / period, (x.hi - phase) / period
    low, high = low - 1e-15 * (1 + np.abs(low)), high + 1e-15 * (1 + np.abs(high))
    return ~(np.ceil(low) > np.floor(high))  # also for infinite ends


def _wave(op: Any, top: float) -> IntervalRule:
    """A sine or cosine: the extremes are at the ends, or at crests and troughs between them."""

    def rule(x: Any) -> Interval:
        low = np.fmin(ends(op, (Interval.point(x.lo),), {}, -1), ends(op, (Interval.point(x.hi),), {}, -1))
        high = np.fmax(ends(op, (Interval.point(x.lo),), {}, 1), ends(op, (Interval.point(x.hi),), {}, 1))
        low = np.where(_passes(x, top + math.pi, 2 * math.pi), -1, low)
        high = np.where(_passes(x, top, 2 * math.pi), 1, high)
        return clipped(Interval(low, high), -1, 1)

    return rule


def _tan(x: Any) -> Interval:
    pole = _passes(x, math.pi / 2, math.pi)
    y = Interval(ends(np.tan, (x,), {}, -1), ends(np.tan, (x,), {}, 1))
    return Interval(np.where(pole, -INF, y.lo), np.where(pole, INF, y.hi))


definterval(np.sin, rule=_wave(np.sin, math.pi / 2))
definterval(np.cos, rule=_wave(np.cos, 0.0))
definterval(np.tan, rule=_tan)

# -- derivatives that are ops: see ops/slopes.py -----------------------------------------------------


def _partial_power(a: Any, b: Any, n: int, m: int) -> Any:
    """b (b - 1) ... a^(b - n), or a power of log a times a^b."""
    if m and n:
        raise UnsupportedError("enclose: a^b is differentiated by a and by b; write np.exp(b * np.log(a))")
    if m:
        return _whole_power(np.log(interval(a)), m) * _power(a, b)
    exponents = [interval(b) - i for i in range(n + 1)]
    whole = isinstance(b, (int, float)) and float(b).is_integer()
    power = _power(a, int(b) - n if whole else exponents.pop())
    return functools.reduce(np.multiply, exponents[:n], power)


def _plane(a: Any, b: Any, i: int, j: int, k: int) -> Any:
    """a^i b^j / hypot(a, b)^k."""
    a, b = interval(a), interval(b)
    y = _divide(_whole_power(a, i) * _whole_power(b, j), _whole_power(np.hypot(a, b), k))
    return clipped(y, -1, 1) if i + j == k else y


definterval(logistic_slope, rule=even(logistic_slope, 0, 0.25, falling=True))
definterval(arctan_slope, rule=even(arctan_slope, 0, 1, falling=True))
definterval(cbrt_slope, rule=even(cbrt_slope, 0, falling=True))
definterval(arcsin_slope, rule=even(arcsin_slope, 1))
definterval(arctanh_slope, rule=even(arctanh_slope, 1))
definterval(times_sech2, rule=lambda g, x: g * _hill(times_sech2, interval(x)))
definterval(times_gauss, rule=lambda g, x: g * _hill(times_gauss, interval(x)))
definterval(times_sec2, rule=lambda g, x: _divide(g, _square(np.cos(interval(x)))))
definterval(share, rule=lambda a, b, exp: sigmoid((a - b) * (1.0 if exp is np.exp else _log2())))
definterval(share_slope, rule=lambda a, b, exp: logistic_slope((a - b) * (1.0 if exp is np.exp else _log2())))
definterval(power_partial, rule=_partial_power)
definterval(plane_slope, rule=_plane)


def _log2() -> Interval:
    return Interval(np.nextafter(math.log(2), 0), np.nextafter(math.log(2), 1))


def _hill(op: Any, x: Interval) -> Interval:
    """An even function that falls from 1, given by its product with a cotangent."""
    size, one = magnitude(x), np.ones(x.shape)
    low, high = ends(op, (one, size.hi), {}, -1), ends(op, (one, size.lo), {}, 1)
    return clipped(Interval(low, high), 0, 1)


# -- choices ---------------------------------------------------------------------------------------


def _where(condition: Any, a: Any, b: Any) -> Interval:
    """Both sides where the condition is undecided."""
    a, b = interval(a), interval(b)
    sure, maybe = (condition.lo > 0, condition.hi > 0) if isinstance(condition, Interval) else (condition,) * 2
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

# -- sums, products, and functions of many entries ---------------------------------------------------


def _prod(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = 1) -> Any:
    """One factor after another."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis) % x.ndim
    for k in sorted(axes, reverse=True):
        rows = [x[(slice(None),) * int(k) + (slice(i, i + 1),)] for i in range(x.shape[k])]
        x = functools.reduce(np.multiply, rows)
        x = x if keepdims else np.squeeze(x, int(k))
    return x if initial == 1 else x * initial


def _others(x: Any, *along: Any) -> Interval:
    """For each entry along axis 0 the product of all other entries."""
    if along:
        raise UnsupportedError("enclose: the second derivative of prod has no rule; multiply the entries")
    rows = [x[i : i + 1] for i in range(len(x))]
    one = Interval.point(np.ones(rows[0].shape)) if rows else x
    parts = [functools.reduce(np.multiply, rows[:i] + rows[i + 1 :], one) for i in range(len(rows))]
    return concatenate(*parts, axis=0) if parts else x


def _direction(x: Any, *, order: float, axis: Any) -> Interval:
    """x / |x|."""
    return clipped(_divide(x, _norm(x, order=order, axis=axis, keepdims=True)), -1, 1)


def _norm(x: Any, *, order: float, axis: Any, keepdims: bool = False) -> Any:
    if order == 2:
        return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
    if order in (1, INF):
        return (np.sum if order == 1 else np.max)(magnitude(x), axis=axis, keepdims=keepdims)
    raise UnsupportedError(f"enclose: a norm of order {order} has no rule; the orders 1, 2 and inf have one")


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    """x - logsumexp(x), which is no more than 0."""
    return clipped(x - logsumexp(x, axis=axis, keepdims=True), -INF, 0)


for _op in (np.sum, total, np.mean, np.cumsum, scatter):
    definterval(_op, rule=increasing(_op))
for _op in (np.max, np.min, np.amax, np.amin):
    definterval(_op, rule=lambda x, *args, op=_op, **o: Interval(op(x.lo, *args, **o), op(x.hi, *args, **o)))
definterval(logsumexp, rule=increasing(logsumexp))
definterval(power_norm, rule=_norm)
definterval(direction, rule=_direction)
definterval(others, rule=_others)
definterval(log_softmax, rule=_log_softmax)
definterval(softmax, rule=lambda x, axis=-1: clipped(np.exp(_log_softmax(x, axis)), 0, 1))
definterval(np.prod, rule=_prod)
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
        raise UnsupportedError(f"enclose: einsum({subscripts!r}) has more than two operands; multiply two at a time")

    return products(
        functools.partial(einsum, subscripts),
        *arrays,
        lambda y, *both: error_of(einsum, y, (subscripts, *both), {}),
    )


definterval(diff, rule=_diff)
definterval(einsum, rule=_einsum)

# -- shapes ----------------------------------------------------------------------------------------

for _op in (
    *(np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.expand_dims),
    *(np.squeeze, np.roll, np.flip, np.broadcast_to, np.copy, concatenate, stack, einsum_view),
    *(np.atleast_1d, np.atleast_2d, np.atleast_3d),
):
    definterval(_op, rule=shaped(_op))


def _setitem(x: Any, value: Any, index: Any) -> Interval:
    changed_one = Interval(interval(x).lo.copy(), interval(x).hi.copy())
    changed_one[index] = value
    return changed_one


definterval(operator.getitem, rule=lambda x, index: x[index] if isinstance(x, Interval) else x[decided(index)])
definterval(setitem, rule=_setitem)
definterval(np.zeros_like, rule=lambda x, **options: np.zeros(x.shape))
definterval(np.ones_like, rule=lambda x, **options: Interval.point(np.ones(x.shape)))
