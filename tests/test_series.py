"""Taylor coefficients against mpmath, nested derivatives and closed forms; and faults planted."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd_lite as ag
import nn
from autograd_lite import tree
from autograd_lite.arrays import unwrap
from autograd_lite.errors import (
    CompileError,
    DTypeError,
    NotDifferentiableError,
    OptionError,
    ShapeError,
    UnsupportedError,
)
from autograd_lite.ops.slopes import arcsin_slope, arctan_slope, arctanh_slope, cbrt_slope, logistic_slope
from autograd_lite.series import recurrences, solution, terms
from autograd_lite.testing import check_grads
from examples import taylor
from tests.helpers import by_op
from tests.programs.drawing import numbered
from tests.samples import SAMPLES, Sample

RNG = np.random.default_rng(11)

# -- the elementary functions, against mpmath -------------------------------------------------------

EVERYWHERE, POSITIVE, UNIT = (-3.0, 3.0), (0.1, 3.0), (-0.9, 0.9)

FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], tuple[float, float]]] = {
    "exp": (np.exp, mp.exp, EVERYWHERE),
    "exp2": (np.exp2, lambda x: mpf(2) ** x, EVERYWHERE),
    "expm1": (np.expm1, mp.expm1, EVERYWHERE),
    "log": (np.log, mp.log, POSITIVE),
    "log2": (np.log2, lambda x: mp.log(x) / mp.log(2), POSITIVE),
    "log10": (np.log10, mp.log10, POSITIVE),
    "log1p": (np.log1p, lambda x: mp.log(1 + x), UNIT),
    "sqrt": (np.sqrt, mp.sqrt, POSITIVE),
    "cbrt": (np.cbrt, mp.cbrt, POSITIVE),
    "reciprocal": (np.reciprocal, lambda x: 1 / x, POSITIVE),
    "power": (lambda x: x**2.5, lambda x: x ** mpf("2.5"), POSITIVE),
    "whole power": (lambda x: x**7, lambda x: x**7, EVERYWHERE),
    "negative power": (lambda x: x**-3, lambda x: x**-3, POSITIVE),
    "exponential": (lambda x: 1.5**x, lambda x: mpf("1.5") ** x, EVERYWHERE),
    "sin": (np.sin, mp.sin, EVERYWHERE),
    "cos": (np.cos, mp.cos, EVERYWHERE),
    "tan": (np.tan, mp.tan, (-1.4, 1.4)),
    "sinh": (np.sinh, mp.sinh, EVERYWHERE),
    "cosh": (np.cosh, mp.cosh, EVERYWHERE),
    "tanh": (np.tanh, mp.tanh, EVERYWHERE),
    "arcsin": (np.arcsin, mp.asin, UNIT),
    "arccos": (np.arccos, mp.acos, UNIT),
    "arctan": (np.arctan, mp.atan, EVERYWHERE),
    "arcsinh": (np.arcsinh, mp.asinh, EVERYWHERE),
    "arccosh": (np.arccosh, mp.acosh, (1.1, 3.0)),
    "arctanh": (np.arctanh, mp.atanh, UNIT),
    "erf": (ag.erf, mp.erf, EVERYWHERE),
    "sigmoid": (ag.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), EVERYWHERE),
    "softplus": (ag.softplus, lambda x: mp.log(1 + mp.exp(x)), EVERYWHERE),
    "sinc": (np.sinc, lambda x: mp.sincpi(x), (0.1, 0.9)),
    "hypot": (lambda x: np.hypot(x, 0.7), lambda x: mp.sqrt(x * x + mpf(0.7) ** 2), EVERYWHERE),
    "arctan2": (lambda x: np.arctan2(x, 0.7), lambda x: mp.atan(x / mpf(0.7)), EVERYWHERE),
}


def expected(function: Callable[[Any], Any], x: float, order: int) -> list[Any]:
    """The Taylor coefficients to 40 digits, by mpmath's numeric differentiation."""
    with mp.workdps(40):
        return mp.taylor(function, mpf(x), order)  # type: ignore[no-any-return]


WIDE = np.finfo(np.longdouble).nmant > np.finfo(float).nmant
"""Whether recurrences have digits to spare; without these, a coefficient near 0 loses some."""

LIMIT = 16 if WIDE else 64


