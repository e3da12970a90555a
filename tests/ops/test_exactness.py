"""Elementwise derivatives of first and second order against mpmath, to 8 units in the last place.

The references are mpmath's differences, with 400 digits, of the function alone; no rule of ours is
used to make them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd_lite as ag

mpmath.mp.dps = 400  # for differences of 1 and 1 - 1e-160, at steps of 1e-40

ALL = [s * m * 10.0**e for e in range(-12, 3) for m in (1.0, 3.7) for s in (1, -1)]
POSITIVE = [x for x in ALL if x > 0] + [1e-300, 1e-30, 1e30, 1e300]
MODERATE = [x for x in ALL if abs(x) < 30]
MIDDLE = [x for x in POSITIVE if 1e-50 < x < 1e50]
UNIT = [x for x in ALL if abs(x) < 1] + [0.999999, -0.9999]
ABOVE_ONE = [1 + x for x in ALL if 1e-8 < x < 1e3]


def logistic(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


CASES: dict[str, tuple[Any, Callable[[Any], Any], list[float]]] = {
    "sin": (np.sin, mpmath.sin, MODERATE),
    "cos": (np.cos, mpmath.cos, MODERATE),
    "arctan": (np.arctan, mpmath.atan, ALL),
    "arcsin": (np.arcsin, mpmath.asin, UNIT),
    "arccos": (np.arccos, mpmath.acos, UNIT),
    "sinh": (np.sinh, mpmath.sinh, MODERATE),
    "cosh": (np.cosh, mpmath.cosh, MODERATE),
    "tanh": (np.tanh, mpmath.tanh, ALL),
    "arcsinh": (np.arcsinh, mpmath.asinh, ALL),
    "arccosh": (np.arccosh, mpmath.acosh, ABOVE_ONE),
    "arctanh": (np.arctanh, mpmath.atanh, UNIT),
    "exp": (np.exp, mpmath.exp, ALL),
    "exp2": (np.exp2, lambda x: mpmath.mpf(2) ** x, MODERATE),
    "expm1": (np.expm1, mpmath.expm1, ALL),
    "log": (np.log, mpmath.log, POSITIVE),
    "log2": (np.log2, lambda x: mpmath.log(x, 2), POSITIVE),
    "log10": (np.log10, mpmath.log10, POSITIVE),
    "log1p": (np.log1p, mpmath.log1p, [x for x in ALL if x > -0.9]),
    "sqrt": (np.sqrt, mpmath.sqrt, POSITIVE),
    "cbrt": (np.cbrt, lambda x: x ** (mpmath.mpf(1) / 3), [x for x in POSITIVE if 1e-100 < x < 1e100]),
    "reciprocal": (np.reciprocal, lambda x: 1 / x, [x for x in ALL if abs(x) > 1e-12]),
    "square": (np.square, lambda x: x * x, ALL),
    "power 2.5": (lambda x: x**2.5, lambda x: x ** mpmath.mpf(2.5), MIDDLE),
    "power 0.1": (lambda x: x**0.1, lambda x: x ** mpmath.mpf(0.1), [x for x in POSITIVE if x > 1e-100]),
    "sigmoid": (ag.sigmoid, logistic, ALL),
    "softplus": (ag.softplus, lambda x: mpmath.log1p(mpmath.exp(x)), MODERATE),
    "erf": (ag.erf, mpmath.erf, [x for x in ALL if abs(x) < 5]),
}  # fmt: skip


def ulps(got: float, expected: Any) -> float:
    """The distance in units of the last place of the expected number."""
    if expected == 0:
        return 0.0 if got == 0 else np.inf
    return float(abs(mpmath.mpf(float(got)) - expected) / mpmath.mpf(float(np.spacing(abs(float(expected))))))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_are_right_to_eight_ulp(name: str, order: int) -> None:
    f, reference, points = CASES[name]
    derivative = ag.grad(f) if order == 1 else ag.grad(ag.grad(f))
    worst = 0.0
    for x in points:
        step = abs(mpmath.mpf(x)) * mpmath.mpf(10) ** -40
        expected = mpmath.diff(reference, mpmath.mpf(x), order, h=step)
        if 1e-290 < abs(expected) < 1e300:
            off = ulps(derivative(x), expected)
            assert off <= 8, f"{name}, order {order}, at {x}: {derivative(x)} is {off:.0f} ulp off"
            worst = max(worst, off)
    assert worst < 8
