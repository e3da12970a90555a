"""The rules for intervals: for each elementwise op an interval that holds every result, by kinds of ops."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..apply import alias
from ..errors import UnsupportedError
from ..ops.sinc import sinc_derivative
from ..ops.slopes import (
    arcsin_slope,
    arctan_slope,
    arctanh_slope,
    bessel_i,
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
from .interval import Interval
from .kinds import (
    INF,
    IntervalRule,
    both,
    centre,
    clipped,
    definterval,
    ends,
    even,
    increasing,
    interval,
    magnitude,
    require,
)

__all__ = ["divide", "square"]

_op: Any

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
    for p in (a.lo, a.hi)[: 1 + (a.lo is not a.hi)]:
        for q in (b.lo, b.hi)[: 1 + (b.lo is not b.hi)]:
            y, side = of(p, q), np.sign(p) * sign(q)
            y = np.where((side == 0) | np.isnan(y), 0, y)  # 0 times inf: a bound that no number reaches
            exact = (side == 0) | (np.abs(q) == 1) | ((np.abs(p) == 1) & (of is np.multiply))
            lows.append(np.where(exact | ((y == 0) & (side > 0)), y, np.nextafter(y, -INF)))
            highs.append(np.where(exact | ((y == 0) & (side < 0)), y, np.nextafter(y, INF)))
    return Interval(functools.reduce(np.minimum, lows), functools.reduce(np.maximum, highs))


def _multiply(a: Any, b: Any) -> Interval:
    return square(a) if a is b else _corners(np.multiply, np.sign, interval(a), interval(b))


def divide(a: Any, b: Any) -> Interval:
    """a / b; the whole line where b has 0 inside, half of it where b ends at 0."""
    a, b = interval(a), interval(b)
    sided = Interval(np.where(b.lo == 0, 0.0, b.lo), np.where(b.hi == 0, -0.0, b.hi))
    y = _corners(np.divide, lambda q: np.copysign(1.0, q), a, sided)
    whole = ((b.lo < 0) & (b.hi > 0)) | ((b.lo == 0) & (b.hi == 0))
    return Interval(np.where(whole, -INF, y.lo), np.where(whole, INF, y.hi))


def square(x: Any) -> Interval:
    """x x, which is not negative."""
    size = magnitude(x)
    return _corners(np.multiply, np.sign, size, size)


def _power(a: Any, b: Any) -> Any:
    """A whole exponent takes any base; others take positive ones, and the extremes lie at corners."""
    number = b if isinstance(b, (int, float)) else None if isinstance(b, Interval) or np.ndim(b) else float(b)
    if number is not None and float(number).is_integer():
        return _whole_power(interval(a), int(number))
    require(np.power, a, 0, INF)
    a, b = interval(a), interval(b)
    return clipped(Interval(*_at_corners(np.power, a, b)), 0, INF)


def _at_corners(op: Any, a: Interval, b: Interval) -> tuple[Any, Any]:
    """The least and the largest result at the four pairs of ends."""
    corners = [(p, q) for p in (a.lo, a.hi) for q in (b.lo, b.hi)]
    lows, highs = ([ends(op, pair, {}, sign) for pair in corners] for sign in (-1, 1))
    return functools.reduce(np.minimum, lows), functools.reduce(np.maximum, highs)


def _whole_power(a: Interval, n: int) -> Interval:
    if n < 0:
        return divide(1.0, _whole_power(a, -n))
    if n in (0, 1, 2):
        return Interval.point(np.ones(a.shape)) if n == 0 else a if n == 1 else square(a)
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
definterval(np.multiply, rule=_multiply)
definterval(np.divide, rule=divide)
definterval(np.reciprocal, rule=lambda x: divide(1.0, x))
definterval(np.square, rule=square)
definterval(np.absolute, np.fabs, rule=magnitude)
definterval(np.power, rule=_power)
definterval(np.hypot, rule=lambda a, b: increasing(np.hypot, 0)(magnitude(a), magnitude(b)))
definterval(ratio, rule=lambda a, b, n: divide(a, _whole_power(interval(b), n)))
definterval(np.ldexp, rule=increasing(np.ldexp))
definterval(np.imag, rule=lambda x: Interval.point(np.zeros(x.shape)))


def _remainder(op: Any, whole: Any) -> IntervalRule:
    """a - k b with the whole number k = floor(a / b), or trunc(a / b); closer to 0 than b is."""

    def rule(a: Any, b: Any) -> Any:
        a, b = interval(a), interval(b)
        y = a - whole(divide(a, b)) * b
        side = b if whole is np.floor else a  # the result has its sign
        size = np.maximum(np.abs(b.lo), np.abs(b.hi))
        low, high = np.where(side.lo < 0, -size, 0), np.where(side.hi > 0, size, 0)
        if ((b.lo <= 0) & (b.hi >= 0)).any():
            raise UnsupportedError(f"enclose: {op.__name__} by an interval around 0; enclose a smaller box")
        return both(y, Interval(low, high))

    return rule


definterval(np.floor_divide, rule=lambda a, b: np.floor(divide(a, b)))
definterval(np.remainder, rule=_remainder(np.remainder, np.floor))
definterval(np.fmod, rule=_remainder(np.fmod, np.trunc))

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
definterval(np.i0, rule=even(np.i0, 1))
definterval(bessel_i, rule=even(bessel_i, 0))
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


def _arctan2(a: Any, b: Any) -> Interval:
    """The extremes are at corners, unless the box holds the origin or a part of the cut."""
    a, b = interval(a), interval(b)
    low, high = _at_corners(np.arctan2, a, b)
    cut = (a.lo <= 0) & (a.hi >= 0) & (b.lo <= 0)
    top = np.nextafter(math.pi, INF)
    return Interval(np.where(cut, -top, low), np.where(cut, top, high))


def _sinc(op: Any) -> IntervalRule:
    """The n-th derivative of sinc, around the middle of the interval.

    sinc(x) is the mean of cos(pi x t) for t from 0 to 1. So its n-th derivative is at most the mean of
    (pi t)^n, which is pi^n / (n + 1). Away from 0 it is at most about a quotient by x, too.
    """

    def rule(x: Any, *order: int) -> Interval:
        n, pi = sum(order), interval(math.pi)
        middle, radius = centre(x)
        point = Interval.point(middle), *order
        most = [float((_whole_power(pi, k) / (k + 1)).hi) for k in (n, n + 1)]
        y = Interval(ends(op, point, {}, -1), ends(op, point, {}, 1)) + Interval(-radius, radius) * most[1]
        y = clipped(y, -most[0] if n else SINC_LOW, most[0])
        return y if n else both(y, divide(np.sin(pi * x), pi * x))

    return rule


SINC_LOW = -0.21723362821122166
"""Less than every value of sinc; the lowest is at 1.4303."""

definterval(np.sinc, rule=_sinc(np.sinc))
definterval(sinc_derivative, rule=_sinc(sinc_derivative))
definterval(np.arctan2, rule=_arctan2)
definterval(np.sin, rule=_wave(np.sin, math.pi / 2))
definterval(np.cos, rule=_wave(np.cos, 0.0))
definterval(np.tan, rule=_tan)

# -- derivatives that are ops: see ops/slopes.py -----------------------------------------------------


def _partial_power(a: Any, b: Any, n: int, m: int) -> Any:
    """b (b - 1) ... a^(b - n), or a power of log a times a^b."""
    if m and n:
        raise UnsupportedError("enclose: a^b is differentiated by a and by b; write np.exp(b * np.log(a))")
    if m:
        return _whole_power(interval(np.log(interval(a))), m) * _power(a, b)
    exponents = [interval(b) - i for i in range(n + 1)]
    whole = isinstance(b, (int, float)) and float(b).is_integer()
    power = _power(a, int(b) - n if whole else exponents.pop())
    return functools.reduce(np.multiply, exponents[:n], power)


def _plane(a: Any, b: Any, i: int, j: int, k: int) -> Any:
    """a^i b^j / hypot(a, b)^k."""
    a, b = interval(a), interval(b)
    y = divide(_whole_power(a, i) * _whole_power(b, j), _whole_power(np.hypot(a, b), k))
    return clipped(y, -1, 1) if i + j == k else y


definterval(logistic_slope, rule=even(logistic_slope, 0, 0.25, falling=True))
definterval(arctan_slope, rule=even(arctan_slope, 0, 1, falling=True))
definterval(cbrt_slope, rule=even(cbrt_slope, 0, falling=True))
definterval(arcsin_slope, rule=even(arcsin_slope, 1))
definterval(arctanh_slope, rule=even(arctanh_slope, 1))
definterval(times_sech2, rule=lambda g, x: g * _hill(times_sech2, interval(x)))
definterval(times_gauss, rule=lambda g, x: g * _hill(times_gauss, interval(x)))
definterval(times_sec2, rule=lambda g, x: divide(g, square(np.cos(interval(x)))))
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