def ulps(found: Any, want: list[Any], x: float) -> float:
    """The largest error of a coefficient in ulp; without wide numbers, or of what the rounding of x moves."""
    worst = 0.0
    for k, c in enumerate(found):
        moved = 0 if WIDE else abs(mpf(x) * (k + 1) * want[k + 1])
        size = max(abs(want[k]), moved, mpf(2) ** -100)
        worst = max(worst, float(abs(mpf(float(c)) - want[k]) / (size * mpf(2) ** -52)))
    return worst


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_functions_agree_with_mpmath_to_16_ulp_at_order_10(name: str) -> None:
    function, reference, (low, high) = FUNCTIONS[name]
    x = float(np.random.default_rng(len(name)).uniform(low, high))
    assert ulps(ag.jet(function, x, 1.0, 10), expected(reference, x, 11), x) <= LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_functions_at_many_points(name: str) -> None:
    function, reference, (low, high) = FUNCTIONS[name]
    for x in map(float, np.random.default_rng(1).uniform(low, high, 25)):
        assert ulps(ag.jet(function, x, 1.0, 10), expected(reference, x, 11), x) <= LIMIT, x


@pytest.mark.parametrize(
    ("function", "reference", "x"),
    [
        (np.tanh, mp.tanh, 20.0),
        (np.tanh, mp.tanh, -9.0),
        (ag.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), 50.0),
        (ag.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), -50.0),
        (ag.erf, mp.erf, 5.0),
        (np.arctan, mp.atan, 1e6),
        (np.hypot, lambda x: mp.sqrt(x * x + 1), 1e100),
    ],
    ids=["tanh", "tanh below", "sigmoid", "sigmoid below", "erf", "arctan", "hypot"],
)
def test_the_tails_keep_their_digits(function: Any, reference: Any, x: float) -> None:
    args = (x, 1.0) if function is np.hypot else (x,)
    found = ag.jet(function, args, (1.0, 0.0)[: len(args)], 4)
    with mp.workdps(600 if x > 1e50 else 80):
        want = mp.taylor(reference, mpf(x), 5, h=mpf(x) * mpf(10) ** -40)
        assert ulps(found, want, x) <= LIMIT


def test_a_wrong_recurrence_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(n: int, y: Any, x: Any) -> Any:
        return terms.sines(y, np.cos(x[0]), terms.slopes(x), n, 1)[0]

    monkeypatch.setitem(recurrences.recurrences, np.sin, lambda level, y, x: wrong(level.order, y, x._terms))
    with pytest.raises(AssertionError):
        test_elementary_functions_agree_with_mpmath_to_16_ulp_at_order_10("sin")


SLOPES = [arcsin_slope, arctan_slope, arctanh_slope, logistic_slope, cbrt_slope]


