"""Eigenvalues: the derivatives of their sums and products are known."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag

A = np.array([[2.0, 0.5, -0.3], [0.5, 4.0, 0.8], [-0.3, 0.8, 7.0]])


def test_the_sum_of_the_eigenvalues_is_the_trace() -> None:
    gradient = ag.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(A)
    np.testing.assert_allclose(gradient, np.eye(3), atol=1e-14)


def test_the_log_of_their_product_is_that_of_the_determinant() -> None:
    gradient = ag.grad(lambda a: np.sum(np.log(np.linalg.eigh(a)[0])))(A)
    np.testing.assert_allclose(gradient, np.linalg.inv(A), rtol=1e-13)


def test_a_matrix_made_again_of_its_decomposition_has_the_identity_for_a_derivative() -> None:
    weights = np.arange(9.0).reshape(3, 3)

    def again(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(weights * ((v * w) @ v.T))

    np.testing.assert_allclose(ag.grad(again)(A), (weights + weights.T) / 2, rtol=1e-12, atol=1e-14)
