"""Roots and minima: derivatives of the solutions against closed forms and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import UnsupportedError
from autograd_lite.testing import check_grads

scipy_optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")
optimize: Any = ag.scipy.optimize

THETA = np.array([0.7, 1.3])


def equations(x: Any, theta: Any) -> Any:
    return [x[0] ** 3 + theta[0] * x[1] - 1, x[1] + np.sin(theta[1] * x[0])]


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov"])
def test_a_root(method: str) -> None:
    def solved(theta: Any) -> Any:
        return optimize.root(equations, np.array([1.0, -0.5]), (theta,), method, tol=1e-13).x

    x = solved(THETA)
    assert type(x) is np.ndarray
    np.testing.assert_allclose(np.stack(equations(x, THETA)), 0, atol=1e-10)
    check_grads(solved, (THETA,), order=1, directions=1, atol=1e-4 if method == "krylov" else None)


def test_nested_arguments_and_a_jacobian_by_hand() -> None:
    def solved(a: Any) -> Any:
        return optimize.root(
            lambda x, p: x**2 - p["a"], np.ones(3), ({"a": a},), jac=lambda x, p: np.diag(2 * x)
        ).x

    a = np.array([4.0, 9.0, 2.0])
    np.testing.assert_allclose(ag.jacobian(solved)(a), np.diag(0.5 / np.sqrt(a)), atol=1e-9)


def bowl(x: Any, a: Any, b: Any) -> Any:
    return np.sum((x - a) ** 2) + np.sum(x**4) + b * x[0] * x[1]


@pytest.mark.parametrize("method", [None, "L-BFGS-B", "Newton-CG", "trust-exact", "Nelder-Mead"])
def test_a_minimum(method: str | None) -> None:
    def solved(a: Any, b: Any) -> Any:
        return optimize.minimize(
            bowl, np.zeros(2), (a, b), method, tol=1e-8 if method == "trust-exact" else 1e-12
        ).x

    near = optimize.root(ag.grad(bowl), np.zeros(2), (THETA, 0.3), tol=1e-14).x
    np.testing.assert_allclose(solved(THETA, 0.3), near, atol=1e-5)
    exact = ag.jacobian(lambda a: optimize.root(ag.grad(bowl), np.zeros(2), (a, 0.3), tol=1e-14).x)(THETA)
    np.testing.assert_allclose(ag.jacobian(solved)(THETA, 0.3), exact, atol=1e-5)


def test_the_least_value_and_its_second_derivative() -> None:
    """By the theorem of the envelope the gradient is that of the function at a constant x; the next one is
    not."""

    def least(a: Any) -> Any:
        return optimize.minimize(bowl, np.zeros(2), (a, 0.3), "Newton-CG", tol=1e-10).fun

    def gradient(a: Any) -> Any:
        x = optimize.root(ag.grad(bowl), np.zeros(2), (a, 0.3), tol=1e-14).x
        return -2 * (x - a)

    np.testing.assert_allclose(ag.grad(least)(THETA), gradient(THETA), rtol=1e-8)
    np.testing.assert_allclose(ag.hessian(least)(THETA), ag.jacobian(gradient)(THETA), rtol=1e-8)


def test_derivatives_by_hand_get_the_arguments_too() -> None:
    def both(x: Any, a: Any) -> Any:
        return np.sum((x - a) ** 2), 2 * (x - a)

    cases: list[tuple[Any, dict[str, Any]]] = [
        (both, {"jac": True}),
        (lambda x, a: both(x, a)[0], {"jac": lambda x, a: both(x, a)[1]}),
        (lambda x, a: both(x, a)[0], {"method": "Newton-CG", "hess": lambda x, a: 2 * np.eye(2) + 0 * a}),
        (lambda x, a: both(x, a)[0], {"method": "Newton-CG", "hessp": lambda x, p, a: 2 * p + 0 * a}),
    ]
    for fun, options in cases:
        solved = lambda a, fun=fun, options=options: optimize.minimize(fun, np.zeros(2), (a,), **options).x
        np.testing.assert_allclose(solved(THETA), THETA, atol=1e-6)
        np.testing.assert_allclose(ag.jacobian(solved)(THETA), np.eye(2), atol=1e-9)


def test_an_entry_that_a_bound_holds_is_constant() -> None:
    def solved(a: Any) -> Any:
        return optimize.minimize(bowl, np.zeros(2), (a, 0.3), bounds=[(None, 0.2), (None, None)], tol=1e-13).x

    jacobian = ag.jacobian(solved)(THETA)
    assert np.all(jacobian[0] == 0) and jacobian[1, 0] == 0
    x1 = solved(THETA)[1]
    np.testing.assert_allclose(jacobian[1, 1], 2 / (2 + 12 * x1**2), rtol=1e-5)


def test_errors() -> None:
    w = ag.Tensor(2.0, requires_grad=True)
    with pytest.raises(UnsupportedError, match=r"not in args.*root\(f, ..., args=\(w,\)\)"):
        optimize.root(lambda x: x - w, np.ones(1))
    with pytest.raises(UnsupportedError, match=r"not in args.*minimize\(f"):
        optimize.minimize(lambda x: np.sum((x - w) ** 2), np.ones(1))
    with pytest.raises(UnsupportedError, match="root found no solution"):
        optimize.root(lambda x, a: x * x + a, np.ones(1), (w,))
    with pytest.raises(UnsupportedError, match="has no gradient here"):
        optimize.minimize(
            lambda x, a: np.sum((x - a) ** 2), np.zeros(1), (w,), constraints={"type": "eq", "fun": np.sum}
        )


def test_scipys_own_solvers_take_our_derivatives() -> None:
    rosen = lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    start = np.array([-1.2, 1.0])
    for options in (
        {"method": "BFGS", "jac": ag.grad(rosen)},
        {"method": "trust-exact", "jac": ag.grad(rosen), "hess": ag.hessian(rosen)},
        {"method": "Newton-CG", "jac": ag.grad(rosen), "hessp": lambda x, p: ag.hvp(rosen, (x,), (p,))},
    ):
        np.testing.assert_allclose(scipy_optimize.minimize(rosen, start, **options).x, 1, atol=1e-4)
    both = scipy_optimize.minimize(ag.value_and_grad(rosen), start, jac=True)
    np.testing.assert_allclose(both.x, 1, atol=1e-4)
    residuals = lambda x: np.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])
    np.testing.assert_allclose(scipy_optimize.least_squares(residuals, start, ag.jacobian(residuals)).x, 1)
    np.testing.assert_allclose(scipy_optimize.root(residuals, start, jac=ag.jacobian(residuals)).x, 1)
