"""Named derivatives stay exact in the tails, in second order too."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

import autograd_lite as ag


@pytest.mark.parametrize(
    ("op", "reference", "point"),
    [
        (np.tanh, mpmath.tanh, 20.0),
        (np.tanh, mpmath.tanh, -300.0),
        (ag.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), 40.0),
        (ag.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), -700.0),
        (np.arctan, mpmath.atan, 1e8),
        (np.arctanh, mpmath.atanh, 1 - 2.0**-40),
        (np.cbrt, mpmath.cbrt, 1e-200),
        (np.logaddexp, lambda x: mpmath.log(mpmath.exp(x) + 1), 50.0),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)).strip("<>"),
)
def test_first_and_second_derivatives_in_the_tails(op: Any, reference: Any, point: float) -> None:
    f = (lambda x: np.logaddexp(x, 0.0)) if op is np.logaddexp else op
    with mpmath.workdps(900):  # of which differences lose at most 2 * 150, and tails 300
        h = mpmath.mpf(point) * mpmath.mpf(10) ** -150
        at = [reference(mpmath.mpf(point) + k * h) for k in (-1, 0, 1)]
        first, second = (at[2] - at[0]) / (2 * h), (at[2] - 2 * at[1] + at[0]) / h**2
    assert ag.grad(f)(point) == pytest.approx(float(first), rel=2e-15, abs=0)
    if abs(second) > np.finfo(float).tiny:
        assert ag.grad(ag.grad(f))(point) == pytest.approx(float(second), rel=2e-15, abs=0)


@pytest.mark.parametrize("op", [np.logaddexp, np.logaddexp2])
@pytest.mark.parametrize("x", [-1.5, 0.7, 4.0])
def test_the_third_derivative_of_a_sum_of_exponentials(op: Any, x: float) -> None:
    base = mpmath.e if op is np.logaddexp else mpmath.mpf(2)
    expected = mpmath.diff(lambda t: mpmath.log(base**t + 1, base), x, 3)
    third = ag.grad(ag.grad(ag.grad(lambda t: op(t, 0.0))))(x)
    assert third == pytest.approx(float(expected), rel=1e-12)
