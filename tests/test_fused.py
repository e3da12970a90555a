"""Ops made of kernels: values and first derivatives from the kernels, all others from the definition."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import AnomalyError, GradientCheckError, ShapeError
from autograd_lite.testing import check_grads

calls: list[Any] = []


def gated(x: Any, w: Any, *, scale: float = 1.0) -> Any:
    """tanh(x w) scale."""
    return np.tanh(x @ w) * scale


def forward(x: Any, w: Any, *, scale: float = 1.0) -> Any:
    t = np.tanh(x @ w)
    return t * scale, (x, w, t, scale)


def backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> Any:
    x, w, t, scale = residuals
    calls.append(needs)
    u = g * scale * (1 - t * t)
    return (u @ w.T if needs[0] else None), (x.T @ u if needs[1] else None)


op = ag.fused(forward, backward)(gated)

rng = np.random.default_rng(0)
X, W = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))


def test_derivatives_of_every_order_and_mode() -> None:
    check_grads(lambda x, w: op(x, w, scale=2.0), (X, W), order=2)
    for f in (ag.hessian, ag.jacobian):
        got, expected = (f(lambda w: np.sum(g(X, w) ** 3))(W) for g in (op, gated))  # noqa: B023
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_it_has_the_name_and_the_words_of_its_definition() -> None:
    assert (op.__name__, op.__doc__, op.__wrapped__) == ("gated", "tanh(x w) scale.", gated)
    x = ag.Tensor(X, requires_grad=True)
    assert "op=gated" in repr(op(x, W))


def test_only_what_is_wanted_is_computed() -> None:
    w = ag.Tensor(W, requires_grad=True)
    calls.clear()
    op(X, w).sum().backward()
    ag.grad(lambda x: np.sum(op(x, W)))(X)
    assert calls == [(False, True), (True, False)]


def test_the_kernels_do_first_derivatives_and_the_definition_the_others() -> None:
    calls.clear()
    ag.hvp(lambda w: np.sum(op(X, w)), (W,), (W,))
    assert calls == []
    ag.grad(lambda w: np.sum(op(X, w)))(W)
    assert len(calls) == 1


def test_nothing_is_recorded_without_need() -> None:
    assert isinstance(op(X, W), np.ndarray)
    assert isinstance(op(ag.Tensor(X), W), ag.Tensor)
    with ag.no_grad():
        assert op(ag.Tensor(X, requires_grad=True), W).node is None


class Residual(np.ndarray):
    """An array that a weak reference may point at."""


def test_residuals_are_let_go_with_the_step() -> None:
    kept: list[Any] = []

    def saving(x: Any) -> Any:
        residual = np.cos(x).view(Residual)
        kept.append(weakref.ref(residual))
        return np.sin(x), residual

    sin = ag.fused(saving, lambda g, cos, needs: (np.asarray(g * cos),))(lambda x: np.sin(x))
    x = ag.Tensor(np.arange(3.0), requires_grad=True)
    y = sin(x)
    gc.disable()
    try:
        y.sum().backward()
        assert kept[0]() is None
    finally:
        gc.enable()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), np.cos(np.arange(3.0)))


def test_what_a_selecting_kernel_has_not_chosen_is_dead() -> None:
    """Its mask is worked out when the step, and what it kept for its backward pass, are gone already."""

    @ag.fused(
        lambda x: (np.max(x), np.argmax(x)),
        lambda g, chosen, needs: (np.where(np.arange(2) == chosen, g, 0.0),),
        flow="selects",
    )
    def largest(x: Any) -> Any:
        return np.max(x)

    np.testing.assert_array_equal(ag.grad(lambda x: largest(np.sqrt(x)))(np.array([0.0, 4.0])), [0.0, 0.25])


def test_several_results() -> None:
    @ag.fused(
        forward=lambda x: ((np.sin(x), np.cos(x)), x),
        backward=lambda g, x, needs: (g[0] * np.cos(x) - g[1] * np.sin(x),),
    )
    def both(x: Any) -> Any:
        return np.sin(x), np.cos(x)

    check_grads(lambda x: both(x)[0] * 2 + both(x)[1], (X,))
    check_grads(lambda x: both(x)[1], (X,))


def test_a_wrong_kernel_is_caught_and_named() -> None:
    wrong = ag.fused(forward, lambda g, r, needs: tuple(-c for c in backward(g, r, (True, True))))(gated)
    with pytest.raises(GradientCheckError, match="rule of gated"):
        check_grads(lambda x, w: wrong(x, w), (X, W))


def test_a_kernel_returns_one_cotangent_for_each_argument() -> None:
    short = ag.fused(forward, lambda g, r, needs: backward(g, r, needs)[:1])(gated)
    with pytest.raises(ShapeError, match="returned 1 cotangents for 2"):
        short(ag.Tensor(X, requires_grad=True), W).sum().backward()


def test_errors_name_the_op_and_the_shapes() -> None:
    with pytest.raises(ShapeError, match=r"gated\(float64 \(4, 3\), float64 \(2, 3\)\)"):
        op(ag.Tensor(X, requires_grad=True), W.T)


def test_a_single_number_lets_go_of_its_residuals() -> None:
    class Kept(np.ndarray[Any, Any]):
        pass

    @ag.fused(
        forward=lambda x: (x.sum(), (x * 2).view(Kept)), backward=lambda g, kept, needs: (np.full(4, g),)
    )
    def total(x: Any) -> Any:
        return np.sum(x)

    loss = total(ag.Tensor(np.ones(4), requires_grad=True))
    kept = weakref.ref(loss.node.kwargs["_residuals"])
    loss.backward()
    assert kept() is None


def test_anomalies_are_found_where_nothing_is_recorded() -> None:
    @ag.fused(forward=lambda x: (x * np.inf, None), backward=lambda g, kept, needs: (g,))
    def blown(x: Any) -> Any:
        return x * np.inf

    @ag.custom_vjp
    def custom(x: Any) -> Any:
        return x * np.inf

    for f in (blown, custom):
        with ag.detect_anomaly(), pytest.raises(AnomalyError, match="produced inf from finite inputs"):
            f(ag.Tensor(2.0))
