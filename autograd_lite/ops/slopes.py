"""Derivatives as ops: if the textbook formula loses digits, the derivative is an op of its own.

Each function computes one derivative on plain arrays, exact to the last digits wherever it is representable.
Its own rule loses no digits either, so every order is exact.

>>> import numpy as np, autograd_lite as ag
>>> ag.grad(np.tanh)(20.0)  # 1 - tanh(20)^2 is 0
1.6993417021166355e-17
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import asarray, every, some, unwrap
from ..known import defvjp
from .blocks import blockwise
from .passes import in_one_pass

__all__: list[str] = []


def common(*args: Any) -> tuple[Any, ...]:
    """Numbers and arrays in their common floating-point dtype; Python's numbers do not promote it."""
    dtype = np.result_type(*args)
    dtype = dtype if dtype.kind in "fc" else np.dtype(float)
    return tuple([asarray(arg, dtype)[()] for arg in args])


def lost(a: Any, b: Any, d: Any) -> Any:
    """The rounding error of the difference d = a - b: the exact difference is d + lost(a, b, d).

    Source:
        D. Knuth, "The Art of Computer Programming", volume 2, section 4.2.2.
    """
    t = d - a
    return (a - (d - t)) - (b + t)


def finite(x: Any) -> Any:
    """x with 0 in place of infinity: for products with a factor that is 0 there and vanishes faster than any
    power of x grows."""
    far = np.isinf(unwrap(x))
    return np.where(far, 0, x) if some(far) else x


def is_ordinary(x: Any) -> bool:
    """Whether no number is zero, subnormal, infinite or NaN."""
    size, limits = np.abs(x), np.finfo(x.dtype)
    return every((size >= limits.tiny) & (size <= limits.max))


# -- quotients -------------------------------------------------------------------------------------


@primitive(broadcasts=True)
def ratio(a: Any, b: Any, n: int) -> Any:
    """a / b^n, by n divisions, since b^n may overflow.

    A subnormal quotient has lost digits, and a division by a b below 1 would make the loss visible. So if a
    may be subnormal, digits and exponents are computed apart.
    """
    a, b = common(a, b)
    if may_be_subnormal(a) and a.dtype.kind != "c":
        (a_digits, a_exponent), (b_digits, b_exponent) = np.frexp(a), np.frexp(b)
        return np.ldexp(a_digits / b_digits**n, a_exponent - n * b_exponent)
    return functools.reduce(operator.truediv, [b] * n, a)


def may_be_subnormal(a: Any) -> bool:
    """Whether some numbers are so small that they might be subnormal; a fast check."""
    return some(abs(a) < 2.0**-126)


defvjp(
    ratio,
    lambda g, y, a, b, n: g * ratio(1.0, b, n),
    lambda g, y, a, b, n: g * (-n * ratio(a, b, n + 1)),
)

# -- powers ----------------------------------------------------------------------------------------


@primitive(broadcasts=True)
def power_partial(a: Any, b: Any, n: int, m: int) -> Any:
    """The derivative of a^b, n times by a and m times by b, which is a^(b-n) P(b, log a).

    P is log(a)^m for n = 0, and each derivative by a replaces P by (b - n) P + dP/d(log a). At a = 0 the
    derivative is 0 if the power has vanished (b = 0, ..., n - 1), whatever log a is.

    Two effects would cost digits. The rounding error of b - n counts log(a)-fold. And the power may overflow,
    or lose digits as a subnormal number, though the derivative is an ordinary number.
    """
    whole = isinstance(b, int) or (isinstance(b, float) and b.is_integer() and abs(b) < 2**31)
    if whole:
        a, b = common(a, float(b))[0], int(b)  # an integer b stays an int, which has faster powers
        p, rest = b - n, None
    else:
        a, b = common(a, b)
        if some(np.isinf(b)):
            b = np.nan_to_num(b, nan=np.nan)  # the largest float has the same limits, without inf - inf
        p = b - n
        rest = lost(b, n, p)
    polynomial: list[Any] = [0.0] * m + [1]
    for i in range(n):
        polynomial = [
            (b - i) * c + (k + 1) * d
            for k, (c, d) in enumerate(zip(polynomial, [*polynomial[1:], 0], strict=True))
        ]
    log: Any = np.log(a) if m else 0.0
    factor = functools.reduce(lambda total, c: total * log + c, reversed(polynomial))
    power = a**p
    if rest is not None and some(rest):
        counts = (rest != 0) & (np.abs(rest) < 0.5) & (a != 0) & np.isfinite(a)  # from 0.5 on b is immense
        factor = factor * np.where(counts, a, 1) ** np.where(counts, rest, 0)
    if is_ordinary(power) and (m == 0 or every(a != 0)):
        return factor * power
    return _extreme_power(a, b, p, n, m, factor, power)


