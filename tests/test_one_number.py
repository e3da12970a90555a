"""`grad` of a function that returns its one number in an array of one entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import ShapeError

X = np.array([1.0, 2.0, 3.0])

ONE_NUMBER: dict[str, Callable[[Any], Any]] = {
    "keepdims": lambda x: np.sum(x**3, keepdims=True),
    "(1, 1)": lambda x: np.reshape(np.sum(x**3), (1, 1)),
    "(1, 1, 1)": lambda x: np.sum(x**3)[None, None, None],
    "a row times a column": lambda x: x[None] @ (x**2)[:, None],
    "0-d": lambda x: np.sum(x**3),
}


@pytest.mark.parametrize("f", ONE_NUMBER)
def test_any_shape_of_one_entry_will_do(f: str) -> None:
    value, gradient = ag.value_and_grad(ONE_NUMBER[f])(X)
    assert np.shape(value) == np.shape(ONE_NUMBER[f](X))
    assert np.ravel(value).tolist() == [36.0]
    np.testing.assert_allclose(gradient, 3 * X**2, rtol=1e-15)
    np.testing.assert_allclose(ag.hessian(ONE_NUMBER[f])(X), np.diag(6 * X), rtol=1e-15)
    np.testing.assert_allclose(ag.hvp(ONE_NUMBER[f], (X,), (X,)), 6 * X**2, rtol=1e-15)
    (g,) = ag.grad(ONE_NUMBER[f], argnums=(0,))(ag.Tensor(X))
    np.testing.assert_allclose(g.numpy(), 3 * X**2, rtol=1e-15)
    aux = ag.grad(lambda x: (ONE_NUMBER[f](x), "more"), has_aux=True)(X)
    np.testing.assert_allclose(aux[0], 3 * X**2, rtol=1e-15)


def test_a_constant_of_one_entry_has_gradient_0() -> None:
    assert ag.grad(lambda x: np.array([[4.0]]))(X).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("f", [lambda x: x[:2], lambda x: x[:0], lambda x: x[None], lambda x: [np.sum(x)]])
def test_any_other_shape_raises(f: Any) -> None:
    with pytest.raises(ShapeError, match="a single number"):
        ag.grad(f)(X)