@pytest.mark.parametrize("op", [*(f for f, _, _ in FUNCTIONS.values() if isinstance(f, np.ufunc)), *SLOPES])
def test_a_recurrence_costs_the_square_of_the_order(op: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The products of terms, counted: those of order 20 are at most 4.6 times those of order 10."""
    counts = []
    plain = terms.times

    def counted(a: Any, b: Any, k: int, *by: Any) -> Any:
        counts[-1] += len(range(max(0, k + 1 - len(b)), min(k + 1, len(a))))
        return plain(a, b, k, *by)

    for module in (terms, recurrences):
        monkeypatch.setattr(module, "times", counted)
    for order in (10, 20):
        counts.append(1)
        ag.jet(lambda x: op(x + x * x / 9), 0.3 if op is not np.arccosh else 1.3, 1.0, order)
    assert counts[1] <= 4.6 * counts[0]


# -- compositions, against nested derivatives -------------------------------------------------------


def by_nesting(function: Callable[[Any], Any], order: int) -> list[float]:
    """The Taylor coefficients at 0, by gradients of gradients."""
    found, derivative = [], function
    for k in range(order + 1):
        found.append(float(unwrap(derivative(0.0))) / math.factorial(k))
        derivative = ag.grad(derivative)
    return found


COMPOSITIONS: dict[str, Callable[[Any], Any]] = {
    "nested": lambda t: np.exp(np.sin(0.5 + t * t) / (1 + np.cosh(t))),
    "quotient": lambda t: (np.log(2 + t) - np.sqrt(1.5 - t)) / np.arctan(1 + t),
    "branch": lambda t: np.sin(3 * t) if t > -1 else np.cos(t),
    "where": lambda t: np.where(t > -1, np.tanh(1 + 2 * t), np.sqrt(t * t)),
    "matrices": lambda t: np.sum(np.linalg.inv(np.eye(2) * (2 + np.sin(t)) + t) @ np.stack([t, t * t + 1])),
    "determinant": lambda t: np.linalg.det(np.array([[1.0, 2.0], [3.0, 5.0]]) * np.exp(t) + t),
    "softmax": lambda t: ag.softmax(np.array([1.0, 2.0, -1.0]) * np.sin(1 + t))[1],
    "norm": lambda t: np.linalg.norm(np.array([1.0, 2.0]) + t * np.array([0.5, -1.0])),
    "solve": lambda t: np.linalg.solve(np.array([[3.0, 1.0], [1.0, 2.0]]) + t, np.array([1.0, 2.0]) * t)[0],
    "variance": lambda t: np.var(np.exp(t * np.array([1.0, 2.0, 3.0]))),
    "product": lambda t: np.prod(np.array([1.0, 2.0, 3.0]) + np.sin(t)),
    "sorted": lambda t: np.sort(np.array([3.0, 1.0, 2.0]) * np.exp(t))[1] + np.maximum(t + 1, t * t),
    "fft": lambda t: np.sum(np.abs(np.fft.fft(np.array([1.0, 2.0, 4.0]) * np.exp(t))) ** 2),
    "einsum": lambda t: np.einsum(
        "i,ij,j->", *(np.arange(1.0, 3.0) + t, np.ones((2, 2)) * t, np.ones(2) - t)
    ),
    "assigned": lambda t: np.sum(assigned(t) ** 3),
}


def assigned(t: Any) -> Any:
    x = ag.Tensor(np.ones(3)) * np.exp(t)
    x[1] = np.sin(t)
    return x


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_compositions_agree_with_nested_gradients(name: str) -> None:
    function = COMPOSITIONS[name]
    want = by_nesting(function, 3)
    np.testing.assert_allclose(ag.jet(function, 0.0, 1.0, 3), want, rtol=1e-11, atol=1e-13)


def test_the_order_may_be_high_and_may_be_0() -> None:
    np.testing.assert_allclose(ag.jet(lambda x: 1 / (2 - x), 1.0, 1.0, 20), np.ones(21), rtol=1e-14)
    assert ag.jet(np.exp, 0.0, 1.0, 0).tolist() == [1.0]
    want = [(-1) ** (k // 2) / math.factorial(k) if k % 2 else 0 for k in range(21)]
    np.testing.assert_allclose(ag.jet(np.sin, 0.0, 1.0, 20), want, rtol=1e-14)


def test_a_polynomial_is_right_at_0() -> None:
    assert ag.jet(lambda x: x**3 + np.power(x, 2.0) + x**0, 0.0, 2.0, 4).tolist() == [1, 0, 4, 8, 0]


# -- every op, at every sample ----------------------------------------------------------------------


def moved(sample: Sample) -> tuple[Callable[..., Any], list[Any], list[Any]]:
    """The op as a function of its arrays of floats; the arrays, and directions for them."""
    leaves, rebuild = tree.flatten(sample.args)
    places = [
        i for i, x in enumerate(leaves)
        if isinstance(x, (float, np.ndarray, np.generic)) and np.asarray(x).dtype.kind == "f"
    ]  # fmt: skip

    def function(*given: Any) -> Any:
        own = list(leaves)
        for i, x in zip(places, given, strict=True):
            own[i] = x
        outs = tree.flatten(sample.op(*rebuild(own), **sample.kwargs))[0]
        return [y for y in outs if np.asarray(unwrap_number(y)).dtype.kind in "fc"]

    values = [np.asarray(leaves[i]) for i in places]
    return function, values, [RNG.uniform(-1, 1, x.shape).astype(x.dtype) for x in values]


def along(function: Callable[..., Any], vs: list[Any]) -> Callable[..., Any]:
    """The tangent as a function of the point."""
    return lambda *x: ag.jvp(function, x, tuple(vs))[1]


def unwrap_number(y: Any) -> Any:
    data = unwrap(y)
    return np.zeros(0, data.dtype) if hasattr(data, "dtype") else data


@pytest.mark.few(12)
@pytest.mark.parametrize("samples", by_op(SAMPLES))
def test_every_op_agrees_with_jvp_of_jvp(samples: list[Sample]) -> None:
    for sample in samples:
        function, xs, vs = moved(sample)
        if not xs:
            continue
        values, slopes = ag.jvp(function, tuple(xs), tuple(vs))
        bends = ag.jvp(along(function, vs), tuple(xs), tuple(vs))[1]
        found = ag.jet(function, tuple(xs), tuple(vs), 2)
        rtol = 1e-4 if any(x.dtype.itemsize < 8 for x in xs) else 1e-9
        for c, *want in zip(found, values, slopes, bends, strict=True):
            for k, (got, own) in enumerate(zip(c, want, strict=True)):
                own = np.asarray(unwrap(own)) / math.factorial(k)
                scale = float(np.max(np.abs(own), initial=1e-3))
                np.testing.assert_allclose(unwrap(got), own, rtol, rtol * scale, err_msg=str(sample))


# -- random programs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [range(8), pytest.param(range(8, 120), marks=pytest.mark.slow)])
def test_series_of_random_programs_are_nested_derivatives(numbers: range) -> None:
    for program in (numbered(31, number) for number in numbers):
        inputs = tuple(map(np.asarray, program.inputs))
        if any(x.dtype != float for x in inputs):
            continue
        steps = tuple(RNG.uniform(-0.1, 0.1, x.shape) for x in inputs)
        line = lambda t, p=program, x=inputs, v=steps: p.loss(*(a + t * b for a, b in zip(x, v, strict=True)))
        found = ag.jet(program.loss, inputs, steps, 3)
        derivative, want = line, []
        for k in range(4):
            value = ag.value_and_grad(derivative)(0.0)[0]  # on the tape, where numbers can be assigned to
            want.append(unwrap(value) / math.factorial(k))
            derivative = ag.grad(derivative)
        scale = max(map(abs, want))
        np.testing.assert_allclose(found, want, rtol=1e-8, atol=1e-9 * scale, err_msg=str(program))


# -- together with the other transforms -------------------------------------------------------------


def curve(x: Any) -> Any:
    return np.tanh(x) * np.exp(-x * x) + 1 / (2 + np.sin(x))


def test_the_gradient_of_a_coefficient_is_the_next_one() -> None:
    """d c_k / dx = (k + 1) c_(k+1), along the direction 1."""
    x = 0.4
    coefficients = ag.jet(curve, x, 1.0, 6)
    for k in range(6):
        slope = ag.grad(lambda x, k=k: ag.jet(curve, x, 1.0, 5)[k])(x)
        assert slope == pytest.approx((k + 1) * coefficients[k + 1], rel=1e-12)


def through_a_jet(w: Any, x: Any, v: Any) -> Any:
    scaled = lambda x: np.tanh((2 * w) @ x) / (1 + np.sum(x * x))
    return np.sum(ag.jet(scaled, x, v, 3) ** 2)


def test_gradients_flow_to_the_point_the_direction_and_what_the_function_reads() -> None:
    matrix, (x, v) = RNG.normal(size=(2, 2)), RNG.normal(size=(2, 2))
    check_grads(through_a_jet, (matrix, x, v), order=1, modes=("rev",))


@pytest.mark.slow
def test_second_derivatives_go_through_a_jet() -> None:
    args = RNG.normal(size=(3, 3)), np.ones(3) / 2, np.ones(3)
    check_grads(through_a_jet, args, order=2)


def test_a_tensor_gets_its_gradient() -> None:
    x = ag.Tensor([0.5, 1.0], requires_grad=True)
    y = ag.jet(np.sin, x, np.ones(2), 2)
    y[2].sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), -np.cos([0.5, 1.0]) / 2, rtol=1e-14)


def test_series_of_a_gradient() -> None:
    found = ag.jet(ag.grad(curve), 0.3, 1.0, 4)
    want = [(k + 1) * c for k, c in enumerate(ag.jet(curve, 0.3, 1.0, 5)[1:])]
    np.testing.assert_allclose(found, want, rtol=1e-13)


def test_nested_calls_keep_their_variables_apart() -> None:
    """x d/dy (x + y) is x, whose slope is 1."""
    inner = lambda x: x * ag.jet(lambda y: x + y, 1.0, 1.0, 1)[1]
    assert ag.jet(inner, 1.0, 1.0, 1).tolist() == [1.0, 1.0]
    mixed = ag.jet(lambda x: ag.jet(lambda y: np.sin(x * y), 2.0, 1.0, 2)[2], 0.7, 1.0, 1)
    want = ag.value_and_grad(lambda x: -0.5 * x * x * np.sin(2 * x))(0.7)
    np.testing.assert_allclose(mixed, want, rtol=1e-14)


def test_jet_and_vmap_in_both_orders() -> None:
    xs = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    f = lambda x: np.sum(np.sin(x) * x[::-1])
    want = np.stack([ag.jet(f, x, np.ones(2), 3) for x in xs])
    np.testing.assert_allclose(ag.vmap(lambda x: ag.jet(f, x, np.ones(2), 3))(xs), want, rtol=1e-14)
    np.testing.assert_allclose(ag.jet(ag.vmap(f), xs, np.ones((3, 2)), 3), want.T, rtol=1e-14)


def test_vmap_around_jet_uses_the_rules_of_ops() -> None:
    xs = np.array([0.1, 0.7, 2.0])
    f = lambda x: ag.jet(lambda y: ag.erf(y) * ag.softmax(np.stack([y, y * y]))[0], x, 1.0, 4)
    np.testing.assert_allclose(ag.vmap(f)(xs), np.stack(list(map(f, xs))), rtol=1e-14)
    slopes = ag.vmap(ag.grad(lambda x: np.sum(f(x))))(xs)
    np.testing.assert_allclose(slopes, [ag.grad(lambda x: np.sum(f(x)))(x) for x in xs], rtol=1e-13)


def test_compile_refuses_a_jet() -> None:
    with pytest.raises(CompileError):
        compiled = ag.compile(lambda x: ag.jet(np.sin, x, np.ones(2), 2))
        compiled(np.zeros(2))
        compiled(np.zeros(2))


def test_what_is_cut_off_the_tape_is_a_constant() -> None:
    found = ag.jet(lambda x: x * ag.stop_gradient(x), 3.0, 1.0, 2)
    assert found.tolist() == [9.0, 3.0, 0.0]
    assert ag.jet(lambda x: x * x.detach(), 3.0, 1.0, 2).tolist() == [9.0, 3.0, 0.0]


def test_networks_have_series() -> None:
    nn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.Flatten(), nn.Linear(18, 4), nn.GELU()
    ).double()
    model.eval()
    x, v = RNG.normal(size=(2, 2, 1, 5, 5))
    line = lambda t: np.sum(model(x + t * v) ** 2)
    with ag.no_grad():
        found = ag.jet(lambda x: np.sum(model(x) ** 2), x, v, 3)
    np.testing.assert_allclose(found, by_nesting(line, 3), rtol=1e-10)


# -- arguments and results --------------------------------------------------------------------------


def test_arguments_and_results_may_be_nested() -> None:
    def f(p: Any, x: Any) -> Any:
        return {"sum": p["a"] + x[0], "product": (p["a"] * x[1], 7.0)}

    found = ag.jet(f, ({"a": 2.0}, [1.0, np.ones(2)]), ({"a": 1.0}, [3.0, np.ones(2)]), 2)
    assert found["sum"].tolist() == [3, 4, 0]
    assert found["product"][0].tolist() == [[2, 2], [3, 3], [1, 1]]
    assert found["product"][1].tolist() == [7, 0, 0]


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_shapes_and_dtypes(shape: tuple[int, ...], dtype: Any) -> None:
    x = np.full(shape, 0.5, dtype)
    x.flags.writeable = False
    y = ag.jet(lambda x: np.exp(x) * 2.0 / (x + 1), x, np.ones(shape), 3)
    assert (y.__class__, y.shape, y.dtype) == (np.ndarray, (4, *shape), dtype)
    assert isinstance(ag.jet(np.exp, ag.Tensor(x), np.ones(shape), 3), ag.Tensor)


@pytest.mark.parametrize("f", [ag.softmax, ag.log_softmax])
def test_a_softmax_of_nothing(f: Any) -> None:
    assert ag.jet(f, np.zeros((2, 0)), np.zeros((2, 0)), 3).shape == (4, 2, 0)


def test_results_that_do_not_depend_on_x_and_values_that_are_no_numbers() -> None:
    found = ag.jet(lambda x: (np.ones(2), 3, np.argmax(x), "text", None), np.arange(3.0), np.ones(3), 1)
    assert found[0].tolist() == [[1, 1], [0, 0]]
    assert found[1].tolist() == [3, 0]
    assert found[2].tolist() == [2, 0]
    assert found[3:] == ("text", None)


@pytest.mark.parametrize("order", [-1, 1.5, True, None])
def test_the_order_is_an_int_from_0(order: Any) -> None:
    with pytest.raises(OptionError, match=r"order=.*an int from 0"):
        ag.jet(np.sin, 0.0, 1.0, order)


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="the direction v is .* but the point x has shape"):
        ag.jet(np.sin, np.ones(3), np.ones(4), 2)
    with pytest.raises(ShapeError, match="structure"):
        ag.jet(np.add, (1.0, 2.0), 1.0, 2)
    with pytest.raises(DTypeError, match=r"write x.astype\(float\)"):
        ag.jet(np.sin, np.arange(3), np.ones(3), 2)
    with pytest.raises(DTypeError, match="jet takes a function"):
        ag.jet(3.0, 1.0, 1.0, 2)  # type: ignore[arg-type]
    assert ag.jet(np.square, 3, 1, 2).tolist() == [9, 6, 1]


def test_ops_of_the_users_own() -> None:
    @ag.primitive(broadcasts=True)
    def cube(x: Any) -> Any:
        return np.asarray(x) ** 3

    with pytest.raises(NotDifferentiableError, match="cube has no derivative rule"):
        ag.jet(cube, 2.0, 1.0, 3)
    ag.defvjp(cube, lambda g, y, x: g * 3 * x**2)
    assert ag.jet(cube, 2.0, 1.0, 4).tolist() == [8, 12, 6, 1, 0]

    @ag.primitive
    def total(x: Any) -> Any:
        return np.asarray(x).sum() ** 2

    ag.defvjp(total, lambda g, y, x: 2 * g * np.sum(x) * np.ones(x.shape))
    assert ag.jet(total, np.ones(2), np.ones(2), 2).tolist() == [4, 8, 4]


def test_what_has_no_series_says_so() -> None:
    with pytest.raises(UnsupportedError, match=r"np.asarray of <a series"):
        np.asarray(unwrap(_seen(np.ones(2))))
    with pytest.raises(UnsupportedError, match=r"np.multiply.outer has no Taylor series"):
        np.multiply.outer(unwrap(_seen(np.ones(2))), np.ones(2))


def _seen(x: Any) -> Any:
    """What a function gets from jet."""
    seen: list[Any] = []
    ag.jet(lambda y: seen.append(y), x, x, 2)
    return seen[0]


# -- differential equations -------------------------------------------------------------------------


def test_the_solution_of_a_differential_equation() -> None:
    np.testing.assert_allclose(solution(lambda y: y * y, 1.0, 15), np.ones(16), rtol=1e-14)  # 1 / (1 - t)
    turned = solution(lambda y: np.stack([y[1], -y[0]]), np.array([0.0, 1.0]), 9)
    np.testing.assert_allclose(turned[:, 0], ag.jet(np.sin, 0.0, 1.0, 9), atol=1e-17)
    np.testing.assert_allclose(turned[:, 1], ag.jet(np.cos, 0.0, 1.0, 9), atol=1e-17)
    with pytest.raises(ShapeError, match="f returns .* but y has shape"):
        solution(np.sum, np.ones(2), 3)


def test_gradients_flow_through_a_solution() -> None:
    def end(rate: Any, y: Any) -> Any:
        return np.sum(solution(lambda y: -rate * y, y, 12) * np.reshape(0.5 ** np.arange(13.0), (13, 1)))

    y = np.array([1.0, 2.0])
    slope_rate, slope_y = ag.grad(end, argnums=(0, 1))(0.8, y)
    np.testing.assert_allclose(slope_y, np.exp(-0.4) * np.ones(2), rtol=1e-12)
    np.testing.assert_allclose(slope_rate, -0.5 * np.exp(-0.4) * y.sum(), rtol=1e-10)


@pytest.mark.slow
def test_the_example_agrees_with_tiny_steps(tmp_path: Path) -> None:
    """93 steps of order 15, against 4,000 of order 4, whose error is 3e-9."""
    results = taylor.run(True, 0, tmp_path)
    assert results["steps"] < 100
    assert results["distance"] < 1e-8
    assert (tmp_path / "taylor.png").stat().st_size > 0
