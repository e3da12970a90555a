"""The gradient of a norm has norm 1 in the dual norm, at any size of its argument."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

X = np.array([3.0, -4.0, 12.0])


@pytest.mark.parametrize("size", [1.0, 1e200, 1e-200])
def test_the_direction_of_the_2_norm(size: float) -> None:
    np.testing.assert_allclose(ag.grad(np.linalg.norm)(X * size), X / 13.0, rtol=1e-15)


def test_the_1_norm_and_the_largest_entry() -> None:
    assert ag.grad(lambda x: np.linalg.norm(x, 1))(X).tolist() == [1.0, -1.0, 1.0]
    assert ag.grad(lambda x: np.linalg.norm(x, np.inf))(X).tolist() == [0.0, 0.0, 1.0]


def test_at_0_the_gradient_is_0() -> None:
    assert ag.grad(np.linalg.norm)(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_the_nuclear_norm_of_a_matrix_of_full_rank_has_orthogonal_columns() -> None:
    gradient = ag.grad(lambda a: np.linalg.norm(a, "nuc"))(np.array([[2.0, 1.0], [-1.0, 3.0]]))
    np.testing.assert_allclose(gradient @ gradient.T, np.eye(2), atol=1e-14)
