"""Running sums, products and differences."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

X = np.array([2.0, -1.0, 0.5, 3.0])


def test_a_running_sum_is_a_triangular_matrix() -> None:
    np.testing.assert_array_equal(ag.jacobian(np.cumsum)(X), np.tril(np.ones((4, 4))))


@pytest.mark.parametrize("zeros", [[], [1], [1, 3]])
def test_a_running_product_is_differentiated_through_zeros(zeros: list[int]) -> None:
    x = X.copy()
    x[zeros] = 0.0
    expected = [[np.prod(np.delete(x[: i + 1], j)) if j <= i else 0.0 for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(ag.jacobian(np.cumprod)(x), expected, rtol=1e-15)


def test_differences_undo_sums() -> None:
    jacobian = ag.jacobian(lambda x: np.diff(np.cumsum(x)))(X)
    np.testing.assert_array_equal(jacobian, np.eye(4)[1:])


def test_the_area_under_a_line_of_points() -> None:
    gradient = ag.grad(lambda y: np.trapezoid(y, dx=0.5))(X)
    assert gradient.tolist() == [0.25, 0.5, 0.5, 0.25]
