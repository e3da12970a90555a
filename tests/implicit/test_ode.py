"""Differential equations by the continuous adjoint: against closed forms and recorded Runge-Kutta steps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import ConvergenceError, ShapeError, UnsupportedError

scipy_integrate = pytest.importorskip("scipy.integrate", reason="SciPy is not installed")
solve_ivp: Any = ag.implicit.solve_ivp

TIGHT = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-11}


def pendulum(t: Any, y: Any, friction: Any, push: Any) -> Any:
    return [y[1], -np.sin(y[0]) - friction * y[1] + push["size"] * np.cos(t)]


Y0, ARGS, T = np.array([0.8, -0.3]), (0.2, {"size": 0.7}), np.array([0.0, 0.4, 1.1])


def runge_kutta(fun: Any, t: Any, y: Any, args: Any, steps: int = 25) -> Any:
    """The states at the times t, (n, m), by steps of fixed length, which the tape records."""
    states = [y]
    for i in range(len(t) - 1):
        h = (t[i + 1] - t[i]) / steps
        for k in range(steps):
            at, f = t[i] + k * h, lambda t, y: np.stack(fun(t, y, *args))
            k1 = f(at, y)
            k2 = f(at + h / 2, y + h / 2 * k1)
            k3 = f(at + h / 2, y + h / 2 * k2)
            k4 = f(at + h, y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(y)
    return np.stack(states, axis=1)


def test_values_are_scipys() -> None:
    got = solve_ivp(pendulum, (0, 1.1), Y0, t_eval=T, args=ARGS)
    own = scipy_integrate.solve_ivp(pendulum, (0, 1.1), Y0, t_eval=T, args=ARGS)
    np.testing.assert_array_equal(got.y, own.y)
    assert type(got.y) is np.ndarray and got.success and got.message == own.message
    got = solve_ivp(pendulum, (0, 1.1), Y0, args=ARGS)
    own = scipy_integrate.solve_ivp(pendulum, (0, 1.1), Y0, args=ARGS)
    np.testing.assert_array_equal(got.y, own.y)
    np.testing.assert_array_equal(got.t, own.t)


def test_a_closed_form() -> None:
    """y = y0 e^(-a (t1 - t0)) by y0, a and the times, of first and second order."""

    def f(y0: Any, a: Any, t0: Any, t1: Any) -> Any:
        return solve_ivp(lambda t, y, a: -a * y, (t0, t1), y0, t_eval=[t1], args=(a,), **TIGHT).y[0, -1]

    y0, a, t0, t1 = np.array([1.5]), 0.7, 0.5, 2.0
    e = np.exp(-a * 1.5)
    expected = [e], -1.5 * 1.5 * e, a * 1.5 * e, -a * 1.5 * e
    for got, own in zip(ag.grad(f, (0, 1, 2, 3))(y0, a, t0, t1), expected, strict=True):
        np.testing.assert_allclose(got, own, rtol=1e-8)
    np.testing.assert_allclose(ag.grad(ag.grad(f, 1), 1)(y0, a, t0, t1), 1.5**3 * e, rtol=1e-7)
    np.testing.assert_allclose(ag.jvp(lambda a: f(y0, a, t0, t1), (a,), (1.0,))[1], expected[1], rtol=1e-8)


@pytest.mark.few(3)
@pytest.mark.parametrize("times", [T, T[::-1].copy(), T[1:]])
def test_recorded_steps_have_the_same_gradients(times: Any) -> None:
    weights = np.array([[1.0, 0.5, -2.0], [0.3, 1.0, 1.0]])[:, : len(times)]
    span = (times[0], times[-1])
    f = lambda y0, t, a, b: np.sum(
        weights * solve_ivp(pendulum, span, y0, t_eval=t, args=(a, {"size": b}), **TIGHT).y
    )
    g = lambda y0, t, a, b: np.sum(weights * runge_kutta(pendulum, t, y0, (a, {"size": b})))
    gradients = (ag.grad(h, (0, 1, 2, 3))(Y0, times, 0.2, 0.7) for h in (f, g))
    for i, (got, expected) in enumerate(zip(*gradients, strict=True)):
        if i == 1:  # a time in t_eval is no first time: that is t_span's
            got, expected = got[1:], expected[1:]
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.few(4)
@pytest.mark.parametrize("method", ["BDF", "DOP853", "LSODA", "Radau"])
def test_methods(method: str) -> None:
    f = lambda y0, a: np.sum(
        solve_ivp(pendulum, (0, 1.1), y0, method, [1.1], args=(a, {"size": 0.7}), rtol=1e-8, atol=1e-8).y
    )
    g = lambda y0, a: np.sum(runge_kutta(pendulum, T[::2], y0, (a, {"size": 0.7}))[:, -1])
    for got, expected in zip(ag.grad(f, (0, 1))(Y0, 0.2), ag.grad(g, (0, 1))(Y0, 0.2), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_the_solvers_own_times() -> None:
    """The states at the times of the solver's steps, which are constants; the last one is t1."""

    def f(t1: Any, a: Any) -> Any:
        found = solve_ivp(lambda t, y, a: -a * y, (0.0, t1), np.ones(1), args=(a,), rtol=1e-9, atol=1e-9)
        assert found.t.shape == (found.y.shape[1],)
        return found.y[0, -1]

    np.testing.assert_allclose(
        ag.grad(f, (0, 1))(0.6, 0.5), [-0.5 * np.exp(-0.3), -0.6 * np.exp(-0.3)], rtol=1e-6
    )