def _extreme_power(a: Any, b: Any, p: Any, n: int, m: int, factor: Any, power: Any) -> Any:
    """factor * a^p if a^p is zero, subnormal or infinite: computed as (factor * a^(p/2)) * a^(p/2).

    The product of a zero power and an infinite factor is 0.
    """
    factor = np.where((power == 0) & np.isinf(factor), 1, factor)
    result = factor * power
    if power.dtype.kind != "c":
        half = np.abs(a) ** (0.5 * p)
        outside = (np.abs(power) < np.finfo(power.dtype).tiny) | np.isinf(power)
        halves = np.copysign(factor * half, factor * np.copysign(1, power)) * half
        result = np.where(outside & (a != 0) & np.isfinite(a), halves, result)
    gone = (a == 0) & (np.real(b) >= n) if m else factor == 0
    return np.where(gone, 0, result)[()]


defvjp(
    power_partial,
    lambda g, y, a, b, n, m: g * power_partial(a, b, n + 1, m),
    lambda g, y, a, b, n, m: g * power_partial(a, b, n, m + 1),
)


@primitive(broadcasts=True)
def cbrt_slope(x: Any) -> Any:
    """1 / (3 cbrt(x)^2), computed as cbrt(x) / (3 x): the error of the cube root counts only once."""
    return np.where(x == 0, np.inf, np.cbrt(finite(x)) / np.where(x == 0, 1, x) / 3)[()]


defvjp(cbrt_slope, lambda g, y, x: g * (-2 / 3 * y / x))

# -- exponentials and logarithms -------------------------------------------------------------------


@primitive(broadcasts=True)
def share(a: Any, b: Any, exp: np.ufunc) -> Any:
    """exp(a) / (exp(a) + exp(b)), the derivative of logaddexp(a, b) by a; with exp2, of logaddexp2."""
    gap, power = _gap(a, b, exp)
    return np.where(gap >= 0, 1, power)[()] / (1 + power)


@primitive(broadcasts=True)
def share_slope(a: Any, b: Any, exp: np.ufunc) -> Any:
    """exp(a + b) / (exp(a) + exp(b))^2, the derivative of `share` by a, up to the factor log 2 of exp2."""
    _, power = _gap(a, b, exp)
    return power / ((1 + power) * (1 + power))


def _gap(a: Any, b: Any, exp: np.ufunc) -> tuple[Any, Any]:
    """a - b and exp(-|a - b|).

    The exponential includes the rounding error of a - b, which may change it by 500 units in the last place.
    Equal numbers have the difference 0, also if they are infinite.
    """
    a, b = common(a, b)
    gap = a - b
    rest = lost(a, b, gap)
    if not every(np.isfinite(rest)):
        gap, rest = np.where(a == b, 0, gap)[()], np.where(np.isfinite(rest), rest, 0)[()]
    return gap, exp(-np.abs(gap)) * (1 - np.copysign(_log_of_base(exp), gap) * rest)


def _log_of_base(exp: np.ufunc) -> float:
    return 1.0 if exp is np.exp else math.log(2.0)


def _share_rule(g: Any, y: Any, a: Any, b: Any, exp: np.ufunc) -> Any:
    return g * (_log_of_base(exp) * share_slope(a, b, exp))


def _share_slope_rule(g: Any, y: Any, a: Any, b: Any, exp: np.ufunc) -> Any:
    """(1 - 2 share) y, where 1 - 2 share is a tanh."""
    log = _log_of_base(exp)
    return g * (-log * y * np.tanh(0.5 * log * (a - b)))


defvjp(share, _share_rule, lambda *args: -_share_rule(*args))
defvjp(share_slope, _share_slope_rule, lambda *args: -_share_slope_rule(*args))

