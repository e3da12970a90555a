"""Derivatives of special functions as ops, where the textbook formula loses digits; see `ops/slopes.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from ...apply import primitive
from ...known import defvjp
from ..doubled import two_product
from ..slopes import BEYOND
from .quadrature import computed

__all__ = [
    "erfcinv_slope",
    "erfcx_integral",
    "erfinv_slope",
    "log_ratio",
    "logit_slope",
    "mills",
    "ndtri_slope",
    "polygamma",
    "polygamma_gap",
    "times_normal",
]

ROOT_2, ROOT_PI = math.sqrt(2), math.sqrt(math.pi)

# -- the normal distribution and the error function ------------------------------------------------


@primitive(broadcasts=True)
@computed(2)
def times_normal(g: Any, x: Any) -> Any:
    """g e^(-x^2 / 2), in which the rounding error of x^2 must not count; see `times_gauss`."""
    near = np.clip(x, -BEYOND, BEYOND)
    head = np.rint(near * 2.0**20) * 2.0**-20
    root = np.exp(-0.25 * head * head)
    return g * root * np.exp(0.5 * (head - near) * (head + near)) * root


defvjp(
    times_normal,
    lambda g, y, a, x: times_normal(g, x),
    lambda g, y, a, x: g * times_normal(-a * np.clip(x, -BEYOND, BEYOND), x),
)


@primitive(broadcasts=True)
@computed(1)
def erfcx_integral(x: Any, n: int) -> Any:
    """e^(x^2) times the n-fold integral of erfc from x to infinity.

    The derivative of erfcx, 2 x erfcx(x) - 2 / sqrt(pi), cancels for a large x; it is -2 erfcx_integral(x,
    1). For a small x the three-term recurrence in n loses no digits. For a larger one it goes downwards, as a
    continued fraction of positive terms.

    Source:
        NIST Digital Library of Mathematical Functions, 7.18.
    """
    before, value = 2 / ROOT_PI, special.erfcx(x)
    for k in range(1, n + 1):
        before, value = value, (before - 2 * x * value) / (2 * k)
    return np.where(x > 0.7, _downwards(np.maximum(x, 0.7), n), value)


def _downwards(x: Any, n: int) -> Any:
    """The n-fold integral by the ratios of neighbours, which begin at their limit."""
    r, value = 1 / (x + np.sqrt(x * x + 2 * TERMS)), special.erfcx(x)
    for k in range(TERMS - 1, 0, -1):
        r = 1 / (2 * x + 2 * (k + 1) * r)
        if k <= n:
            value = value * r
    return value


TERMS = 400
"""Of the continued fraction: at x = 0.7 its error is e^(-2 x sqrt(2 * 400)) of the first guess."""

defvjp(erfcx_integral, lambda g, y, x, n: g * (-2 * (n + 1) * erfcx_integral(x, n + 1)))


@primitive(broadcasts=True)
def erfinv_slope(x: Any) -> Any:
    """sqrt(pi) / 2 e^(y^2), the derivative of y = erfinv(x).

    The rounding error of y would count 2 y^2-fold. Since erfc(y) = e^(-y^2) erfcx(y), it does not count in
    erfcx(y) / erfc(y), where erfc(y) = 1 - x is known.
    """
    return 0.5 * ROOT_PI * special.erfcx(np.abs(special.erfinv(x))) / (1 - np.abs(x))


@primitive(broadcasts=True)
def erfcinv_slope(x: Any) -> Any:
    """The derivative of erfcinv, as `erfinv_slope`."""
    return -0.5 * ROOT_PI * special.erfcx(np.abs(special.erfcinv(x))) / np.minimum(x, 2 - x)


@primitive(broadcasts=True)
def ndtri_slope(x: Any) -> Any:
    """sqrt(2 pi) e^(y^2 / 2), the derivative of y = ndtri(x), as `erfinv_slope`."""
    return math.sqrt(math.pi / 2) * special.erfcx(np.abs(special.ndtri(x)) / ROOT_2) / np.minimum(x, 1 - x)


defvjp(erfinv_slope, lambda g, y, x: g * (2 * special.erfinv(x) * y * y))
defvjp(erfcinv_slope, lambda g, y, x: g * (2 * special.erfcinv(x) * y * y))
defvjp(ndtri_slope, lambda g, y, x: g * (special.ndtri(x) * y * y))


@primitive(broadcasts=True)
@computed(1)
def mills(x: Any) -> Any:
    """The density of the normal distribution divided by ndtr(x): the derivative of log_ndtr."""
    left = math.sqrt(2 / math.pi) / special.erfcx(-np.minimum(x, 0) / ROOT_2)
    right = times_normal(1 / math.sqrt(2 * math.pi), x) / special.ndtr(np.maximum(x, 0))
    return np.where(x < 0, left, right)


@primitive(broadcasts=True)
@computed(1)
def mills_gap(x: Any) -> Any:
    """x + mills(x), which cancels for x < 0; there this is a quotient of two integrals of erfc."""
    z = -np.minimum(x, 0) / ROOT_2
    left = ROOT_2 * erfcx_integral(z, 1) / special.erfcx(z)
    return np.where(x < 0, left, x + mills(x))


defvjp(mills, lambda g, y, x: g * (-y * mills_gap(x)))
defvjp(mills_gap, lambda g, y, x: g * (1 - mills(x) * y))

# -- logarithms ------------------------------------------------------------------------------------


@primitive(broadcasts=True)
def logit_slope(x: Any) -> Any:
    """1 / (x (1 - x)), the derivative of logit."""
    return 1 / x / (1 - x)


defvjp(logit_slope, lambda g, y, x: g * ((2 * x - 1) * y * y))


@primitive(broadcasts=True)
@computed(2)
def log_ratio(x: Any, y: Any, n: int) -> Any:
    """n + log(x / y) for n = 0 or 1; near its zero by the difference of e^n x and y, without rounding."""
    quotient = x / y
    plain = n + np.where((quotient > 0) & np.isfinite(quotient), np.log(quotient), np.log(x) - np.log(y))
    product = two_product(x, math.e**n)
    gap = (product.head - y) + (product.tail + n * x * REST_OF_E)
    return np.where(np.abs(gap) < 0.5 * np.abs(y), np.log1p(gap / y), plain)


REST_OF_E = 1.4456468917292502e-16
"""e - math.e."""

defvjp(
    log_ratio,
    lambda g, y, a, b, n: g / a,
    lambda g, y, a, b, n: -g / b,
)

# -- the gamma function ----------------------------------------------------------------------------


@primitive(broadcasts=True)
def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma, also for negative numbers.

    Args:
        n: an int; it has no gradient.
        x: real array of any shape.

    Example:
        >>> import autograd_lite as ag
        >>> from autograd_lite.scipy.special import polygamma
        >>> print(f"{polygamma(1, 1.0):.12f}")              # pi^2 / 6
        1.644934066848
        >>> bool(ag.grad(polygamma, 1)(1, 1.0) == polygamma(2, 1.0))
        True
    """
    return special.psi(x) if n == 0 else _polygamma(x, int(n))


