"""Functions beside NumPy's, against their definitions."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import autograd_lite as ag


@pytest.mark.parametrize("x", [-6.0, -0.3, 0.0, 1.5, 9.0])
def test_erf_and_its_bell(x: float) -> None:
    assert ag.erf(x) == pytest.approx(math.erf(x), rel=1e-15)
    assert ag.grad(ag.erf)(x) == pytest.approx(2 / math.sqrt(math.pi) * math.exp(-x * x), rel=1e-14)


@pytest.mark.parametrize("x", [-800.0, -30.0, 0.0, 2.0, 800.0])
def test_softplus_has_the_logistic_function_for_a_slope(x: float) -> None:
    logistic = float(1 / (1 + mpmath.exp(-mpmath.mpf(x))))
    assert ag.grad(ag.softplus)(x) == pytest.approx(logistic, rel=1e-15, abs=0)
    assert ag.sigmoid(x) == pytest.approx(logistic, rel=1e-15, abs=0)


def test_the_logistic_function_and_its_mirror_add_up_to_1() -> None:
    gradient = ag.grad(lambda x: np.sum(ag.sigmoid(x) + ag.sigmoid(-x)))(np.array([-3.0, 0.0, 5.0]))
    np.testing.assert_allclose(gradient, 0.0, atol=1e-17)
