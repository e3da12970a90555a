"""Points where a formula has 0 times inf: at infinity, at huge numbers, at zeros of norms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd_lite as ag
from tests.exact import CASES, PAIRS, Case, Pair
from tests.ops.test_exactness import LIMIT, reverse

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

FAR = mpf("1e700")
"""In place of infinity: what a derivative is here, is its limit."""

# -- elementwise functions at the ends of their domains --------------------------------------------


def sizes(dtype: Any) -> list[float]:
    limits = np.finfo(dtype)
    top, tiny = float(limits.max), float(limits.tiny)
    roots = [top**p for p in (0.125, 0.25, 0.33, 0.4999, 0.5001, 0.66, 0.75, 0.99, 1)]
    small = [tiny**p for p in (0.125, 0.25, 0.4999, 0.5001, 0.75, 1)] + [float(limits.smallest_subnormal)]
    both = [float(dtype(x)) for x in (*roots, *small, 0.5, 1.5, 40.0, math.inf)]
    return [*both, *(-x for x in both)]


def beyond(x: float) -> Any:
    return math.copysign(1, x) * FAR if math.isinf(x) else mpf(x)


def derivatives(case: Case | Pair, point: tuple[float, ...]) -> tuple[Any, ...] | None:
    """In mpmath; None outside of the domain."""
    wide = tuple(map(beyond, point))
    try:
        values = (case.function(*wide), *case.derivatives(*wide))
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return None if any(isinstance(v, mp.mpc) or mp.isnan(v) for v in values) else values[1:]


def check(case: Case | Pair, dtype: Any, points: list[tuple[float, ...]]) -> None:
    rows = [(p, truth) for p in points if (truth := derivatives(case, p)) is not None]
    args = tuple(np.array(column, dtype) for column in zip(*(p for p, _ in rows), strict=True))
    f = case.of(ag)
    firsts = [reverse(f, i) for i in range(len(args))]
    seconds = [(i + j, reverse(g, j)) for i, g in enumerate(firsts) for j in range(i, len(args))]
    got = [(i, g(*args)) for i, g in enumerate(firsts)]
    got += [(len(args) + k, h(*args)) for k, h in seconds]
    top = float(np.finfo(dtype).max)
    for which, values in got:
        for (point, truth), value in zip(rows, values.tolist(), strict=True):
            exact = truth[which]
            if abs(exact) > top:
                good = abs(value) > 0.9 * top and (value > 0) == (exact > 0)
            else:
                good = abs(mpf(value) - exact) <= LIMIT * float(np.spacing(dtype(abs(float(exact)))))
            # The message is made only where it is needed: digits of e^(-10^308) take mpmath long.
            assert good, f"{case.name}, derivative {which}, at {point}: {value!r}, not {mp.nstr(exact, 17)}"


ONE = [case for case in CASES if case.name not in ("sin", "cos", "tan", "sinc")]  # these have no limit


@pytest.mark.few(3)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", ONE, ids=lambda case: case.name)
def test_functions_of_one_argument(case: Case, dtype: Any) -> None:
    if dtype in case.dtypes:
        check(case, dtype, [(x,) for x in sizes(dtype)])


@pytest.mark.few(3)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["a ** b", "hypot", "arctan2", "logaddexp"])
def test_functions_of_two_arguments(name: str, dtype: Any) -> None:
    case = next(case for case in PAIRS if case.name == name)
    some = sizes(dtype)[::2]
    points = [(a, b) for a in some for b in some if not (math.isinf(a) and math.isinf(b))]
    if name == "a ** b":
        points = [(a, b) for a, b in points if a > 0 and not math.isinf(a) and _is_steep(a, b)]
    check(case, dtype, points)


def _is_steep(a: float, b: float) -> bool:
    """Away from the zero of the mixed derivative, see docs/exactness.md."""
    return abs(1 + beyond(b) * mp.log(a)) > 0.25


@pytest.mark.parametrize(
    ("f", "args", "expected"),
    [
        (np.power, (np.float32(0.01), np.float32(1e38)), (0, 0)),
        (np.power, (0.5, 1e308), (0, 0)),
        (np.power, (2.0, -math.inf), (0, 0)),
        (np.hypot, (math.inf, 3.0), (1, 0)),
        (np.hypot, (-2.0, -math.inf), (0, -1)),
        (np.arctan2, (1.0, -math.inf), (0, 0)),
        (lambda a, b: a**0 * b, (math.inf, math.inf), (0, 1)),
    ],
)
def test_gradients(f: Callable[..., Any], args: tuple[Any, ...], expected: tuple[float, ...]) -> None:
    np.testing.assert_array_equal(ag.grad(f, (0, 1))(*args), expected)


@pytest.mark.parametrize("x", [1e308, -1e308, math.inf, -math.inf])
@pytest.mark.parametrize("f", [ag.erf, ag.sigmoid, np.tanh, np.arctan, np.arcsinh, np.cbrt])
def test_flat_functions_are_flat_at_every_order(f: Callable[[Any], Any], x: float) -> None:
    derivative = f
    for _ in range(3):
        derivative = ag.grad(derivative)
        assert abs(derivative(x)) < 1e-200


@pytest.mark.parametrize(
    ("z", "direction"),
    [
        (complex(math.inf, 0), 1),
        (complex(0, -math.inf), -1j),
        (complex(-math.inf, math.inf), (-1 + 1j) / math.sqrt(2)),
        (complex(math.inf, 5), 1),
        (complex(1.5e308, 1.5e308), (1 + 1j) / math.sqrt(2)),
        (complex(1e-310, -1e-310), (1 - 1j) / math.sqrt(2)),
        (complex(0, 5e-324), 1j),
        (3 + 4j, 0.6 + 0.8j),
        (0j, 0),
    ],
)
def test_the_absolute_value_of_complex_numbers(z: complex, direction: complex) -> None:
    for f in (np.abs, lambda z: np.hypot(np.real(z), np.imag(z))):
        assert abs(ag.grad(f)(z) - direction) < 1e-15


def test_an_infinite_slope_along_the_imaginary_axis_is_along_it_alone() -> None:
    gradient = ag.grad(np.angle)(complex(5e-324, 0))
    assert (gradient.real, gradient.imag) == (0, math.inf)


# -- norms -----------------------------------------------------------------------------------------

ORDERS = [-math.inf, -50, -3, -2, -1, -0.5, -0.1, 0.1, 0.5, 0.9, 1, 1.5, 2, 2.5, 3, 10, 50, math.inf]


@pytest.mark.parametrize("order", [p for p in ORDERS if p < 0])
@pytest.mark.parametrize("x", [[0.0, 1.0, 2.0], [0.0, 0.0, -1.0], [3.0, 0.0, 0.0], [1e300, 1e-300, 0.0]])
def test_negative_orders_with_a_zero_entry(order: float, x: list[float]) -> None:
    for f in (lambda x: np.linalg.norm(x, order), lambda x: np.linalg.vector_norm(x, ord=order)):
        value, gradient = ag.value_and_grad(f)(np.array(x))
        assert value == 0
        assert not gradient.any()
        assert not ag.hessian(f)(np.array(x)).any()


@pytest.mark.parametrize("order", ORDERS)
def test_norms_at_0(order: float) -> None:
    for shape, axis in [((3,), None), ((2, 3), 1), ((2, 3), 0)]:
        gradient = ag.grad(lambda x, a=axis: np.sum(np.linalg.vector_norm(x, ord=order, axis=a)))(
            np.zeros(shape)
        )
        assert not gradient.any()
    one_zero = np.array([[0.0, 0.0], [1.0, 2.0]])
    gradient = ag.grad(lambda x: np.sum(np.linalg.norm(x, order, axis=1, keepdims=True)))(one_zero)
    alone = ag.grad(lambda x: np.linalg.norm(x, order))(one_zero[1])
    np.testing.assert_array_equal(gradient, [[0, 0], alone])


VECTORS = [
    [1e-300, 1.0, 2.0],
    [5e-324, 1.0, -1.0],
    [1e300, -1e-300, 1e10],
    [-1.0, 2.0, -3.0],
    [1e-310, 3e-310, 2e-310],
]


@pytest.mark.parametrize("order", [p for p in ORDERS if not math.isinf(p)])
@pytest.mark.parametrize("x", VECTORS)
def test_norms_of_unlike_numbers(order: float, x: list[float]) -> None:
    p, wide = mpf(order), [mpf(v) for v in x]
    norm = sum(abs(v) ** p for v in wide) ** (1 / p)
    exact = [mp.sign(v) * (abs(v) / norm) ** (p - 1) for v in wide]
    top = float(np.finfo(float).max)
    got = ag.grad(lambda x: np.linalg.norm(x, order))(np.array(x))
    for value, truth in zip(got.tolist(), exact, strict=True):
        if abs(truth) <= top:
            assert abs(value - truth) <= 1e-13 * abs(truth) * max(1, abs(order)) + 5e-324
        else:
            assert math.isinf(value)


@pytest.mark.parametrize("order", [p for p in ORDERS if not math.isinf(p) and p != 1])
def test_second_derivatives_of_norms(order: float) -> None:
    x, p = np.array([-1.0, 2.0, 0.5]), mpf(order)
    with mp.workdps(50):

        def norm(*v: Any) -> Any:
            return sum(abs(u) ** p for u in v) ** (1 / p)

        for i in range(3):
            for j in range(3):
                n = tuple((k == i) + (k == j) for k in range(3))
                truth = float(mp.diff(norm, tuple(map(mpf, x)), n))
                got = ag.hessian(lambda x: np.linalg.norm(x, order))(x)[i, j]
                assert got == pytest.approx(truth, rel=1e-11, abs=1e-12 * abs(order))


@pytest.mark.parametrize("order", [0.5, 1.5, 3, -2])
def test_complex_norms(order: float) -> None:
    z = np.array([1 + 2j, -0.5j, 3.0, 1e-3 - 1j])
    gradient = ag.grad(lambda z: np.linalg.norm(z, order))(z)
    norm = np.sum(np.abs(z) ** order) ** (1 / order)
    np.testing.assert_allclose(gradient, z / np.abs(z) * (np.abs(z) / norm) ** (order - 1), rtol=1e-12)
    parts = np.stack([z.real, z.imag])
    direction = np.array([[0.3, -1.0, 0.2, 0.7], [1.0, 0.1, -0.4, 0.5]])

    def real(x: Any) -> Any:
        return np.linalg.norm(np.hypot(x[0], x[1]), order)

    expected = ag.hvp(real, (parts,), (direction,))
    got = ag.hvp(lambda z: np.linalg.norm(z, order), (z,), (direction[0] + 1j * direction[1],))
    np.testing.assert_allclose(got, expected[0] + 1j * expected[1], rtol=1e-10)


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf])
def test_matrix_norms_at_0_and_with_ties(order: Any) -> None:
    def f(a: Any) -> Any:
        return np.linalg.norm(a, order)

    assert not ag.grad(f)(np.zeros((2, 3))).any()
    ones = ag.grad(f)(np.ones((2, 2)))
    np.testing.assert_allclose(ones, np.full((2, 2), 0.0 if order == -2 else 0.5), atol=1e-14)
