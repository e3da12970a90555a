"""Elementwise derivatives of first and second order against mpmath, to 8 units in the last place.

The points run over all of a function's domain, from the smallest subnormal to the largest number; see
`tests/exact.py`. `python -m tests.ops.exactness` writes what is found here to docs/exactness.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd_lite as ag
from tests.exact import CASES, PAIRS, Case, Pair, exact, points_of

LIMIT = 8.0
"""Units in the last place."""

Function = Callable[..., Any]


def reverse(f: Function, argnum: int = 0) -> Function:
    """The derivative of an elementwise function at many points at once, by reverse mode."""
    return ag.grad(lambda *args: np.sum(f(*args)), argnum)


def forward(f: Function, argnum: int = 0) -> Function:
    """The same by forward mode."""

    def derivative(*args: Any) -> Any:
        def along(x: Any) -> Any:
            return f(*args[:argnum], x, *args[argnum + 1 :])

        x = args[argnum]
        return ag.jvp(along, (x,), (np.ones(x.shape, x.dtype),))[1]

    return derivative


MODES = {"reverse": reverse, "forward": forward}
NESTINGS = [*((mode,) for mode in MODES), *itertools.product(MODES, MODES)]


def within(case: Case | Pair, got: Any, truth: Any, points: tuple[Any, ...], what: str) -> None:
    """Check one derivative at all points; the message names the worst."""
    off = truth.ulps(np.asarray(got))
    i = int(np.argmax(off))
    assert off[i] <= LIMIT, (
        f"{case.name}, {what}, at {', '.join(repr(p[i]) for p in points)}: {got[i]!r} is {off[i]:.3g} units "
        f"in the last place off {truth.high[i]!r}"
    )


def check(case: Case | Pair, n: int, dtype: Any, nestings: list[tuple[str, ...]]) -> None:
    points = points_of(case, n, dtype)
    truths = exact(case, points)
    f = case.of(ag)
    with np.errstate(all="ignore"):  # functions overflow at the ends of their domains
        for nesting in nestings:
            first = MODES[nesting[0]]
            if isinstance(case, Case):
                got = first(f) if len(nesting) == 1 else MODES[nesting[1]](first(f))
                within(case, got(*points), truths[len(nesting) - 1], points, " over ".join(nesting[::-1]))
                continue
            for i in (0, 1):
                if len(nesting) == 1:
                    within(case, first(f, i)(*points), truths[i], points, f"{nesting[0]}, by {'ab'[i]}")
                    continue
                for j in (0, 1):
                    got = MODES[nesting[1]](first(f, i), j)(*points)
                    what = f"{nesting[1]} over {nesting[0]}, by {'ab'[i]} and {'ab'[j]}"
                    within(case, got, truths[2 + i + j], points, what)


ROWS = [(case, dtype) for case in [*CASES, *PAIRS] for dtype in case.dtypes]
IDS = [f"{case.name} {dtype.__name__}" for case, dtype in ROWS]


@pytest.mark.parametrize(("case", "dtype"), ROWS, ids=IDS)
def test_derivatives_are_right_to_eight_ulp_in_all_nestings(case: Case | Pair, dtype: Any) -> None:
    check(case, 64, dtype, NESTINGS)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "dtype"), ROWS, ids=IDS)
def test_so_they_are_at_ten_thousand_points(case: Case | Pair, dtype: Any) -> None:
    check(case, 10_000, dtype, [("reverse",), ("reverse", "reverse")])


def test_the_page_has_a_row_for_every_function() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exactness.md").read_text(encoding="utf-8")
    for dtype in (np.float64, np.float32):
        part = page.partition(f"## {dtype.__name__}")[2].partition("\n## ")[0]
        rows = [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")]
        assert rows == [case.name for case, other in ROWS if other is dtype]


@pytest.mark.parametrize("case", [*CASES, *PAIRS], ids=lambda case: case.name)
def test_the_references_agree_with_differences_of_the_function(case: Case | Pair) -> None:
    chosen = [point for point in zip(*points_of(case, 4000, np.float64), strict=True) if moderate(point)]
    assert len(chosen) >= 4
    chosen = chosen[:: len(chosen) // 4]
    orders = [(1,), (2,)] if isinstance(case, Case) else [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    for point in chosen:
        expected = case.derivatives(*map(mpf, map(float, point)))
        for order, value in zip(orders, expected, strict=True):
            with mp.workdps(80):
                step = mpf(10) ** -25
                found = mp.diff(case.function, tuple(map(mpf, map(float, point))), order, h=step)
            assert abs(found - value) <= mpf(10) ** -15 * (abs(value) + mpf(10) ** -15), (point, order)


def moderate(point: tuple[Any, ...]) -> bool:
    """Where differences with a step of 1e-25 have twenty digits."""
    return all(1e-3 < abs(x) < 1e2 for x in point) and all(abs(abs(x) - 1) > 1e-3 for x in point)


# -- points with a name: where a formula from the textbook is wrong --------------------------------


BY_NAME = {case.name: case for case in [*CASES, *PAIRS]}


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    ("name", "order", "point", "figure"),
    [
        ("tanh", 1, 20.0, 1.699e-17),
        ("tanh", 1, 1e4, 0.0),
        ("sigmoid", 1, 40.0, 4.248e-18),
        ("sigmoid", 1, -40.0, 4.248e-18),
        ("sigmoid", 2, 1e-300, -1.25e-301),
        ("expm1", 1, -40.0, 4.248e-18),
        ("exp2", 1, 1024.3, 1.534e308),
        ("sinc", 1, 1e-8, -3.290e-8),
        ("sinc", 2, 0.0, -3.2899),
        ("sinc", 1, 1e15 + 0.5, -3.183e-31),
        ("softplus", 2, 37.43, 5.55e-17),
        ("erf", 1, 26.0, 2.947e-294),
        ("arcsinh", 1, 1e200, 1e-200),
        ("arctan", 1, 1e160, 1e-320),
        ("arctan", 2, 1e100, -2e-300),
        ("arctanh", 1, 1 - 2**-53, 4.504e15),
        ("arcsin", 1, -1 + 2**-53, 6.711e7),
        ("arccosh", 1, 1 + 2**-52, 4.745e7),
        ("log1p", 1, -1 + 2**-53, 9.007e15),
        ("log10", 1, 4e-309, 1.0857e308),
        ("sqrt", 1, 5e-324, 2.249e161),
        ("reciprocal", 2, 1e100, 2e-300),
        ("reciprocal", 2, 1e200, 0.0),
        ("cbrt", 2, -1e-150, 2.222e249),
        ("tan", 1, math.pi / 2, 2.667e32),
        ("x ** 0.1", 2, 1e-100, -9e188),
        ("x ** 10", 2, 3.5e-40, 2.027e-314),
    ],
)
def test_single_numbers(name: str, order: int, point: float, figure: float) -> None:
    case = BY_NAME[name]
    f = case.of(ag)
    got = ag.grad(f)(point) if order == 1 else ag.grad(ag.grad(f))(point)
    assert got == pytest.approx(figure, rel=1e-3, abs=0)
    truth = exact(case, (np.array([point]),))[order - 1]
    within(case, np.array([got]), truth, (np.array([point]),), f"order {order}")


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    ("name", "point", "gradient"),
    [
        ("hypot", (1e200, 1e200), (0.7071, 0.7071)),
        ("hypot", (5e-324, 5e-324), (0.7071, 0.7071)),
        ("hypot", (1.7e308, -1.7e308), (0.7071, -0.7071)),
        ("hypot", (0.0, 0.0), (0.0, 0.0)),
        ("arctan2", (1e200, 1e-100), (1e-500, -1e-200)),
        ("arctan2", (0.0, 0.0), (0.0, 0.0)),
        ("a / b", (1e300, 1e200), (1e-200, -1e-100)),
        ("a / b", (1e-200, 1e-200), (1e200, -1e200)),
        ("a / b", (5e-324, 1e-10), (1e10, -4.9407e-304)),
        ("logaddexp", (1e4, 0.0), (1.0, 0.0)),
        ("logaddexp", (-700.0, 3e-14), (9.8597e-305, 1.0)),
        ("logaddexp", (-math.inf, -math.inf), (0.5, 0.5)),
        ("logaddexp", (math.inf, 1.0), (1.0, 0.0)),
        ("logaddexp2", (-1000.0, 3e-14), (9.3326e-302, 1.0)),
    ],
)
def test_gradients_at_single_points(
    name: str, point: tuple[float, float], gradient: tuple[float, float]
) -> None:
    got = ag.grad(BY_NAME[name].of(ag), (0, 1))(*point)
    assert got == pytest.approx(gradient, rel=1e-4, abs=0)


POWER_AT_ZERO = [
    # b, then the derivatives of a^b at a = 0: by a, by b, twice by a, twice by b
    (0.0, (0.0, 0.0, 0.0, 0.0)),
    (1.0, (1.0, 0.0, 0.0, 0.0)),
    (2.0, (0.0, 0.0, 2.0, 0.0)),
    (3.0, (0.0, 0.0, 0.0, 0.0)),
    (1.5, (0.0, 0.0, math.inf, 0.0)),
    (0.5, (math.inf, 0.0, -math.inf, 0.0)),
]


@pytest.mark.parametrize("kind", [float, int, np.array], ids=["float", "int", "array"])
@pytest.mark.parametrize(("b", "expected"), POWER_AT_ZERO)
def test_powers_of_zero(b: float, expected: tuple[float, ...], kind: Any) -> None:
    if kind is int and not b.is_integer():
        return
    exponent = kind(b)

    def by_base(a: Any) -> Any:
        return a**exponent

    assert ag.grad(by_base)(0.0) == expected[0]
    assert ag.grad(ag.grad(by_base))(0.0) == expected[2]
    assert ag.grad(np.power, 1)(0.0, b) == expected[1]
    assert ag.grad(ag.grad(np.power, 1), 1)(0.0, b) == expected[3]


@pytest.mark.parametrize("b", [0, 1, 2, 3, -1, -2, 2.0, 3.0, -3.0, np.array(3.0)])
def test_integer_powers_of_negative_numbers(b: Any) -> None:
    got = [ag.grad(lambda a: a**b)(-1.7), ag.grad(ag.grad(lambda a: a**b))(-1.7)]
    expected = [mp.diff(lambda a: a ** int(b), mpf(-1.7), n) for n in (1, 2)]
    assert got == pytest.approx(list(map(float, expected)), rel=1e-14)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_was_not_selected_sends_nothing_back() -> None:
    assert ag.grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(0.0) == 0
    assert ag.grad(lambda x: np.where(np.isnan(x), 0.0, x * x))(math.nan) == 0
    assert ag.grad(lambda x: np.where(x > 1, np.arccosh(x), 0.0))(0.5) == 0
    assert ag.grad(lambda x: np.fmax(np.log(x), 0.0))(-1.0) == 0


def test_a_zero_times_infinity_that_comes_from_numbers_stays_nan() -> None:
    assert math.isnan(ag.grad(lambda x: np.sqrt(x) ** 2)(0.0))
    assert math.isnan(ag.grad(lambda x: (x**0.5) ** 2)(0.0))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "erf", "sinc", "arctan", "x ** 2.5", "i0"])
def test_higher_orders_lose_no_more(name: str, order: int) -> None:
    """A named derivative is exact when it is differentiated again: at order n a few units for each."""
    case = BY_NAME[name]
    derivative = case.of(ag)
    for _ in range(order):
        derivative = reverse(derivative)
    points = np.array([0.03, 0.31, 0.77, 2.3, 17.0])
    got = derivative(points)
    with mp.workdps(100):
        truth = [mp.diff(case.function, mpf(float(x)), order, h=mpf(10) ** -15) for x in points]
    np.testing.assert_allclose(got, np.array([float(t) for t in truth]), rtol=1e-13)
