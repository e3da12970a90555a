"""Means, variances and quantiles by their formulas."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

X = np.array([4.0, -1.0, 2.5, 7.0])


@pytest.mark.parametrize("ddof", [0, 1])
def test_the_variance(ddof: int) -> None:
    gradient = ag.grad(lambda x: np.var(x, ddof=ddof))(X)
    np.testing.assert_allclose(gradient, 2 * (X - X.mean()) / (4 - ddof), rtol=1e-14)


def test_the_deviation_of_a_constant_has_gradient_0() -> None:
    assert ag.grad(np.std)(np.full(3, 2.0)).tolist() == [0.0, 0.0, 0.0]


def test_the_median_of_an_even_number_is_the_mean_of_two() -> None:
    assert ag.grad(np.median)(X).tolist() == [0.5, 0.0, 0.5, 0.0]


def test_a_quantile_between_two_entries() -> None:
    np.testing.assert_allclose(ag.grad(lambda x: np.quantile(x, 0.25))(X), [0.0, 0.25, 0.75, 0.0], atol=1e-15)


def test_a_weighted_mean() -> None:
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    to_x, to_weights = ag.grad(lambda x, w: np.average(x, weights=w), argnums=(0, 1))(X, weights)
    np.testing.assert_allclose(to_x, weights / 10, rtol=1e-15)
    np.testing.assert_allclose(to_weights, (X - np.average(X, weights=weights)) / 10, rtol=1e-14)
