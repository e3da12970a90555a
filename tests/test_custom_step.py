"""`ag.custom_step`: one recorded step with a pullback of its own, inside of every transformation."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import CompileError

X = np.array([0.5, -1.2, 2.0])


def cube(x: Any) -> Any:
    """x^3 with its derivative written in ops, so that it can be differentiated again."""
    return ag.custom_step(ag.stop_gradient(x) ** 3, [x], lambda g, y, x: (3 * g * x * x,), name="cube")


def test_every_order_and_mode() -> None:
    ag.testing.check_grads(cube, X)
    np.testing.assert_allclose(ag.hessian(lambda x: np.sum(cube(x)))(X), np.diag(6 * X))
    np.testing.assert_allclose(ag.vmap(ag.grad(cube))(X), 3 * X**2)


def test_a_plan_takes_it_apart() -> None:
    step = ag.compile(ag.grad(lambda x: np.sum(cube(x))))
    for k in range(4):
        np.testing.assert_allclose(step(X + k), 3 * (X + k) ** 2)
    assert step.signatures == ["replayed: float64 (3,)"]


def test_a_pullback_that_reads_a_value_is_no_plan() -> None:
    def reading(x: Any) -> Any:
        pullback = lambda g, y, x: (g * (2.0 if float(np.sum(x)) > 0 else 3.0),)
        return np.sum(ag.custom_step(ag.stop_gradient(x) * 2, [x], pullback, name="reading"))

    step = ag.compile(ag.grad(reading))
    with pytest.raises(CompileError):
        for _ in range(3):
            step(X)


def test_results_that_nobody_uses() -> None:
    seen: list[Any] = []

    def both(x: Any, partial: bool) -> Any:
        def pullback(g: Any, y: Any, x: Any) -> Any:
            seen.append(g)
            return (g[0] * 2,)

        values = x.data * 2, x.data * 3
        return ag.custom_step(values, [x], pullback, name="both", partial=partial)

    for partial in (False, True):
        x = ag.Tensor(X, requires_grad=True)
        np.sum(both(x, partial)[0]).backward()
        np.testing.assert_array_equal(x.grad.numpy(), 2.0)
    assert np.all(seen[0][1].numpy() == 0) and seen[1][1] is None


def test_none_is_zero_and_constants_are_not_recorded() -> None:
    x = ag.Tensor(X, requires_grad=True)
    np.sum(ag.custom_step(X, [x], lambda g, y, x: (None,), name="none")).backward()
    assert np.all(x.grad.numpy() == 0)
    assert not ag.custom_step(X, [ag.Tensor(X)], lambda g, y, x: (g,), name="none").requires_grad


def test_the_complex_convention() -> None:
    z = np.array([1 + 2j, -0.3j])

    def conjugated(z: Any) -> Any:
        value = np.conj(ag.stop_gradient(z))
        return ag.custom_step(value, [z], lambda g, y, z: (np.conj(g),), name="conjugated")

    f = lambda z: np.sum(np.real(conjugated(z) ** 2 * (1 + 1j)))
    plain = lambda z: np.sum(np.real(np.conj(z) ** 2 * (1 + 1j)))
    np.testing.assert_allclose(ag.grad(f)(z), ag.grad(plain)(z))


def test_the_step_is_freed_with_its_pullback() -> None:
    x, held = ag.Tensor(X, requires_grad=True), np.ones(3)
    gone = weakref.ref(held)
    y = np.sum(ag.custom_step(X * 2, [x], lambda g, y, x, held=held: (g * held,), name="held"))
    del held
    y.backward()
    del y
    assert gone() is None
