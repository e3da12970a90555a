"""The gamma function's kin, with derivatives of any order.

SciPy computes `lgamma`, `digamma` and `erfinv` where SciPy is installed: faster, and for negative arguments
too. What follows is for other places, in plain NumPy.

`lgamma` is the C library's. The polygamma functions come from their recurrence, up to arguments of 12, and
from the asymptotic series there. The series of each order n has 10 terms; with Bernoulli's numbers B,

    psi(x) ~ log x - 1 / (2 x) - sum of B[2k] / (2k x^(2k))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

import autograd_lite as ag

__all__ = ["digamma", "erfinv", "gamma_slope", "lgamma", "polygamma"]

_BERNOULLI = (
    1 / 6,
    -1 / 30,
    1 / 42,
    -1 / 30,
    5 / 66,
    -691 / 2730,
    7 / 6,
    -3617 / 510,
    43867 / 798,
    -174611 / 330,
)
_LARGE = 12.0
"""From here on the series has all digits of double precision."""


def _float(x: Any) -> tuple[Any, Any]:
    """An argument in double precision, and the dtype of the result."""
    array = np.asarray(x)
    return array.astype(float), array.dtype if array.dtype.kind == "f" else np.dtype(float)


def _or_scipys(name: str) -> Callable[..., Any]:
    """A decorator: where SciPy is installed, its function of a name takes over."""

    def decorate(own: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(own)
        def function(x: Any) -> Any:
            try:
                from scipy import special
            except ImportError:
                return own(x)
            return getattr(special, name)(x)

        return function

    return decorate


@ag.primitive(broadcasts=True)
def _lgamma(x: Any) -> Any:
    values, dtype = _float(x)
    flat = [math.lgamma(v) if v > 0 or v % 1 else math.inf for v in values.ravel().tolist()]
    return np.array(flat).reshape(values.shape).astype(dtype)[()]


@_or_scipys("gammaln")
def lgamma(x: Any) -> Any:
    """The logarithm of the absolute value of the gamma function.

    Example:
        >>> round(float(lgamma(5.0)), 12) == round(math.log(24), 12)
        True
    """
    return _lgamma(x)


@ag.primitive(broadcasts=True)
def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of the digamma function; NaN for x <= 0.

    Example:
        >>> abs(float(polygamma(1, 1.0)) - math.pi**2 / 6) < 1e-15
        True
    """
    values, dtype = _float(x)
    x = np.where(values > 0, values, np.nan)
    sign, factorial, total = (-1) ** (n + 1), math.factorial(n), np.zeros_like(x)
    with np.errstate(all="ignore"):
        for _ in range(int(_LARGE)):
            small = x < _LARGE
            total += np.where(small, sign * factorial * x ** -(n + 1.0), 0)
            x = np.where(small, x + 1, x)
        first = np.log(x) if n == 0 else sign * math.factorial(n - 1) * x ** -float(n)
        series = first + sign * factorial / 2 * x ** -(n + 1.0)
        for k, b in enumerate(_BERNOULLI, 1):
            series += sign * b * math.factorial(2 * k + n - 1) / math.factorial(2 * k) * x ** -(2.0 * k + n)
    return (total + series).astype(dtype)[()]


@_or_scipys("digamma")
def digamma(x: Any) -> Any:
    """The derivative of `lgamma`; NaN for x <= 0 without SciPy.

    Example:
        >>> round(float(digamma(1.0)), 12)
        -0.577215664902
    """
    return polygamma(0, x)


ag.defvjp(_lgamma, lambda g, y, x: g * polygamma(0, x))
ag.defvjp(polygamma, None, lambda g, y, n, x: g * polygamma(n + 1, x))


@ag.primitive(broadcasts=True)
def _erfinv(x: Any) -> Any:
    values, dtype = _float(x)
    with np.errstate(all="ignore"):
        tail = np.log1p(-values * values) / 2
        c = 2 / (math.pi * 0.147) + tail
        y = np.copysign(np.sqrt(np.sqrt(c * c - 2 * tail / 0.147) - c), values)
        for _ in range(4):
            step = (ag.erf(y) - values) * math.sqrt(math.pi) / 2 * np.exp(y * y)
            y = np.where(np.isfinite(step), y - step / (1 + y * step), y)
    y = np.where(np.abs(values) == 1, np.copysign(np.inf, values), y)
    return np.where(np.abs(values) > 1, np.nan, y).astype(dtype)[()]


ag.defvjp(_erfinv, lambda g, y, x: g * (math.sqrt(math.pi) / 2 * np.exp(y * y)))


@_or_scipys("erfinv")
def erfinv(x: Any) -> Any:
    """The inverse of the error function, for -1 < x < 1.

    Newton's method, with the second derivative (Halley), from an estimate that is right to 0.002.

    Source:
        S. Winitzki, "A handy approximation for the error function and its inverse", 2008.

    Example:
        >>> round(float(erfinv(ag.erf(0.5))), 14)
        0.5
    """
    return _erfinv(x)


def gamma_slope(x: Any, a: Any) -> Any:
    """d(x)/d(a) of a sample x of the gamma distribution with shape a, at a fixed quantile.

    With the density p and the distribution function F this is -(dF/da) / p. F is an integral of p, so

        dx/da = -1/p(x) * integral from 0 to x of p(t) (log t - psi(a)) dt
              =  1/p(x) * integral from x to infinity of the same

    For x <= a < 60 the first integral is a power series, whose terms have one sign. Elsewhere Gauss's
    quadrature computes the integral. The error is below 1e-12 of the result.

    Args:
        x, a: arrays of one shape, both positive.

    Source:
        M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients", 2018.

    Example:
        >>> round(float(gamma_slope(2.0, 1.0)), 6)
        1.631691
    """
    x, a = np.broadcast_arrays(np.asarray(x, float), np.asarray(a, float))
    with np.errstate(all="ignore"):
        return np.where((x <= np.maximum(a, 2)) & (a < 60), _by_series(x, a), _by_quadrature(x, a))


def _by_series(x: Any, a: Any) -> Any:
    """The sum of -(log x - psi(a+k+1)) x^(k+1) / (a (a+1) ... (a+k))."""
    log_x, psi, term, total = np.log(x), digamma(a), x / a, 0.0
    for k in range(160):
        psi = psi + 1 / (a + k)
        total = total - term * (log_x - psi)
        term = term * (x / (a + k + 1))
    return total


@cache
def _gauss() -> Any:
    """The nodes and weights of Gauss's quadrature, found at the first use."""
    return np.polynomial.legendre.leggauss(64)


def _by_quadrature(x: Any, a: Any) -> Any:
    """The integral over t = x e^(sign s), s from 0 to where p(t) is e^-40 of p(x)."""
    nodes, weights = _gauss()
    sign = np.where(x > a, 1.0, -1.0)
    far = np.abs(x - a)
    length = 80 / (far + np.sqrt(far * far + 80 * x))
    s = length[..., None] * (nodes + 1) / 2
    signed = sign[..., None] * s
    density = np.exp(a[..., None] * signed - x[..., None] * np.expm1(signed))
    values = density * ((np.log(x) - digamma(a))[..., None] + signed)
    return sign * x * (values @ weights) * length / 2
