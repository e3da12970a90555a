"""Incomplete gamma and beta functions: densities, and derivatives with respect to the shape parameters.

A derivative of P(a, x), n times by a, is the mean of a Bell polynomial of log t over the gamma density, for t
from 0 to x. Over all t this mean is 0, so that it is also the negative of the mean from x on. On one of the
two sides log t - digamma(a) has one sign: there nothing cancels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from ...apply import primitive
from ...known import defvjp
from .quadrature import bell, computed, half_line
from .slopes import polygamma, polygamma_gap

__all__ = [
    "beta_density",
    "betainc_by_shapes",
    "gamma_density",
    "gammainc_by_shape",
    "log_gap",
    "zeta_by_exponent",
]

SERIES = 26
"""Terms of the power series, for x < 1."""

# -- the gamma distribution ------------------------------------------------------------------------


@primitive(broadcasts=True)
@computed(2)
def log_gap(a: Any, x: Any) -> Any:
    """log(x) - digamma(a). For a large a, near x = a, it is the sum of two small differences.

    Source:
        NIST Digital Library of Mathematical Functions, 5.11.2.
    """
    terms = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
    small = 0.5 / a + sum(c / a ** (2 * k + 2) for k, c in enumerate(terms))  # log(a) - digamma(a)
    near = np.log1p((x - a) / a) + small
    return np.where((a > 15) & (np.abs(x - a) < 0.5 * a), near, np.log(x) - special.psi(a))


defvjp(log_gap, lambda g, y, a, x: -g * polygamma(1, a), lambda g, y, a, x: g / x)


@primitive(broadcasts=True)
@computed(2)
def gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) e^-x / Gamma(a), the derivative of gammainc(a, x) by x.

    For a large a, where Gamma(a) or x^a overflow, it is e^(-a phi(x/a)) times a factor without a large
    exponent, with phi(r) = r - 1 - log r.

    Source:
        C. Loader, "Fast and accurate computation of binomial probabilities", 2000.
    """
    small = np.where(a < 100, x**a * np.exp(-x) / special.gamma(a) / x, np.nan)
    r = (x - a) / a
    large = np.exp(-a * _phi(r)) * np.sqrt(a / (2 * np.pi)) / _stirling(a) / x
    value = np.where((a < 100) & (small > 1e-290) & (x < 700), small, large)
    edge = np.where(a > 1, 0.0, np.where(a == 1, 1.0, np.inf))
    return np.where(x == 0, edge, np.where(np.isinf(x), 0.0, value))


def _phi(r: Any) -> Any:
    """r - log(1 + r), which is r^2 / 2 near 0: with s = r / (2 + r), log(1 + r) is 2 artanh(s)."""
    s = r / (2 + r)
    square = s * s
    tail = np.zeros_like(s)
    for k in range(21, 0, -2):
        tail = square * (1 / (k + 2) + tail)
    return np.where(np.abs(r) < 0.4, r * s - 2 * s * tail, r - np.log1p(r))


def _stirling(a: Any) -> Any:
    """Gamma(a) / (sqrt(2 pi / a) (a / e)^a)."""
    far = np.maximum(a, 10.0)
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
    large = np.exp(sum(c / far ** (2 * k + 1) for k, c in enumerate(terms)))
    near = np.minimum(a, 10.0)
    return np.where(a < 10, special.gamma(near) / np.sqrt(2 * np.pi / near) * (np.e / near) ** near, large)


defvjp(
    gamma_density,
    lambda g, y, a, x: g * y * log_gap(a, x),
    lambda g, y, a, x: g * y * ((a - 1 - x) / x),
)


def _gamma_exponent(gap: Any, a: Any) -> Any:
    """The derivatives by a of the logarithm of the density at t, for `bell`; gap is log(t) - digamma(a)."""
    return lambda k, _: gap if k == 1 else -polygamma(k - 1, a)


@primitive(broadcasts=True)
@computed(2, block=256)
def gammainc_by_shape(a: Any, x: Any, n: int) -> Any:
    """The n-th derivative of gammainc(a, x) by a, n > 0.

    Example:
        >>> import autograd_lite as ag
        >>> from scipy import special
        >>> print(f"{ag.grad(special.gammainc)(2.0, 3.0):.14f}")
        -0.19742541957920
    """
    near = np.minimum(x, 1.0)
    power = near**a * np.exp(-near)
    series = sum(
        near**k
        * np.exp(-special.gammaln(a + k + 1))
        * bell(n, 0, _gamma_exponent(log_gap(a + k + 1, near), a + k + 1))
        for k in range(SERIES, -1, -1)
    )
    gap = log_gap(a, x)
    lower = gap < 0
    sign = np.where(lower, 1.0, -1.0)

    def integrand(s: Any) -> Any:
        """Over t = x e^-s below x, or x e^s above."""
        A, X, turn = a[..., None], x[..., None], -sign[..., None]
        exponent = turn * (A - X) * s - X * (np.expm1(turn * s) - turn * s)
        return np.exp(exponent) * bell(n, 0, _gamma_exponent(gap[..., None] + turn * s, A))

    scale = 1 / (np.abs(a - x) + np.sqrt(x))
    integral = sign * half_line(integrand, scale) * gamma_density(a, x) * x
    value = np.where(x < 1, power * series, integral)
    value = np.where((x == 0) | np.isinf(x), 0.0, value)
    return np.where((a > 0) & (x >= 0), value, np.nan)


defvjp(
    gammainc_by_shape,
    lambda g, y, a, x, n: g * gammainc_by_shape(a, x, n + 1),
    lambda g, y, a, x, n: g * (gamma_density(a, x) * bell(n, 0, _gamma_exponent(log_gap(a, x), a))),
)

