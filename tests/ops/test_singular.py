"""Singular values: sums of them that are functions of the matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag

A = np.array([[2.0, 0.5, -0.3], [0.7, -4.0, 0.8]])


def test_the_sum_of_their_squares_is_that_of_the_entries() -> None:
    gradient = ag.grad(lambda a: np.sum(np.linalg.svd(a, compute_uv=False) ** 2))(A)
    np.testing.assert_allclose(gradient, 2 * A, rtol=1e-13)


def test_the_largest_one_changes_along_its_vectors() -> None:
    u, _, vh = np.linalg.svd(A)
    gradient = ag.grad(lambda a: np.linalg.svd(a, compute_uv=False)[0])(A)
    np.testing.assert_allclose(gradient, np.outer(u[:, 0], vh[0]), rtol=1e-13, atol=1e-14)


def test_a_matrix_made_again_of_its_decomposition_has_the_identity_for_a_derivative() -> None:
    weights = np.arange(6.0).reshape(2, 3)

    def again(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(weights * ((u * s) @ vh))

    np.testing.assert_allclose(ag.grad(again)(A), weights, rtol=1e-12, atol=1e-13)
