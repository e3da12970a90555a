"""The derivatives of sinc(x) = sin(pi x) / (pi x), exact to the last digits also next to their zeros.

>>> import numpy as np, autograd_lite as ag
>>> ag.grad(np.sinc)(1.4302966531242027)  # a zero is 2e-17 away, and two terms of 0.16 cancel
-5.3972132071961494e-17
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import asarray, some
from ..known import defvjp
from .doubled import Doubled, nearest, polynomial, where

__all__: list[str] = []

PI = Fraction("3.14159265358979323846264338327950288419716939937510582097494459")


@primitive(broadcasts=True)
def sinc_derivative(x: Any, n: int) -> Any:
    """The n-th derivative of sinc(x) = sin(pi x) / (pi x).

    Near 0 it is computed by a series, elsewhere by a recurrence. Close to a zero of the derivative the terms
    of both cancel; from the fourth order on they cancel for all |x| < n. These entries are computed again, in
    double-double arithmetic. For narrower dtypes float64 suffices.
    """
    x = asarray(x)
    dtype = np.result_type(x.dtype, np.float32)
    flat = x.astype(np.result_type(x.dtype, np.float64)).reshape(-1)
    out = np.empty_like(flat)
    near = np.abs(flat) < 0.4 * n
    for part, plain, exact in ((near, _near, _doubled_near), (~near, _far, _doubled_far)):
        if not some(part):
            continue
        chosen = flat[part]
        value, size = plain(chosen, n)
        small = (np.abs(value) < size) | ((n > 3) & (np.abs(chosen) < n))
        if dtype == np.float64 and some(small):
            value[small] = exact(chosen[small], n).head
        out[part] = value
    return out.reshape(x.shape).astype(dtype)[()]


# -- near 0: the Taylor series ---------------------------------------------------------------------


@functools.cache
def _coefficients(n: int) -> list[Doubled]:
    """The coefficients of the n-th derivative of sinc: of x^0, x^2, ..., or of x, x^3, ... for an odd n."""
    return [
        nearest((-(PI**2)) ** k / ((2 * k + 1) * math.factorial(2 * k - n)))
        for k in range((n + 1) // 2, 3 * n + 20)
    ]


def _near(x: Any, n: int) -> tuple[Any, Any]:
    """The derivative, and a third of its first term."""
    heads = [c.head for c in _coefficients(n)[: n + 14]]
    square = x * x
    total = np.zeros_like(x)
    for c in reversed(heads):
        total *= square
        total += c
    power = x if n % 2 else np.ones_like(x)
    return total * power, np.abs(heads[0] / 3 * power)


def _doubled_near(x: Any, n: int) -> Any:
    wide = Doubled(x, np.zeros_like(x))
    total = polynomial(_coefficients(n), wide * wide, 2 * n + 9)
    return total * wide if n % 2 else total


# -- elsewhere: a recurrence -----------------------------------------------------------------------


def _far(x: Any, n: int) -> tuple[Any, Any]:
    """The derivative, and half of one of the two terms whose difference it is."""
    value, previous = _recurrence(x, n, *_sin_cos_pi(x), [power.head for power in _powers(n)])
    return value, np.abs(n / 2 * previous / x)


def _doubled_far(x: Any, n: int) -> Any:
    return _recurrence(x, n, *_doubled_sin_cos_pi(x), _powers(n))[0]


def _recurrence(x: Any, n: int, sin: Any, cos: Any, powers: Any) -> tuple[Any, Any]:
    """The derivatives s_n and s_(n-1), from sin(pi x), cos(pi x) and powers of pi, all doubled or none.

    The k-th derivative of x sinc(x) = sin(pi x) / pi gives the recurrence: x s_k + k s_(k-1) is the k-th
    derivative of sin(pi x) / pi.
    """
    value = previous = sin * powers[0] / x
    for k in range(1, n + 1):
        turned = (sin, cos, -sin, -cos)[k % 4]
        previous, value = value, (turned * powers[k] - value * float(k)) / x
    return value, previous


@functools.cache
def _powers(n: int) -> list[Doubled]:
    """pi^-1, pi^0, ..., pi^(n-1)."""
    return [nearest(PI**k) for k in range(-1, n)]


def _sin_cos_pi(x: Any) -> tuple[Any, Any]:
    """sin(pi x) and cos(pi x)."""
    if x.dtype.kind == "c":
        return np.sin(math.pi * x), np.cos(math.pi * x)
    part, swapped, signs = _eighth(x)
    sin, cos = np.sin(math.pi * part), np.cos(math.pi * part)
    return signs[0] * np.where(swapped, cos, sin), signs[1] * np.where(swapped, sin, cos)


def _eighth(x: Any) -> tuple[Any, Any, tuple[Any, Any]]:
    """Reduce x to a `part` with |part| <= 1/4.

    The subtraction of integers, which are half turns, is exact; so it comes before the product with pi.

    Returns:
        `part`, whether sine and cosine of pi x are cosine and sine of pi part, and the signs of both.
    """
    whole = np.rint(x)
    part, sign = x - whole, 1 - 2 * np.abs(whole - 2 * np.rint(0.5 * whole))  # % is slow
    swapped = np.abs(part) > 0.25
    signs = np.where(swapped, np.copysign(sign, sign * part), sign), sign
    return np.where(swapped, 0.5 - np.abs(part), part), swapped, signs


@functools.cache
def _turned(k: int) -> list[Doubled]:
    """The coefficients of x^0, x^2, ... in cos(pi x) for k = 0, and in sin(pi x) / x for k = 1.

    There are enough of them for |x| <= 1/4.
    """
    return [nearest((-1) ** (i // 2) * PI**i / math.factorial(i)) for i in range(k, 28, 2)]


def _doubled_sin_cos_pi(x: Any) -> tuple[Doubled, Doubled]:
    """sin(pi x) and cos(pi x) by their Taylor series, as doubled numbers."""
    part, swapped, signs = _eighth(x)
    wide = Doubled(part, np.zeros_like(part))
    square = wide * wide
    sin, cos = polynomial(_turned(1), square, 9) * wide, polynomial(_turned(0), square, 9)
    return where(swapped, cos, sin) * signs[0], where(swapped, sin, cos) * signs[1]


defvjp(sinc_derivative, lambda g, y, x, n: g * sinc_derivative(x, n + 1))
