"""Polynomials by their coefficients: derivatives known from algebra."""

from __future__ import annotations

import numpy as np

import autograd_lite as ag

P, X = np.array([2.0, -1.0, 0.5, 3.0]), np.array([-1.5, 0.2, 2.0])


def test_the_slope_of_a_polynomial_is_its_derivative() -> None:
    gradient = ag.grad(lambda x: np.sum(np.polyval(P, x)))(X)
    np.testing.assert_allclose(gradient, np.polyval(np.polyder(P), X), rtol=1e-14)


def test_a_value_changes_with_each_coefficient_by_a_power() -> None:
    jacobian = ag.jacobian(lambda p: np.polyval(p, X))(P)
    np.testing.assert_allclose(jacobian, np.vander(X, P.size), rtol=1e-14)


def test_a_product_is_linear_in_each_factor() -> None:
    jacobian = ag.jacobian(lambda p: np.polymul(p, [1.0, -2.0]))(P)
    np.testing.assert_array_equal(jacobian @ P, np.polymul(P, [1.0, -2.0]))


def test_the_derivative_of_the_integral_gives_the_coefficients_back() -> None:
    jacobian = ag.jacobian(lambda p: np.polyder(np.polyint(p)))(P)
    np.testing.assert_allclose(jacobian, np.eye(P.size), atol=1e-15)