# -- the beta distribution -------------------------------------------------------------------------


@primitive(broadcasts=True)
@computed(3)
def beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b), the derivative of betainc(a, b, x) by x.

    For large a and b the exponents are differences from the mode, as in `gamma_density`.
    """
    total, rest = a + b, 1 - x
    small = x**a * rest**b / special.beta(a, b) / (x * rest)
    gap = a * rest - b * x  # a - (a + b) x
    exponent = a * _phi(-gap / a) + b * _phi(gap / b)
    factor = np.sqrt(a * b / total / (2 * np.pi)) * _stirling(total) / (_stirling(a) * _stirling(b))
    large = np.exp(-exponent) * factor / (x * rest)
    value = np.where((total < 60) & (small > 1e-290), small, large)
    left = np.where(a > 1, 0.0, np.where(a == 1, b, np.inf))
    right = np.where(b > 1, 0.0, np.where(b == 1, a, np.inf))
    return np.where(x == 0, left, np.where(x == 1, right, value))


defvjp(
    beta_density,
    lambda g, y, a, b, x: g * y * (np.log(x) + polygamma_gap(a, b, 0)),
    lambda g, y, a, b, x: g * y * (np.log1p(-x) + polygamma_gap(b, a, 0)),
    lambda g, y, a, b, x: g * y * ((a - 1) / x - (b - 1) / (1 - x)),
)


def _beta_exponent(log: Any, log1m: Any, a: Any, b: Any) -> Any:
    """The derivatives by a and b of the logarithm of the density, for `bell`."""

    def derivative(k: int, m: int) -> Any:
        if m == 0:
            return polygamma_gap(a, b, k - 1) + (log if k == 1 else 0.0)
        if k == 0:
            return polygamma_gap(b, a, m - 1) + (log1m if m == 1 else 0.0)
        return polygamma(k + m - 1, a + b)

    return derivative


@primitive(broadcasts=True)
@computed(3, block=256)
def betainc_by_shapes(a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    """The derivative of betainc(a, b, x), i times by a and j times by b, not both 0."""
    rest = 1 - x
    mean_is_above = np.log(x) < -polygamma_gap(a, b, 0) if i else np.log1p(-x) > -polygamma_gap(b, a, 0)

    def side(a: Any, b: Any, x: Any, rest: Any, i: int, j: int) -> Any:
        """The integral over t from 0 to x, with t = x e^-s."""

        def integrand(s: Any) -> Any:
            A, B, X, R = a[..., None], b[..., None], x[..., None], rest[..., None]
            below = -X * np.expm1(-s) / R
            exponent = -A * s + (B - 1) * np.log1p(below)
            log1m = np.where(X < 0.5, np.log1p(-X * np.exp(-s)), np.log(R) + np.log1p(below))
            return np.exp(exponent) * bell(i, j, _beta_exponent(np.log(X) - s, log1m, A, B))

        steep = np.maximum(b - 1, 0) * x / rest
        scale = 1 / (np.abs(a - steep) + np.sqrt(steep / rest) + np.sqrt(a) * (b > 1) * 0.1)
        return half_line(integrand, scale)

    lower, upper = side(a, b, x, rest, i, j), side(b, a, rest, x, j, i)
    value = np.where(mean_is_above, lower, -upper) * beta_density(a, b, x)
    value = value * np.where(mean_is_above, x, rest)
    value = np.where((x == 0) | (x == 1), 0.0, value)
    return np.where((a > 0) & (b > 0) & (x >= 0) & (x <= 1), value, np.nan)


def _by_x(g: Any, y: Any, a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    return g * (beta_density(a, b, x) * bell(i, j, _beta_exponent(np.log(x), np.log1p(-x), a, b)))


defvjp(
    betainc_by_shapes,
    lambda g, y, a, b, x, i, j: g * betainc_by_shapes(a, b, x, i + 1, j),
    lambda g, y, a, b, x, i, j: g * betainc_by_shapes(a, b, x, i, j + 1),
    _by_x,
)

# -- Hurwitz' zeta function ------------------------------------------------------------------------

REACH = 12
"""Terms of the sum before the rest is expanded."""


@primitive(broadcasts=True)
@computed(2)
def zeta_by_exponent(s: Any, q: Any, n: int) -> Any:
    """The n-th derivative of the sum of (q + k)^-s by s, by the summation formula of Euler and Maclaurin.

    Source:
        NIST Digital Library of Mathematical Functions, 25.11.5.
    """
    total = sum((-np.log(q + k)) ** n * (q + k) ** -s for k in range(REACH))
    far = q + REACH
    log, rest = -np.log(far), 0.0
    for k in range(n + 1):
        m = n - k  # derivatives of the factor of far^-s
        factor = (-1) ** m * math.factorial(m) * far / (s - 1) ** (m + 1) + (0.5 if m == 0 else 0.0)
        for j, rising in enumerate(RISING, 1):
            factor = factor + np.polyval(np.polyder(rising, m), s) * far ** (1.0 - 2 * j)
        rest = rest + math.comb(n, k) * log**k * factor
    return total + far**-s * rest


def _rising(j: int) -> Any:
    """B_2j / (2j)! s (s + 1) ... (s + 2j - 2), as a polynomial in s."""
    return special.bernoulli(2 * j)[-1] / math.factorial(2 * j) * np.poly(-np.arange(2.0 * j - 1))


RISING = [_rising(j) for j in range(1, 10)]

defvjp(
    zeta_by_exponent,
    lambda g, y, s, q, n: g * zeta_by_exponent(s, q, n + 1),
    lambda g, y, s, q, n: g * (-s * zeta_by_exponent(s + 1, q, n) - n * zeta_by_exponent(s + 1, q, n - 1)),
)
