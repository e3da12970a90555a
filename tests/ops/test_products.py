"""Products are linear in each factor: the pullback is the product with the other factor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag

A = np.linspace(-1.0, 2.0, 6).reshape(2, 3)
B = np.linspace(0.5, -1.5, 12).reshape(3, 4)
G = np.linspace(1.0, -2.0, 8).reshape(2, 4)


@pytest.mark.parametrize(
    "product",
    [
        np.matmul,
        np.dot,
        lambda a, b: np.einsum("ij,jk->ik", a, b),
        lambda a, b: np.tensordot(a, b, 1),
        lambda a, b: np.inner(a, b.T),
    ],
    ids=["matmul", "dot", "einsum", "tensordot", "inner"],
)
def test_each_way_to_write_a_product_of_matrices(product: Any) -> None:
    _, pullback = ag.vjp(product, A, B)
    to_a, to_b = pullback(G)
    np.testing.assert_allclose(to_a, G @ B.T, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(to_b, A.T @ G, rtol=1e-14, atol=1e-15)


def test_a_trace_by_einsum() -> None:
    square = A.T @ A
    np.testing.assert_array_equal(ag.grad(lambda a: np.einsum("ii->", a))(square), np.eye(3))


def test_the_outer_and_the_kronecker_product() -> None:
    x, y = np.array([1.0, 2.0]), np.array([-1.0, 0.5, 4.0])
    for product in (np.outer, np.kron):
        gradients = ag.grad(lambda x, y, f=product: np.sum(f(x, y)), argnums=(0, 1))(x, y)
        np.testing.assert_array_equal(gradients[0], np.full(2, y.sum()))
        np.testing.assert_array_equal(gradients[1], np.full(3, x.sum()))
