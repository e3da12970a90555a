"""`enclose`: every value and derivative is inside the bounds; against mpmath and long doubles."""

from __future__ import annotations

import operator
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from mpmath import mpf

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, DTypeError, ShapeError, UnsupportedError
from autograd_lite.intervals import interval, kinds
from autograd_lite.intervals.interval import Interval
from tests.exact import CASES, PAIRS, Exact, points_of
from tests.programs.drawing import numbered


def holds(bounds: tuple[Any, Any], exact: Exact) -> Any:
    """Where a number of many digits lies between two floats."""
    with np.errstate(all="ignore"):  # ends, and what overflows, may be infinite
        low, high = ((end - exact.high) for end in bounds)  # exact where it is close
    beyond = np.isinf(exact.high)
    over = [np.where(beyond, end, exact.high) == exact.high for end in bounds]
    return ((bounds[0] < exact.high) | over[0] & beyond | (low <= exact.low)) & (
        (bounds[1] > exact.high) | over[1] & beyond | (high >= exact.low)
    )


# -- elementary functions and their derivatives against mpmath ----------------------------------------


def derivatives(f: Callable[[Any], Any]) -> tuple[Callable[[Any], Any], ...]:
    first = ag.grad(lambda x: np.sum(f(x)))
    return f, first, ag.grad(lambda x: np.sum(first(x)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("n", [12, pytest.param(300, marks=pytest.mark.slow)])
def test_a_function_and_its_derivatives_are_enclosed(case: Any, n: int) -> None:
    x = np.sort(points_of(case, n, np.float64)[0])
    truths = [[case.function(mpf(v)), *case.derivatives(mpf(v))] for v in x.tolist()]
    exact = [Exact.of([row[k] for row in truths]) for k in range(3)]
    for width in (0, 1, 3):
        ends = x[: len(x) - width], x[width:]
        for f, truth in zip(derivatives(case.of(ag)), exact, strict=True):
            bounds = np.broadcast_arrays(*ag.enclose(f, *ends), ends[0])[:2]
            for k in range(width + 1):
                own = slice(k, k + len(ends[0]))
                assert holds(bounds, Exact(truth.high[own], truth.low[own])).all(), (width, f)


@pytest.mark.parametrize("case", PAIRS, ids=lambda case: case.name)
@pytest.mark.parametrize("n", [32, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_function_of_two_is_enclosed(case: Any, n: int) -> None:
    a, b = points_of(case, n, np.float64)
    rng, f = np.random.default_rng(1), case.of(ag)
    truths = [[case.function(mpf(p), mpf(q)), *case.derivatives(mpf(p), mpf(q))[:2]]
              for p, q in zip(a.tolist(), b.tolist(), strict=True)]  # fmt: skip
    exact = [Exact.of([row[k] for row in truths]) for k in range(3)]
    functions = [f, *(ag.grad(lambda a, b: np.sum(f(a, b)), argnums=k) for k in range(2))]
    for width in (0.0, 1e-3):
        room = [width * np.abs(x) * rng.random(x.shape) for x in (a, b)]
        with np.errstate(over="ignore"):
            ends = [(x - r, x + r) for x, r in zip((a, b), room, strict=True)]
        lo, hi = zip(*ends, strict=True)
        for f_or_slope, truth in zip(functions, exact, strict=True):
            bounds = ag.enclose(lambda x, f=f_or_slope: f(*x), lo, hi)
            assert holds(np.broadcast_arrays(*bounds, a)[:2], truth).all()


@pytest.mark.parametrize(
    ("f", "x", "most"),
    [
        (np.exp, 0.3, 6), (lambda x: x * 0.1, 0.3, 2), (lambda x: x + 0.1, 0.3, 1), (np.sqrt, 0.3, 2),
        (lambda x: x / 0.7, 0.3, 2), (np.sin, 0.3, 6), (lambda x: x**3, 0.3, 6), (ag.erf, 0.3, 20),
        (lambda x: x @ x, np.full(9, 0.3), 60), (np.sum, np.full(1000, 0.3), 40),
    ],
)  # fmt: skip
def test_bounds_of_a_point_are_a_few_ulps_apart(f: Any, x: Any, most: int) -> None:
    low, high = ag.enclose(f, x, x)
    assert low <= f(x) <= high
    assert high - low <= most * np.spacing(abs(f(x)))


def test_exact_sums_and_zeros_stay() -> None:
    assert ag.enclose(lambda x: (x + 1.0) * 0.0 + 2.5, 1.0, 3.0) == (2.5, 2.5)
    assert ag.enclose(lambda x: np.sqrt(x * x * 1e-200 * 1e-200), -1.0, 1.0)[0] == 0


def test_ranges_of_waves() -> None:
    cases = [(0.0, 1.0), (1.0, 2.0), (1.0, 5.0), (4.0, 5.0), (-1.0, 1.0), (3.0, 10.0), (-8.0, -7.5)]
    lo, hi = np.array(cases).T
    for f in (np.sin, np.cos):
        fine = f(np.linspace(lo, hi, 20001))
        low, high = ag.enclose(f, lo, hi)
        np.testing.assert_allclose(low, fine.min(0), atol=1e-7)
        np.testing.assert_allclose(high, fine.max(0), atol=1e-7)
    low, high = ag.enclose(np.tan, np.array([1.0, 1.6]), np.array([1.6, 2.0]))
    assert (low[0], high[0]) == (-np.inf, np.inf)
    np.testing.assert_allclose([low[1], high[1]], np.tan([1.6, 2.0]))


# -- random trials, vectorized, against long doubles ---------------------------------------------------


def of_two(f: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda x: f(x[0], x[1])


TRIALS: dict[str, Callable[[Any], Any]] = {
    "sum": of_two(lambda x, y: x + y - 3 * x),
    "product": of_two(lambda x, y: x * y * (x - 0.3)),
    "quotient": of_two(lambda x, y: x / (y * y + 0.1) - 1 / (3 + x)),
    "powers": of_two(lambda x, y: (x * y) ** 3 + x**2 - (y + 5) ** -2 + (x + 9) ** 1.7),
    "roots": of_two(lambda x, y: np.sqrt(x * x + y * y) + np.cbrt(x) * np.hypot(x, y)),
    "exponentials": of_two(lambda x, y: np.exp(x) - np.expm1(y) + np.log(9 + x) * np.log1p(y + 4)),
    "waves": of_two(lambda x, y: np.sin(3 * x) * np.cos(y) + np.arctan(x) - np.arcsin(np.tanh(y))),
    "hyperbolic": of_two(lambda x, y: np.sinh(x) - np.cosh(y) * np.tanh(x) + np.arcsinh(y)),
    "choices": of_two(lambda x, y: np.where(x > y, np.maximum(x, 0.5), np.abs(y)) - np.minimum(x, y)),
    "remainders": of_two(lambda x, y: x % 1.25 + np.fmod(y, 0.7) - x % -2.5 + (x * y) // 1.3),
    "signs": of_two(lambda x, y: np.copysign(x, y) + np.heaviside(x, 0.5) * np.ldexp(y, 3)),
    "orders": lambda x: np.max(x, 0) + np.median(x, 0) + np.quantile(x, 0.25, axis=0) - np.ptp(x, 0),
    "spread": lambda x: np.var(x, 0) - np.std(x, axis=0, ddof=1) + np.cumprod(x, 0)[1],
    "many": lambda x: np.concatenate([np.cumsum(x, 0), np.roll(x, 1, 0), np.flip(x, 0)])[::2] * np.mean(x, 0),
}


@pytest.mark.parametrize("name", TRIALS)
@pytest.mark.parametrize("n", [100, pytest.param(100_000, marks=pytest.mark.slow)])
def test_random_trials_are_enclosed(name: str, n: int) -> None:
    f, rng = TRIALS[name], np.random.default_rng(len(name))
    lo = rng.uniform(-3, 3, (2, n))
    hi = lo + rng.exponential(1, (2, n)) * 10.0 ** rng.integers(-17, 0, (2, n))
    low, high = ag.enclose(f, lo, hi)
    part = rng.integers(0, 3, (2, n)) / np.longdouble(2)  # both ends, and the middle
    x = np.clip(lo + part * (hi.astype(np.longdouble) - lo), lo, hi)
    y = f(x)
    assert y.dtype == np.longdouble
    assert ((low <= y) & (y <= high)).all()


def test_a_rule_that_is_too_narrow_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = lambda a, b: Interval(a.lo * b.lo, a.hi * b.hi) if isinstance(a, Interval) else a * b
    monkeypatch.setitem(interval.rules, np.multiply, narrow)
    with pytest.raises((AssertionError, AttributeError)):
        test_random_trials_are_enclosed("product", 100)
    monkeypatch.undo()
    monkeypatch.setattr(kinds, "moved", lambda y, error, sign: y)
    case = next(case for case in CASES if case.name == "exp")
    with pytest.raises(AssertionError):
        test_a_function_and_its_derivatives_are_enclosed(case, 24)


# -- matrices, networks, gradients -------------------------------------------------------------------


def test_products_of_matrices_hold_corners() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    da, db = rng.random(a.shape), rng.random(b.shape)
    for f in (
        lambda p: p[0] @ p[1],
        lambda p: np.einsum("ij,jk->ki", *p),
        lambda p: np.dot(p[0], p[1]),
        lambda p: np.tensordot(*p, axes=1),
        lambda p: np.convolve(p[0][0], p[1][:, 0], mode="same"),
    ):
        low, high = ag.enclose(f, (a - da, b - db), (a + da, b + db))
        for _ in range(200):
            corner = a + da * rng.choice([-1, 1], a.shape), b + db * rng.choice([-1, 1], b.shape)
            assert ((low <= f(corner)) & (f(corner) <= high)).all()
        thin = ag.enclose(f, (a - da, b), (a + da, b))  # one factor is known: the bounds are exact
        width = f((da, np.abs(b))) * 2
        np.testing.assert_allclose(thin[1] - thin[0], width, rtol=1e-12)


def sampled(f: Callable[[Any], Any], lo: Any, hi: Any, n: int = 50) -> tuple[Any, Any]:
    """The least and the largest value at random points of a box."""
    rng = np.random.default_rng(0)
    values = [np.asarray(f(rng.uniform(lo, hi).astype(lo.dtype)), float) for _ in range(n)]
    return np.min(values, 0), np.max(values, 0)


def test_networks_and_their_gradients() -> None:
    nn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8, 5),
        nn.Tanh(),
        nn.Linear(5, 3),
    ).double()
    x = np.random.default_rng(0).normal(size=(2, 1, 6, 6))
    lo, hi = x - 0.05, x + 0.05
    low, high = ag.enclose(model, lo, hi)
    proven = [
        end.numpy() if isinstance(end, ag.Tensor) else end for end in nn.robust.interval_bounds(model, lo, hi)
    ]
    assert (low <= proven[0]).all() and (proven[1] <= high).all()  # these have no rounding errors
    np.testing.assert_allclose([low, high], proven, rtol=1e-9, atol=1e-9)
    within = sampled(lambda x: model(x).numpy(), lo, hi)
    assert (low <= within[0]).all() and (within[1] <= high).all()

    def loss(x: Any) -> Any:
        return nn.functional.cross_entropy(model(x), np.array([0, 2]))

    for f in (loss, ag.grad(loss)):
        bounds = ag.enclose(f, lo, hi)
        within = sampled(lambda x, f=f: ag.arrays.unwrap(f(x)), lo, hi)
        assert np.all(bounds[0] <= within[0]) and np.all(within[1] <= bounds[1])
        assert np.max(np.subtract(*bounds[::-1])) < 30


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.tanh(x) * x[::-1]),
        lambda x: np.sum(x[1:] ** 2 / (1 + np.exp(-x[:-1]))),
        lambda x: ag.logsumexp(x * 2) - np.max(x),
        lambda x: np.prod(np.reshape(x, (2, 3)), axis=0) @ np.ones(3),
        lambda x: np.linalg.norm(np.stack([x, 2 * x])) + np.sum(np.abs(x + 5)),
        lambda x: np.sum(ag.softmax(x) * np.arange(6.0)),
        lambda x: np.sum(ag.relu(x) ** 2) + np.sum(np.where(x > 3, x, 1.0)),
    ],
)
def test_gradients_are_enclosed(f: Any) -> None:
    x = np.array([0.3, -0.4, 1.2, 0.8, -1.1, 2.0])
    lo, hi = x - 0.01, x + 0.02
    gradient = ag.grad(f)
    low, high = ag.enclose(gradient, lo, hi)
    within = sampled(gradient, lo, hi)
    assert (low <= within[0]).all() and (within[1] <= high).all()
    assert (high - low < 3).all()
    point = ag.enclose(gradient, x, x)
    np.testing.assert_allclose(point[0], gradient(x), rtol=1e-12)
    np.testing.assert_allclose(point[1], gradient(x), rtol=1e-12)


@pytest.mark.parametrize("transform", [ag.jacobian, lambda f: ag.hessian(lambda x: np.sum(f(x)))])
def test_jacobians_are_enclosed(transform: Any) -> None:
    derivative = transform(lambda x: np.tanh(x) * x[::-1])
    x = np.array([0.3, -0.4, 1.2])
    low, high = ag.enclose(derivative, x, x + 0.01)
    within = sampled(derivative, x, x + 0.01)
    assert low.shape == (3, 3) and (low <= within[0]).all() and (within[1] <= high).all()
    assert (high - low < 0.2).all()


def test_kinks() -> None:
    assert ag.enclose(ag.grad(ag.relu), -1.0, 2.0) == (0.0, 1.0)
    assert ag.enclose(ag.grad(np.abs), -1.0, 2.0) == (-1.0, 1.0)
    assert ag.enclose(ag.grad(ag.relu), 1.0, 2.0) == (1.0, 1.0)
    assert ag.enclose(ag.grad(lambda x: np.maximum(x, 0.0)), 1.0, 2.0) == (1.0, 1.0)


@pytest.mark.parametrize("numbers", [range(12), pytest.param(range(12, 150), marks=pytest.mark.slow)])
def test_random_programs_are_enclosed(numbers: range) -> None:
    """The bounds hold the value and the gradient at the middle of a small box, up to their own rounding."""
    held = 0
    for program in (numbered(21, number) for number in numbers):
        inputs = tuple(map(np.asarray, program.inputs))
        if any(x.dtype != float for x in inputs):
            continue
        box = tuple(x - 1e-6 for x in inputs), tuple(x + 1e-6 for x in inputs)
        every = ag.grad(program.loss, tuple(range(len(inputs))))
        for f in (program.loss, every):
            try:
                low, high = ag.enclose(lambda xs, f=f: f(*xs), *box)
            except UnsupportedError:  # an op without a rule
                continue
            middle, held = f(*inputs), held + 1
            for a, b, c in zip(
                *(x if isinstance(x, tuple) else (x,) for x in (low, middle, high)), strict=True
            ):
                assert (a <= b + 1e-9).all() and (b <= c + 1e-9).all(), str(program)
    assert held >= len(numbers) // 4


# -- what is true of a number: it is not 0 -----------------------------------------------------------


def test_numbers_are_conditions() -> None:
    """A negative number is true."""
    cases = np.array([-2.0, -1.0, 0.0, 0.0, 1.0]), np.array([-1.0, 0.0, 0.0, 3.0, 2.0])
    low, high = ag.enclose(lambda x: np.where(x, 5.0, 7.0), *cases)
    assert (low.tolist(), high.tolist()) == ([5, 5, 7, 5, 5], [5, 7, 7, 7, 5])
    for f in (
        lambda x: np.where(np.logical_not(x), 7.0, 5.0),
        lambda x: np.where(np.logical_and(x, True), 5.0, 7.0),
        lambda x: np.where(np.logical_or(x, False), 5.0, 7.0),
        lambda x: np.where(x.astype(bool), 5.0, 7.0),
    ):
        assert np.array_equal(ag.enclose(f, *cases), (low, high))
    with pytest.raises(UnsupportedError, match="undecided"):
        ag.enclose(lambda x: 1.0 if np.all(x) else 2.0, -np.ones(2), np.ones(2))
    assert ag.enclose(lambda x: 1.0 if np.any(x) else 2.0, -np.ones(2), -np.ones(2) / 2) == (1, 1)


def test_integers_cut_off_the_fraction() -> None:
    low, high = ag.enclose(lambda x: x.astype(int), np.array([0.5, -1.5, 2.0]), np.array([0.7, -0.5, 3.5]))
    assert (low.tolist(), high.tolist()) == ([0, -1, 2], [0, 0, 3])
    with pytest.raises(DataError, match="astype is not defined"):
        ag.enclose(lambda x: x.astype(np.uint8), -1.0, 1.0)
    with pytest.raises(UnsupportedError, match="bits of integers"):
        ag.enclose(lambda x: x.astype(int) & 6, 0.0, 9.0)


def test_what_may_be_infinite_is_not_left_out() -> None:
    whole = (-np.inf, np.inf)
    assert ag.enclose(lambda x: np.where(np.isfinite(1 / x), 1 / x, 0.0), -1.0, 1.0) == whole
    assert ag.enclose(lambda x: np.where(np.isinf(1 / x), 0.0, 1 / x), -1.0, 1.0) == whole


# -- together with the rest ---------------------------------------------------------------------------


def test_numbers_longer_than_a_float_are_held() -> None:
    third = np.longdouble(1) / 3
    for low, high in (ag.enclose(lambda x: x, third, third), ag.enclose(lambda x: x * third, 1.0, 1.0)):
        assert low < third < high < np.nextafter(low, 1) * (1 + 1e-15)
    low, high = ag.enclose(lambda x: x, 2**53 + 1, 2**53 + 1)
    assert int(low) <= 2**53 + 1 <= int(high)


def test_batches_and_layers_that_choose_or_bend() -> None:
    lo, hi = np.array([[0.1, -0.4], [0.3, 1.0]]), np.array([[0.2, -0.1], [0.3, 1.5]])
    f = lambda x: np.sum(np.tanh(x) * x[::-1])
    both = ag.enclose(ag.vmap(f), lo, hi)
    rows = [ag.enclose(f, a, b) for a, b in zip(lo, hi, strict=True)]
    np.testing.assert_allclose(np.array(both).T, rows, rtol=1e-14)
    for layer in (nn.MaxPool2d(2), nn.GELU(), nn.GELU("tanh")):
        for g in (layer, ag.grad(lambda x, layer=layer: np.sum(layer(x) ** 2))):
            low, high = ag.enclose(g, lo[None, None], hi[None, None])
            within = sampled(lambda x, g=g: ag.arrays.unwrap(g(x)), lo[None, None], hi[None, None])
            assert (low <= within[0]).all() and (within[1] <= high).all() and (high - low < 3.5).all()
    tied = np.zeros((1, 1, 2, 2))  # the first of equal entries gets the gradient, as in the layer
    slope = ag.grad(lambda x: np.sum(nn.functional.max_pool2d(x, 2)))
    assert np.array_equal(ag.enclose(slope, tied, tied)[0], slope(tied))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ag.enclose(np.sin, x, x + 1)[0],
        lambda x: ag.enclose(lambda y: x * y, 0.0, 1.0)[1],
        lambda x: ag.rounding(np.sin)(x).value,
        pytest.param(
            lambda x: ag.sparse_jacobian(lambda y: x * y)(np.ones(2)).sum(),
            marks=pytest.mark.skipif(find_spec("scipy") is None, reason="SciPy is not installed"),
        ),
    ],
)
def test_what_has_no_derivative_is_no_constant_in_silence(call: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"no derivative.*cut the graph.*ag.no_grad\(\)"):
        ag.grad(call)(0.3)
    with ag.no_grad():
        assert float(call(0.3)) > 0

    def beside(x: Any) -> Any:
        with ag.no_grad():
            constant = float(call(0.3))
        return x * constant

    assert ag.grad(beside)(1.0) == float(call(0.3))


