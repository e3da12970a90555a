"""Padding is linear in the array, so its pullback is its transpose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "mean"])
def test_the_pullback_is_the_transpose(mode: Any) -> None:
    width = ((1, 1), (2, 1))
    y, pullback = ag.vjp(lambda x: np.pad(x, width, mode=mode), X)
    g = np.linspace(-1.0, 1.0, y.size).reshape(y.shape)
    columns = [np.pad(e.reshape(X.shape), width, mode=mode) for e in np.eye(X.size)]
    expected = np.reshape([np.sum(g * column) for column in columns], X.shape)
    np.testing.assert_allclose(pullback(g)[0], expected, atol=1e-14)


def test_the_constant_that_is_padded_with_has_no_gradient() -> None:
    gradient = ag.grad(lambda x: np.sum(np.pad(x, 1, constant_values=5.0) ** 2))(X)
    np.testing.assert_array_equal(gradient, 2 * X)
