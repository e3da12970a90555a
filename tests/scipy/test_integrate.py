"""Differential equations: against solutions in closed form, and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import ShapeError, UnsupportedError
from autograd_lite.testing import check_grads

scipy_integrate = pytest.importorskip("scipy.integrate", reason="SciPy is not installed")
odeint: Any = ag.scipy.integrate.odeint

TIGHT = {"rtol": 1e-11, "atol": 1e-12}
T = np.array([0.0, 0.4, 1.1])


def pendulum(y: Any, t: Any, friction: Any, push: Any) -> Any:
    return [y[1], -np.sin(y[0]) - friction * y[1] + push["size"] * np.cos(t)]


Y0, ARGS = np.array([0.8, -0.3]), (0.2, {"size": np.array(0.7)})


def test_values_are_scipys() -> None:
    got = odeint(pendulum, Y0, T, ARGS)
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, scipy_integrate.odeint(pendulum, Y0, T, ARGS))
    turned = odeint(lambda t, y, *args: pendulum(y, t, *args), Y0, T, ARGS, tfirst=True)
    np.testing.assert_array_equal(got, turned)


def test_a_closed_form() -> None:
    """y = y0 e^(-a t) by y0, a and t, of first and second order."""

    def f(y0: Any, a: Any, t: Any) -> Any:
        return odeint(lambda y, t, a: -a * y, y0, t, (a,), **TIGHT)[-1, 0]

    y0, a, t = np.array([1.5]), 0.7, np.array([0.5, 2.0])
    e = np.exp(-a * 1.5)
    gradient = ag.grad(f, (0, 1, 2))(y0, a, t)
    np.testing.assert_allclose(gradient[0], [e], rtol=1e-8)
    np.testing.assert_allclose(gradient[1], -1.5 * 1.5 * e, rtol=1e-8)
    np.testing.assert_allclose(gradient[2], [a * 1.5 * e, -a * 1.5 * e], rtol=1e-8)
    second = ag.grad(ag.grad(f, 1), 1)(y0, a, t)
    np.testing.assert_allclose(second, 1.5**2 * 1.5 * e, rtol=1e-7)


@pytest.mark.few(2)
@pytest.mark.parametrize("times", [T, T[::-1].copy()])
def test_all_states_by_all_arguments(times: Any) -> None:
    def f(y0: Any, t: Any, friction: Any, size: Any) -> Any:
        return odeint(pendulum, y0, t, (friction, {"size": size}), **TIGHT)

    check_grads(f, (Y0, times, 0.2, np.array(0.7)), order=1, modes=("rev",), atol=1e-6, rtol=1e-6)


def test_errors() -> None:
    w = ag.Tensor(0.3, requires_grad=True)
    with pytest.raises(UnsupportedError, match=r"not in args.*odeint\(f, ..., args=\(w,\)\)"):
        odeint(lambda y, t: -w * y, Y0, T)
    with pytest.raises(ShapeError, match="expected vectors"):
        odeint(pendulum, Y0[None], T, ARGS)
    with pytest.raises(UnsupportedError, match="full_output"):
        odeint(pendulum, Y0, T, ARGS, full_output=True)