# -- choices and errors ----------------------------------------------------------------------------


def test_a_comparison_is_decided_or_an_error() -> None:
    def f(x: Any) -> Any:
        return x * 2 if x > 0 else -x

    assert ag.enclose(f, 1.0, 2.0) == pytest.approx((2.0, 4.0))
    assert ag.enclose(f, -2.0, -1.0) == (1.0, 2.0)
    with pytest.raises(UnsupportedError, match=r"enclose: a comparison that is undecided.*np.where"):
        ag.enclose(f, -1.0, 2.0)
    with pytest.raises(UnsupportedError, match="smaller box"):
        ag.enclose(lambda x: x[x > 0], -np.ones(2), np.ones(2))
    low, high = ag.enclose(
        lambda x: np.where((x > 0) & ~(x >= 2), x, 5.0), np.array([1.0, 3.0, -1.0]), np.array([1.5, 4.0, 1.0])
    )
    np.testing.assert_array_equal(low, [1.0, 5.0, -1.0])
    np.testing.assert_array_equal(high, [1.5, 5.0, 5.0])


@pytest.mark.parametrize(
    ("f", "box", "error", "words"),
    [
        (np.log, (-1.0, 2.0), DataError, r"log is not defined on all of \[-1, 2\]"),
        (np.arcsin, (0.5, 1.5), DataError, "arcsin is not defined"),
        (lambda x: x**0.5, (-1.0, 1.0), DataError, "power is not defined"),
        (np.sin, (2.0, 1.0), DataError, "swapped"),
        (np.sin, (np.nan, 1.0), DataError, "no NaN"),
        (np.sin, (1j, 1j), DTypeError, "real numbers"),
        (np.sin, (np.ones(2), np.ones(3)), ShapeError, "shapes must be equal"),
        (lambda x: x, ((1.0,), 2.0), ShapeError, "structures"),
        (
            lambda x: np.fft.fft(x),
            (np.ones(2), np.ones(2)),
            UnsupportedError,
            "fft has no rule for intervals",
        ),
        (np.linalg.inv, (np.eye(2), np.eye(2)), UnsupportedError, r"inv has no rule .*definterval\(inv"),
        (lambda x: x * 1j, (1.0, 2.0), UnsupportedError, "complex number has no interval"),
        (float, (1.0, 2.0), UnsupportedError, "many numbers"),
        (np.argmax, (np.zeros(2), np.ones(2)), UnsupportedError, "argmax has no rule"),
    ],
)
def test_errors(f: Any, box: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        ag.enclose(f, *box)


def test_division_by_an_interval_around_zero() -> None:
    low, high = ag.enclose(lambda x: 1 / x, np.array([-1.0, 0.0, -2.0, 0.0]), np.array([1.0, 2.0, 0.0, 0.0]))
    np.testing.assert_allclose(low, [-np.inf, 0.5, -np.inf, -np.inf])
    np.testing.assert_allclose(high, [np.inf, np.inf, -0.5, np.inf])


def test_unbounded_boxes() -> None:
    assert ag.enclose(lambda x: np.exp(x) * 0.0, -np.inf, np.inf) == (0.0, 0.0)
    assert ag.enclose(np.tanh, -np.inf, np.inf) == (-1.0, 1.0)
    assert ag.enclose(np.exp, 1000.0, 1001.0) == (np.finfo(float).max, np.inf)
    assert ag.enclose(lambda x: x - x, 1.0, np.inf) == (-np.inf, np.inf)


def test_nested_arguments_and_results() -> None:
    lo, hi = {"w": np.array([1.0, 2.0]), "b": 0.5}, {"w": np.array([1.5, 2.5]), "b": 1.0}
    low, high = ag.enclose(lambda p: (np.sum(p["w"]), [p["b"] * 2.0, 7.0]), lo, hi)
    assert low[0] <= 3.0 and high[0] >= 4.0
    assert low[1] == pytest.approx([1.0, 7.0]) and high[1] == pytest.approx([2.0, 7.0])


def test_compositions_are_taken_apart() -> None:
    for mode in ("constant", "edge", "reflect", "mean"):
        low, high = ag.enclose(
            lambda x, m=mode: np.pad(x, 2, m) * np.tril(np.ones(7))[3], np.ones(3), np.full(3, 2.0)
        )
        assert (low[2:4] == 1).all() and (high[2:4] == 2).all()
        assert (low[4:] == 0).all() and (low[:2] >= 0).all() and (high[:2] <= 2.0001).all()


def test_assignment() -> None:
    def f(x: Any) -> Any:
        y = ag.Tensor(np.zeros(3)) + x[0]
        y[1] = x[1] * 2.0
        return y

    low, high = ag.enclose(f, np.array([1.0, 2.0]), np.array([1.5, 3.0]))
    np.testing.assert_allclose(low, [1, 4, 1])
    np.testing.assert_allclose(high, [1.5, 6, 1.5])


def test_the_class() -> None:
    x = Interval(np.zeros(2), np.ones(2))
    assert repr(x[0]) == "[0, 1]" and "shape=(2,)" in repr(x)
    assert operator.mul(x, ag.Tensor(np.ones(2))).shape == (2,)
    zeros = np.zeros_like(x)
    zeros[:1] = x[:1]
    assert (zeros.lo.tolist(), zeros.hi.tolist()) == ([0, 0], [1, 0])
