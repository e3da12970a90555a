"""QR and Cholesky: R^T R = A^T A, and L L^T = A."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag

A = np.array([[2.0, 0.5], [0.7, -4.0], [1.0, 0.3]])
S = A.T @ A


def test_the_entries_of_r_have_the_squares_of_the_matrix() -> None:
    gradient = ag.grad(lambda a: np.sum(np.linalg.qr(a)[1] ** 2))(A)
    np.testing.assert_allclose(gradient, 2 * A, rtol=1e-13)


def test_q_r_is_the_matrix() -> None:
    weights = np.arange(6.0).reshape(3, 2)

    def again(a: Any) -> Any:
        q, r = np.linalg.qr(a)
        return np.sum(weights * (q @ r))

    np.testing.assert_allclose(ag.grad(again)(A), weights, rtol=1e-12, atol=1e-13)


def test_the_diagonal_of_cholesky_has_the_log_of_the_determinant() -> None:
    gradient = ag.grad(lambda s: 2 * np.sum(np.log(np.diagonal(np.linalg.cholesky(s)))))(S)
    np.testing.assert_allclose(gradient, np.linalg.inv(S), rtol=1e-12)