# -- trigonometric functions and their inverses ----------------------------------------------------


@primitive(broadcasts=True)
def times_sec2(g: Any, x: Any) -> Any:
    """g / cos(x)^2, the derivative of tan."""
    cos = np.cos(x)
    return g / cos / cos


@primitive(broadcasts=True)
def arcsin_slope(x: Any) -> Any:
    """1 / sqrt((1 - x) (1 + x)), since 1 - x^2 cancels near 1."""
    return 1 / np.sqrt((1 - x) * (1 + x))


@primitive(broadcasts=True)
def arctan_slope(x: Any) -> Any:
    """1 / (1 + x^2), exact also where x^2 overflows."""
    slope = 1 / (1 + x * x)
    return slope if every(slope != 0) else np.where(slope == 0, 1 / x / x, slope)[()]


defvjp(
    times_sec2,
    lambda g, y, a, x: times_sec2(g, x),
    lambda g, y, a, x: g * (2 * y * np.tan(x)),
)
defvjp(arctan_slope, lambda g, y, x: g * (finite(x) * y * (-2 * y)))

# -- hyperbolic functions and their inverses -------------------------------------------------------


@primitive(broadcasts=True)
def times_sech2(g: Any, x: Any) -> Any:
    """g / cosh(x)^2, the derivative of tanh; the formula 1 - tanh(x)^2 gives 0 from x = 19 on."""
    cosh = np.cosh(x)
    slope = g / cosh
    slope /= cosh
    return slope


@primitive(broadcasts=True)
def arctanh_slope(x: Any) -> Any:
    """1 / ((1 - x) (1 + x)), since 1 - x^2 cancels near 1."""
    return 1 / ((1 - x) * (1 + x))


defvjp(
    times_sech2,
    lambda g, y, a, x: times_sech2(g, x),
    lambda g, y, a, x: g * (-2 * y * np.tanh(x)),
)
defvjp(arctanh_slope, lambda g, y, x: g * (2 * x * y * y))
defvjp(arcsin_slope, lambda g, y, x: g * (x * y * arctanh_slope(x)))  # in y^3 the error of y counts thrice

# -- in the plane ----------------------------------------------------------------------------------


@primitive(broadcasts=True)
def plane_slope(a: Any, b: Any, i: int, j: int, k: int) -> Any:
    """a^i b^j / hypot(a, b)^k, the building block of the derivatives of hypot and arctan2; 0 at (0, 0).

    Unless a and b have ordinary magnitudes, digits and exponents are computed apart: the factors may be
    subnormal or infinite though the result is not.
    """
    a, b = common(a, b)
    h = np.hypot(a, b)
    if i + j == 1 and every((h > 2.0**-100) & (h < 2.0**100)) and not (k > 1 and may_be_subnormal(a * b)):
        return functools.reduce(operator.truediv, [h] * k, a if i else b)
    far = np.isinf(a) | np.isinf(b)
    if some(far):
        return _at_infinity(a, b, far, i, j, k)
    (a_digits, a_exponent), (b_digits, b_exponent) = np.frexp(a), np.frexp(b)
    exponent = np.frexp(np.maximum(np.abs(a), np.abs(b)))[1]
    size = np.hypot(np.ldexp(a, -exponent), np.ldexp(b, -exponent))
    digits = a_digits**i * b_digits**j / np.where(size == 0, np.inf, size) ** k
    return np.ldexp(digits, i * a_exponent + j * b_exponent - k * exponent)[()]


def _at_infinity(a: Any, b: Any, far: Any, i: int, j: int, k: int) -> Any:
    """`plane_slope` at infinity: it depends on the direction alone, or is 0 if it falls with the distance."""
    a, b = (np.where(far, np.where(np.isinf(x), np.sign(x), 0 * finite(x)), x) for x in (a, b))
    slope = plane_slope(a, b, i, j, k)
    return slope if i + j == k else np.where(far, 0 * slope, slope)[()]


