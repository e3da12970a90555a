"""Roots, fixed points, minima: derivatives against closed forms, mpmath, unrolled iterations, differences."""

from __future__ import annotations

import gc
import warnings
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import (
    AutogradLiteError,
    ConvergenceError,
    LinAlgError,
    OptionError,
    ShapeError,
    UnsupportedError,
)
from autograd_lite.testing import check_grads
from tests.programs.drawing import numbered
from tests.programs.program import Program

splinalg = pytest.importorskip("scipy.sparse.linalg", reason="SciPy is not installed")
implicit: Any = ag.implicit

RNG = np.random.default_rng(7)


# -- roots -----------------------------------------------------------------------------------------


def test_a_square_root_and_its_derivatives() -> None:
    f = implicit.root(lambda x, a: x * x - a)
    assert type(f(1.0, 4.0)) in (float, np.float64)
    slope = ag.grad(f, 1)
    for got, expected in (
        (f(1.0, 4.0), 2),
        (slope(1.0, 4.0), 1 / 4),
        (ag.grad(slope, 1)(1.0, 4.0), -1 / 32),
        (ag.grad(ag.grad(slope, 1), 1)(1.0, 4.0), 3 / 256),
        (ag.jvp(lambda a: f(1.0, a), (4.0,), (2.0,))[1], 1 / 2),
        (ag.jvp(lambda a: slope(1.0, a), (4.0,), (2.0,))[1], -1 / 16),
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_keplers_equation_against_mpmath() -> None:
    """The mixed derivatives of first to third order by the mean anomaly and the eccentricity."""
    kepler = implicit.root(lambda E, M, e: E - e * np.sin(E) - M)
    f = lambda M, e: kepler(1.0, M, e)
    exact = lambda M, e: mpmath.findroot(lambda E: E - e * mpmath.sin(E) - M, 1.0)
    with mpmath.workdps(40):
        for orders in ((1, 0), (0, 1), (1, 1), (0, 2), (1, 2)):
            g = f
            for i in (0,) * orders[0] + (1,) * orders[1]:
                g = ag.grad(g, i)
            np.testing.assert_allclose(g(0.8, 0.3), float(mpmath.diff(exact, (0.8, 0.3), orders)), rtol=1e-12)


def test_trees_of_unknowns_and_arguments() -> None:
    def equations(x: Any, theta: Any, shift: Any) -> Any:
        first = x["u"] ** 3 + theta["a"] * np.sum(x["v"]) - shift
        return [first, x["v"] + np.sin(theta["b"][0] @ x["v"] + x["u"])]

    start = {"u": 1.0, "v": np.zeros((2,))}
    solve = implicit.root(equations)
    x = solve(start, {"a": 0.3, "b": [np.eye(2) / 3]}, 1.5)
    assert set(x) == {"u", "v"} and x["v"].shape == (2,)
    np.testing.assert_allclose(x["u"] ** 3 + 0.3 * np.sum(x["v"]), 1.5, rtol=1e-14)

    def f(a: Any, b: Any, shift: Any) -> Any:
        x = solve(start, {"a": a, "b": [b]}, shift)
        return x["u"] * np.sum(np.sin(x["v"]) * np.array([1.0, 2.0]))

    args = 0.3, np.array([[0.3, 0.1], [0.0, 0.4]]), 1.5
    check_grads(f, args, order=1, modes=("rev",), directions=1)


def cubic(x: Any, w: Any, b: Any) -> Any:
    """A nonlinear system with a positive definite Jacobian."""
    return w @ (w.T @ x) + 3 * x + x**3 - b


def newton(x: Any, w: Any, b: Any) -> Any:
    """The same solution by steps that the tape records."""
    for _ in range(8):
        a = w @ w.T + np.diag(3 + 3 * x**2)
        x = x - np.linalg.solve(a, cubic(x, w, b)[:, None])[:, 0]
    return x


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "linear", ["dense", "auto", "cg", "gmres", lambda a, b: splinalg.bicgstab(a, b, rtol=1e-13)[0]]
)
def test_linear_solvers_against_recorded_steps(linear: Any) -> None:
    w, b, start = RNG.normal(size=(6, 4)), RNG.normal(size=6), np.zeros(6)
    solve = implicit.root(cubic, linear=linear)
    f = lambda w, b: np.sum(np.sin(solve(start, w, b)))
    g = lambda w, b: np.sum(np.sin(newton(start, w, b)))
    vectors = RNG.normal(size=w.shape), RNG.normal(size=6)
    for got, expected in (
        (ag.grad(f, (0, 1))(w, b), ag.grad(g, (0, 1))(w, b)),
        (ag.hvp(f, (w, b), vectors), ag.hvp(g, (w, b), vectors)),
        (ag.jvp(f, (w, b), vectors), ag.jvp(g, (w, b), vectors)),
    ):
        for x, y in zip(got, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("linear", ["dense", "gmres"])
def test_jacobians_and_batches(linear: Any) -> None:
    w, b = RNG.normal(size=(3, 3)), RNG.normal(size=(4, 3))
    solve = implicit.root(cubic, linear=linear)
    f = lambda b: solve(np.zeros(3), w, b)
    x = f(b[0])
    inverse = np.linalg.inv(w @ w.T + np.diag(3 + 3 * x**2))
    np.testing.assert_allclose(ag.jacobian(f)(b[0]), inverse, atol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that the members are taken one by one
        several = ag.vmap(ag.grad(lambda b: np.sum(f(b) ** 2)))(b)
    alone = np.stack([ag.grad(lambda b: np.sum(f(b) ** 2))(row) for row in b])
    np.testing.assert_allclose(several, alone, atol=1e-9)


def chain(x: Any, k: Any) -> Any:
    """A nonlinear spring chain between two walls, pulled by 1."""
    force = k * np.diff(np.pad(x, 1)) * (1 + np.diff(np.pad(x, 1)) ** 2)
    return np.diff(force) + 1e-3


def test_many_unknowns_need_no_matrix() -> None:
    n = 400
    k = 1 + RNG.random(n + 1)
    solve = implicit.root(lambda x, k: chain(x, k) - 0.1 * x)
    f = lambda k: np.sum(solve(np.zeros(n), k) ** 2)
    direction = RNG.normal(size=n + 1)
    h = 1e-4
    slope = (f(k + h * direction) - f(k - h * direction)) / (2 * h)
    np.testing.assert_allclose(ag.grad(f)(k) @ direction, slope, rtol=1e-5)


def test_single_precision_stays() -> None:
    solve = implicit.root(lambda x, a: x**3 + x - a)
    a = np.array([2.0, 10.0], np.float32)
    x = solve(np.ones(2, np.float32), a)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, [1, 2], rtol=1e-6)
    slope = ag.grad(lambda a: np.sum(solve(np.ones(2, np.float32), a)))(a)
    assert slope.dtype == np.float32
    np.testing.assert_allclose(slope, [1 / 4, 1 / 13], rtol=1e-6)


def test_integers_start_and_constants_have_no_gradient() -> None:
    solve = implicit.root(lambda x, a, power: x**power - a)
    x = solve(ag.Tensor([1.0], requires_grad=True), 9.0, 2)
    assert isinstance(x, np.ndarray)
    np.testing.assert_allclose([solve(1, 9.0, 2), x[0]], 3)


# -- fixed points ----------------------------------------------------------------------------------


def settled(z: Any, w: Any, u: Any) -> Any:
    return np.tanh(w @ z + u)


@pytest.mark.few(2)
@pytest.mark.parametrize("linear", ["gmres", "auto"])
def test_a_fixed_point_against_unrolled_iterations(linear: str) -> None:
    w, u = RNG.normal(size=(5, 5)) / 6, RNG.normal(size=(5, 3))
    start = np.zeros((5, 3))
    solve = implicit.fixed_point(settled, linear=linear)

    def unrolled(w: Any, u: Any) -> Any:
        z = start
        for _ in range(40):
            z = settled(z, w, u)
        return z

    f = lambda w, u: np.sum(solve(start, w, u) ** 2)
    g = lambda w, u: np.sum(unrolled(w, u) ** 2)
    np.testing.assert_allclose(solve(start, w, u), unrolled(w, u), atol=1e-13)
    vectors = RNG.normal(size=w.shape), RNG.normal(size=u.shape)
    for got, expected in (
        (ag.grad(f, (0, 1))(w, u), ag.grad(g, (0, 1))(w, u)),
        (ag.hvp(f, (w, u), vectors), ag.hvp(g, (w, u), vectors)),
    ):
        for x, y in zip(got, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-8)


# -- minima ----------------------------------------------------------------------------------------


def ridge(w: Any, weight: Any, X: Any, y: Any) -> Any:
    return np.sum((X @ w - y) ** 2) + weight * np.sum(w**2)


@pytest.mark.parametrize("options", [{}, {"linear": "cg"}, {"method": "CG", "options": {"gtol": 1e-8}}])
def test_ridge_regression_against_the_closed_form(options: Any) -> None:
    X, y = RNG.normal(size=(12, 4)), RNG.normal(size=12)
    solve = implicit.argmin(ridge, **options)
    exact = lambda weight, X, y: np.linalg.solve(X.T @ X + weight * np.eye(4), (X.T @ y)[:, None])[:, 0]
    f = lambda *theta: np.sum(np.cos(solve(np.zeros(4), *theta)))
    g = lambda *theta: np.sum(np.cos(exact(*theta)))
    np.testing.assert_allclose(solve(np.zeros(4), 0.3, X, y), exact(0.3, X, y), rtol=1e-9)
    for i in range(3):
        np.testing.assert_allclose(ag.grad(f, i)(0.3, X, y), ag.grad(g, i)(0.3, X, y), rtol=1e-7, atol=1e-9)
    second = ag.grad(ag.grad(f))(0.3, X, y)
    np.testing.assert_allclose(second, ag.grad(ag.grad(g))(0.3, X, y), rtol=1e-6)


@pytest.mark.parametrize("numbers", [range(6), pytest.param(range(6, 80), marks=pytest.mark.slow)])
def test_random_programs_as_equations(numbers: range) -> None:
    """The root of x + x^3 / 9 = program(theta), against the recorded steps of Newton's method."""
    programs = [numbered(41, number) for number in numbers]
    for program in (p for p in programs if all(np.asarray(x).dtype == float for x in p.inputs)):
        tried(program)


def tried(program: Program) -> None:
    def equation(x: Any, *theta: Any) -> Any:
        return x + x**3 / 9 - np.tanh(program.loss(*theta))

    def steps(*theta: Any) -> Any:
        x = 0.0
        for _ in range(8):
            x = x - equation(x, *theta) / (1 + x * x / 3)
        return x

    def solved(*theta: Any) -> Any:
        return implicit.root(equation)(0.0, *theta)

    theta = tuple(map(np.asarray, program.inputs))
    places = tuple(range(len(theta)))
    want, slopes = ag.value_and_grad(steps, places)(*theta)
    value, gradient = ag.value_and_grad(solved, places)(*theta)
    directions = tuple(np.cos(np.arange(x.size)).reshape(x.shape) for x in theta)
    assert value == pytest.approx(want, rel=1e-9)
    for found, slope in zip(gradient, slopes, strict=True):
        np.testing.assert_allclose(found, slope, rtol=1e-8, atol=1e-10, err_msg=str(program))
    along = sum(np.sum(slope * v) for slope, v in zip(slopes, directions, strict=True))
    assert ag.jvp(solved, theta, directions)[1] == pytest.approx(along, rel=1e-7, abs=1e-9)


def test_a_minimum_in_any_unit() -> None:
    for unit in (1e-9, 1e9):
        solve = implicit.argmin(
            lambda x, a, unit=unit: unit * (np.sum((x / unit - a) ** 2 + (x / unit) ** 4))
        )
        np.testing.assert_allclose(solve(np.zeros(1), 3.0), [unit], rtol=1e-9)
        np.testing.assert_allclose(ag.grad(lambda a, s=solve: s(np.zeros(1), a)[0])(3.0), unit / 7, rtol=1e-9)


# -- solvers of one's own --------------------------------------------------------------------------


def test_a_solver_of_ones_own() -> None:
    calls = []

    @implicit.custom_root(lambda x, a: x * x - a)
    def heron(x: Any, a: Any, steps: int = 6) -> Any:
        """Heron's iteration."""
        calls.append((x, a, steps))
        for _ in range(steps):
            x = (x + a / x) / 2
        return x

    assert heron.__doc__ == "Heron's iteration."
    np.testing.assert_allclose(heron(1.0, 2.0), np.sqrt(2), rtol=1e-15)
    np.testing.assert_allclose(ag.grad(ag.grad(heron, 1), 1)(1.0, 2.0, steps=8), -(2**-3.5), rtol=1e-13)
    assert calls[-1][2] == 8 and not any(isinstance(x, ag.Tensor) for call in calls for x in call)


def test_the_tape_shows_one_step() -> None:
    a = ag.Tensor(4.0, requires_grad=True)
    with ag.Tape() as tape:
        implicit.root(lambda x, a: x * x - a)(1.0, a)
    assert [node.op.__name__ for node in tape.nodes] == ["solution", "getitem"]
    assert "solution(v1, equation=root) = [2.]" in str(tape)


def test_nothing_is_left_for_the_garbage_collector(few_objects: Any) -> None:
    solve = implicit.custom_root(lambda x, a: x * x - a)(lambda x, a: np.sqrt(a))
    for _ in range(2):  # the first call fills caches
        gc.collect()
        x = solve(np.ones(2), ag.Tensor([4.0, 9.0], requires_grad=True))
        ag.grad(lambda a: solve(1.0, a))(4.0)
        del x
        found = gc.collect()
    assert found == 0


# -- errors ----------------------------------------------------------------------------------------


def early(steps: int) -> Any:
    @implicit.custom_root(lambda x, a: x * x - a)
    def heron(x: Any, a: Any) -> Any:
        for _ in range(steps):
            x = (x + a / x) / 2
        return x

    return heron


def test_a_solver_that_stops_early_is_found() -> None:
    for steps in range(8):
        if steps >= 4:
            np.testing.assert_allclose(early(steps)(1.0, 2.0), np.sqrt(2), rtol=1e-11)
        else:
            with pytest.raises(ConvergenceError, match=r"heron: x is no solution.*Newton's next step"):
                early(steps)(1.0, 2.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: implicit.root(lambda x, a: x * x + a)(1.0, 2.0), "root: x is no solution"),
        (lambda: implicit.root(lambda x, a: np.exp(-x) + 0 * a)(1.0, 2.0), "root: x is no solution"),
        (lambda: implicit.fixed_point(lambda x, a: a * x + 1)(0.5, 2.0), "fixed_point: .*1000 iterations"),
        (lambda: implicit.fixed_point(lambda x, a: -x + a, maxiter=9)(0.0, 2.0), "9 iterations"),
        (lambda: implicit.argmin(lambda x, a: np.exp(-a * x))(0.0, 2.0), "argmin: x is no solution"),
        (lambda: implicit.argmin(lambda x, a: x[0] ** 2 - a * x[1] ** 2)(np.zeros(2), 1.0), "saddle"),
        (lambda: implicit.custom_root(lambda x, a: x - a)(lambda x, a: np.nan * x)(1.0, 1.0), "found nan"),
    ],
)
def test_no_solution_is_an_error(make: Any, message: str) -> None:
    with pytest.raises(ConvergenceError, match=message):
        make()