def test_constants_take_no_part_in_the_adjoint() -> None:
    sizes = []

    def f(t: Any, y: Any, a: Any, data: Any) -> Any:
        sizes.append(data.shape)
        return -a * y * data[0]

    solved = lambda a: solve_ivp(f, (0, 1), np.ones(1), t_eval=[1], args=(a, np.ones(5000)), **TIGHT).y[0, 0]
    np.testing.assert_allclose(ag.grad(solved)(0.5), -np.exp(-0.5), rtol=1e-8)
    assert set(sizes) == {(5000,)}


def test_errors() -> None:
    w = ag.Tensor(0.3, requires_grad=True)
    with pytest.raises(UnsupportedError, match=r"solve_ivp\(f, ..., args=\(w,\)\)"):
        solve_ivp(lambda t, y: -w * y, (0, 1), Y0)
    with pytest.raises(ShapeError, match="y0 has shape"):
        solve_ivp(pendulum, (0, 1), Y0[None], args=ARGS)
    with pytest.raises(UnsupportedError, match=r"events=.*implicit.root"):
        solve_ivp(pendulum, (0, 1), Y0, args=ARGS, events=lambda t, y: y[0])
    with np.errstate(all="ignore"), pytest.raises(ConvergenceError, match="did not reach the last time"):
        solve_ivp(lambda t, y, a: a * y**2, (0, 3), np.ones(1), t_eval=[3], args=(1.0,))  # 1 / (1 - t)
    with warnings.catch_warnings(), pytest.raises(ConvergenceError, match=r"odeint.*mxstep="):
        warnings.simplefilter("ignore")  # SciPy's own warning of the same
        ag.implicit.odeint(lambda y, t, a: a * np.cos(99 * t + y), np.ones(1), [0.0, 9.0], (1.0,), mxstep=9)


@pytest.mark.slow
def test_a_neural_differential_equation() -> None:
    """A small net learns a rotation; the gradient of the first step is that of recorded Runge-Kutta steps."""
    rng = np.random.default_rng(1)
    net = {"w": rng.normal(size=(8, 2)) / 2, "v": rng.normal(size=(2, 8)) / 4}
    flow = lambda t, y, net: net["v"] @ np.tanh(net["w"] @ y)
    t = np.linspace(0.0, 1.5, 4)
    target = np.stack([np.cos(t), np.sin(t)])
    start = np.array([1.0, 0.0])

    def loss(net: Any) -> Any:
        y = solve_ivp(flow, (0.0, 1.5), start, t_eval=t, args=(net,), rtol=1e-8, atol=1e-8).y
        return np.mean((y - target) ** 2)

    recorded = lambda net: np.mean((runge_kutta(flow, t, start, (net,), steps=10) - target) ** 2)
    first, expected = ag.grad(loss)(net), ag.grad(recorded)(net)
    for name in net:
        np.testing.assert_allclose(first[name], expected[name], rtol=1e-4, atol=1e-6)
    before = loss(net)
    for _ in range(5):
        gradient = ag.grad(loss)(net)
        net = {name: net[name] - 0.5 * gradient[name] for name in net}
    assert loss(net) < before / 2