def _plane_slope_a(g: Any, y: Any, a: Any, b: Any, i: int, j: int, k: int) -> Any:
    """((i - k) a^2 + i b^2) a^(i-1) b^j / h^(k+2).

    For a / h^2 the sum is b^2 - a^2, which cancels at a = b. There the result is a `plane_slope` of
    (a + b) / 2 and (a - b) / 2.
    """
    if (i, j, k) == (1, 0, 2):
        return -g * plane_slope(0.5 * a + 0.5 * b, 0.5 * a - 0.5 * b, 1, 1, 4)
    slope: Any = 0.0
    if i != k:
        slope = (i - k) * plane_slope(a, b, i + 1, j, k + 2)
    if i:
        slope = slope + i * plane_slope(a, b, i - 1, j + 2, k + 2)
    return g * slope


defvjp(
    plane_slope,
    _plane_slope_a,
    lambda g, y, a, b, i, j, k: _plane_slope_a(g, y, b, a, j, i, k),
)

# -- special functions -----------------------------------------------------------------------------


@primitive(broadcasts=True)
def logistic_slope(x: Any) -> Any:
    """e^-|x| / (1 + e^-|x|)^2, the derivative of the logistic function, which is even in x."""
    e = np.exp(-np.abs(x))
    return e / ((1 + e) * (1 + e))


BEYOND = 40.0
"""From this |x| on, the product of e^(-x^2) with any float is 0."""


@primitive(broadcasts=True)
def times_gauss(g: Any, x: Any) -> Any:
    """g e^(-x^2), the derivative of erf up to a constant.

    x^2 is rounded, and at x = 20 its rounding error costs 400 units in the last place. So x is split into
    `head`, whose square is a float, and the rest. The square root of e^(-head^2) is multiplied twice, first
    with g: a large g may keep the result from being subnormal. Narrower dtypes are computed in float64.
    """
    g, x = common(g, x)
    if g.__class__ is np.ndarray and (slope := in_one_pass("times_gauss", g, x)) is not None:
        return slope
    return blockwise(_times_gauss if x.dtype.itemsize > 4 else _times_narrow_gauss, g, x)[()]


def _times_gauss(g: Any, x: Any) -> Any:
    near = np.clip(x, -BEYOND, BEYOND)
    head = np.rint(near * 2.0**20) * 2.0**-20
    root = np.exp(-0.5 * head * head)
    return g * root * np.exp((head - near) * (head + near)) * root


def _times_narrow_gauss(g: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    return (g * np.exp(-wide * wide)).astype(x.dtype)


@primitive(broadcasts=True)
def bessel_i(x: Any, n: int) -> Any:
    """x^-n I_n(x), with the modified Bessel function I_n.

    I_0 is numpy.i0. The derivative of bessel_i(x, n) is x bessel_i(x, n + 1).

    The value is Poisson's integral, a mean of e^(x cos t) sin(t)^2n over the circle, by the trapezoidal rule.
    For a periodic function this rule converges faster than any power, and here all its terms are positive.
    The factor e^x is taken out, so that the largest terms, near t = 0, are exact. Its square root is
    multiplied twice, to avoid an early overflow. From x = 2e4 on the result is inf.

    Source:
        NIST Digital Library of Mathematical Functions, 10.32.2.
    """
    wide = np.minimum(np.abs(asarray(x).astype(np.result_type(x, np.float64))), 2e4)
    t = np.arange(63.5, 0, -1) * (math.pi / 128)  # a quarter of the circle, the smallest terms first
    total = sum(
        sin**n * 0.5 * (np.exp(-2 * wide * half) + np.exp(-2 * wide * (1 - half)))
        for sin, half in zip(np.sin(t) ** 2, np.sin(t / 2) ** 2, strict=True)
    )
    odd = math.prod(range(1, 2 * n, 2))
    scale = np.exp(0.5 * wide)
    return (scale * (total / (len(t) * odd)) * scale).astype(np.result_type(x, np.float32))[()]


defvjp(logistic_slope, lambda g, y, x: g * (-y * np.tanh(x / 2)))
defvjp(
    times_gauss,
    lambda g, y, a, x: times_gauss(g, x),
    lambda g, y, a, x: g * times_gauss(-2 * a * np.clip(x, -BEYOND, BEYOND), x),  # clip: 2 x may overflow
)
defvjp(bessel_i, lambda g, y, x, n: g * (x * bessel_i(x, n + 1)))