@pytest.mark.parametrize("linear", ["dense", "gmres"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, a: (x - 1) ** 2 - (a - 1) ** 2 * np.ones(2),  # a double root at a = 1
        lambda x, a: np.stack([x[0] + x[1] - a, 2 * x[0] + 2 * x[1] - 2 * a]),
    ],
)
def test_a_singular_jacobian_is_an_error(f: Any, linear: str) -> None:
    solve = implicit.root(f, linear=linear)
    weights = np.array([1.0, 3.0])
    with pytest.raises(LinAlgError, match="singular"):
        ag.grad(lambda a: weights @ solve(np.array([0.5, 2.0]), a))(1.0)


def test_units_do_not_make_a_matrix_singular() -> None:
    scale = np.array([1e-30, 1.0, 1e30])
    solve = implicit.root(lambda x, a: scale * (x / scale[::-1] - a), method="hybr")
    np.testing.assert_allclose(ag.jacobian(lambda a: solve(scale[::-1], a))(2.0), scale[::-1], rtol=1e-12)


def test_errors_name_the_repair() -> None:
    w = ag.Tensor(2.0, requires_grad=True)
    with pytest.raises(UnsupportedError, match=r"root\(f\)\(x0, w\) with f\(x, w\)"):
        implicit.root(lambda x: x - w)(1.0)
    with pytest.raises(ShapeError, match="returns 1 numbers, but x0 has 2"):
        implicit.root(lambda x, a: np.sum(x) - a)(np.zeros(2), 1.0)
    with pytest.raises(ShapeError, match="fixed_point: the function returns 3 numbers, but x0 has 1"):
        implicit.fixed_point(lambda x, a: a * np.ones(3))(np.zeros(1), 1.0)
    with pytest.raises(ShapeError, match="the solver returns 3 numbers"):
        implicit.custom_root(lambda x, a: x - a)(lambda x, a: np.zeros(3))(np.zeros(2), 1.0)
    with pytest.raises(OptionError, match=r"linear='lu'.*expected 'auto'"):
        implicit.root(lambda x, a: x - a, linear="lu")(1.0, 2.0)
    assert issubclass(ConvergenceError, AutogradLiteError) and issubclass(ConvergenceError, RuntimeError)
