"""Products that pass through numbers outside the range of floats."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.ops.wide import Wide, shifted

TINY, HUGE = 1e-300, 1e200


def test_a_product_is_rounded_once_at_its_end() -> None:
    product = Wide.of(np.array([HUGE])) * Wide.of(np.array([HUGE])) * Wide.of(np.array([TINY]))
    exact = Fraction(HUGE) * Fraction(HUGE) * Fraction(TINY)
    assert product.value()[0] == pytest.approx(float(exact), rel=1e-15)


def test_a_gradient_of_factors_whose_partial_products_overflow() -> None:
    x = np.array([HUGE, HUGE, TINY])
    expected = [float(Fraction(HUGE) * Fraction(TINY)), float(Fraction(HUGE) * Fraction(TINY)), np.inf]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(ag.grad(np.prod)(x), expected, rtol=1e-15)


def test_a_shift_by_a_power_of_two_rounds_nothing() -> None:
    x = np.array([1.1, -3.7])
    assert shifted(shifted(x, 900), -900).tolist() == x.tolist()
    assert ag.grad(lambda x: np.sum(shifted(x, 3)))(x).tolist() == [8.0, 8.0]
