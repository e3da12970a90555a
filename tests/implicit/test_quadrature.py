"""Integrals: derivatives by limits and arguments against closed forms, mpmath and finite differences."""

from __future__ import annotations

import warnings
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import ConvergenceError, UnsupportedError
from autograd_lite.testing import check_grads

pytest.importorskip("scipy.integrate", reason="SciPy is not installed")
quad: Any = ag.implicit.quad


def test_values_are_scipys() -> None:
    from scipy import integrate

    assert quad(np.exp, 0, 1) == integrate.quad(np.exp, 0, 1)
    assert ag.scipy.integrate.quad is quad


def wave(x: Any, p: Any, scale: Any) -> Any:
    return np.sin(p[0] * x) * np.exp(-p[1] * x**2) * scale["by"]


def test_limits_and_arguments() -> None:
    """First derivatives against finite differences, second ones against differences of the first."""
    f = lambda a, b, p, by: quad(wave, a, b, (p, {"by": by}), epsabs=1e-12, epsrel=1e-12)[0]
    args = 0.3, 1.7, np.array([2.0, 0.5]), 1.5
    check_grads(f, args, order=1, modes=("rev",), directions=1)
    gradient = lambda a, p: ag.grad(f, (0, 2))(a, args[1], p, 1.5)
    vectors, h = (0.7, np.array([0.3, -1.0])), 1e-4
    up, down = (
        gradient(*(x + s * h * v for x, v in zip((0.3, args[2]), vectors, strict=True))) for s in (1, -1)
    )
    second = ag.hvp(lambda a, p: f(a, args[1], p, 1.5), (0.3, args[2]), vectors)
    for got, high, low in zip(second, up, down, strict=True):
        np.testing.assert_allclose(got, (high - low) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(ag.grad(f, 3)(1.7, 0.3, *args[2:]), -f(*args) / 1.5, rtol=1e-12)


def test_infinite_limits_and_a_singular_end() -> None:
    gauss = lambda s: quad(lambda x, s: np.exp(-s * x**2), -np.inf, np.inf, (s,))[0]
    np.testing.assert_allclose(ag.grad(gauss)(2.0), -np.sqrt(np.pi) / 2 * 2**-1.5, rtol=1e-8)
    tail = lambda a: quad(lambda x: np.exp(-x), a, np.inf)[0]
    np.testing.assert_allclose(ag.grad(tail)(2.0), -np.exp(-2), rtol=1e-12)
    power = lambda b, a: quad(lambda x, a: a / np.sqrt(x), 0.0, b, (a,))[0]
    np.testing.assert_allclose(ag.grad(power, (0, 1))(4.0, 3.0), [1.5, 4], rtol=1e-7)


def test_a_function_that_only_the_integral_defines() -> None:
    """The Bessel function J_0, against mpmath, to the second derivative."""
    f = lambda z: quad(lambda t, z: np.cos(z * np.sin(t)) / np.pi, 0, np.pi, (z,))[0]
    for k in range(3):
        np.testing.assert_allclose(
            f(1.3), float(mpmath.diff(lambda z: mpmath.besselj(0, z), 1.3, k)), rtol=1e-9
        )
        f = ag.grad(f)


def test_batches() -> None:
    f = lambda b, p: quad(lambda x, p: np.exp(p * x), 0.0, b, (p,))[0]
    b, p = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that the members are taken one by one
        got = ag.vmap(ag.grad(f, 1))(b, p)
    np.testing.assert_allclose(got, [ag.grad(f, 1)(*both) for both in zip(b, p, strict=True)], rtol=1e-12)


def test_errors() -> None:
    w = ag.Tensor(0.3, requires_grad=True)
    with pytest.raises(UnsupportedError, match=r"quad\(f, a, b, args=\(w,\)\)"):
        quad(lambda x: w * x, 0, 1)
    with pytest.raises(UnsupportedError, match="weight="):
        quad(np.exp, 0, 1, weight="cos", wvar=2)
    with pytest.raises(ConvergenceError, match=r"from 0 to 1 came to .*points="):
        quad(lambda x: 1 / x, 0, 1)