@computed(1)
def _polygamma(x: Any, n: int) -> Any:
    """For x > 0 a multiple of Hurwitz' zeta function. To the left the reflection formula subtracts the n-th
    derivative of pi cot(pi x), a polynomial of the cotangent."""
    value = _right(n, np.where(x > 0, x, 1))
    if (x <= 0).any():
        turned = np.pi * (x - np.rint(x))
        slope = np.pi ** (n + 1) * np.polyval(_cotangent(n), np.cos(turned) / np.sin(turned))
        mirrored = (-1) ** n * _right(n, np.where(x > 0, 1, 1 - x)) - slope
        value = np.where(x > 0, value, np.where(x == np.rint(x), np.inf if n % 2 else np.nan, mirrored))
    return value


def _right(n: int, x: Any) -> Any:
    return (-1) ** (n + 1) * math.factorial(n) * special.zeta(n + 1, x)


def _cotangent(n: int) -> Any:
    """The n-th derivative of cot as a polynomial of cot: each derivative multiplies by -(1 + cot^2)."""
    p = np.array([1.0, 0.0])
    for _ in range(n):
        p = -np.polymul(np.polyder(p), [1.0, 0.0, 1.0])
    return p


defvjp(polygamma, None, lambda g, y, n, x: g * polygamma(n + 1, x))

EVEN_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)


@primitive(broadcasts=True)
@computed(2)
def polygamma_gap(a: Any, b: Any, n: int) -> Any:
    """polygamma(n, a + b) - polygamma(n, a), also for a b that a + b would round away.

    The recurrence moves a to the right of 12, where the asymptotic series holds. Every term is a power of a,
    so the difference is taken power by power.

    Source:
        NIST Digital Library of Mathematical Functions, 5.11.2 and 5.15.5.
    """
    sign, far = (-1) ** n, a + 12
    near = sign * math.factorial(n) * sum(_power_gap(a + k, b, n + 1) for k in range(12))
    series = -0.5 * math.factorial(n) * _power_gap(far, b, n + 1)
    series += np.log1p(b / far) if n == 0 else -math.factorial(n - 1) * _power_gap(far, b, n)
    for k, bernoulli in enumerate(EVEN_BERNOULLI, 1):
        factor = bernoulli * math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        series -= factor * _power_gap(far, b, 2 * k + n)
    left = polygamma(n, a + b) - polygamma(n, a)
    return np.where((a > 0) & (b > -a), sign * series - near, left)


def _power_gap(a: Any, b: Any, m: int) -> Any:
    """(a + b)^-m - a^-m."""
    return np.expm1(-m * np.log1p(b / a)) / a**m


defvjp(
    polygamma_gap,
    lambda g, y, a, b, n: g * polygamma_gap(a, b, n + 1),
    lambda g, y, a, b, n: g * polygamma(n + 1, a + b),
)
