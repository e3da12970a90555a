"""`rounding` against mpmath: the bound holds, is not far off, and names the right lines; faults planted."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd_lite as ag
import nn
from autograd_lite.errors import DTypeError, ShapeError, UnsupportedError
from autograd_lite.ops.indexing import scatter
from autograd_lite.roundoff import steps
from autograd_lite.sums import total
from tests.exact import CASES, Exact, points_of
from tests.programs.drawing import numbered

# -- whole functions -------------------------------------------------------------------------------


def logistic_map(m: Any, x: Any, y: Any) -> Any:
    """Eight steps of a chaotic map: each may double the error."""
    x = x / 4
    for _ in range(8):
        x = 3.5 * x * (1 - x)
    return x * (y + 0.1)


def polynomial(m: Any, x: Any, y: Any) -> Any:
    """(x - y)^5, multiplied out."""
    return x**5 - 5 * x**4 * y + 10 * x**3 * y**2 - 10 * x**2 * y**3 + 5 * x * y**4 - y**5


def network(m: Any, x: Any, y: Any) -> Any:
    hidden = [m.tanh(0.3 * k * x - 0.7 * y + 0.1) for k in range(4)]
    return hidden[0] * 1.7 - hidden[1] * 0.2 + hidden[2] * hidden[3]


FUNCTIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "cosine": lambda m, x, y: (1 - m.cos(x / 64)) / (x / 64) ** 2 * y,
    "root": lambda m, x, y: -x * 8 + m.sqrt((x * 8) ** 2 - y),
    "polynomial": polynomial,
    "logarithm": lambda m, x, y: m.log(m.exp(x) + m.exp(y)) - x,
    "quotient": lambda m, x, y: (x * y - 0.3) / (x + y) - 0.1 * x,
    "power": lambda m, x, y: x**2.5 - y**0.7 + 3.7**x,
    "network": network,
    "map": logistic_map,
    "waves": lambda m, x, y: m.exp(m.sin(3 * x) * y) * m.tan(y / 3) - m.log(x),
    "hyperbolic": lambda m, x, y: m.sinh(x) * m.cosh(y) - m.exp(x + y) / 2,
}


def truth(f: Callable[[Any, Any, Any], Any], point: Any) -> Any:
    """The value and the gradient, with 50 digits."""
    with mp.workdps(50):
        x = [mpf(float(v)) for v in point]
        step = mpf(10) ** -15
        moved = [[x[j] + side * step * (j == i) for j in range(2)] for i in range(2) for side in (1, -1)]
        ends = [f(mp, *v) for v in moved]
        return f(mp, *x), [(ends[0] - ends[1]) / (2 * step), (ends[2] - ends[3]) / (2 * step)]


def ratios(name: str, n: int) -> tuple[list[float], list[float]]:
    """For n random points the true error of value and gradient, as a part of its bound."""
    f, rng = FUNCTIONS[name], np.random.default_rng(len(name))
    found = ag.rounding(lambda x: f(np, x[0], x[1]))
    values, gradients = [], []
    for point in rng.uniform(0.5, 2.0, (n, 2)):
        got, (value, gradient) = found(point), truth(f, point)
        values.append(float(abs(value - mpf(float(got.value))) / mpf(got.error)))
        for true, g, bound in zip(gradient, got.gradient, got.gradient_error, strict=True):
            gradients.append(float(abs(true - mpf(float(g))) / mpf(float(bound))))
    return values, gradients


FIRST_ORDER = 1e-6
"""Products of two rounding errors are left out of the bound. Here they are less than this part."""


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_bound_holds_and_is_rarely_far_off(name: str, n: int) -> None:
    for found in ratios(name, n):
        assert max(found) < 1 + FIRST_ORDER
        # A true error may be nearly 0 by luck, where the rounded result is the nearest float.
        assert np.mean(np.array(found) < 0.01) < 0.25
        assert np.median(found) > 0.01


def test_a_missing_error_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(steps.ERRORS, np.cos, 0.0)
    assert all(max(found) > 2 for found in ratios("cosine", 20))


def test_value_and_gradient_are_those_of_grad() -> None:
    x = np.linspace(0.3, 1.9, 7)

    def f(x: Any) -> Any:
        return np.sum(np.tanh(x) * x[::-1]) / np.max(x)

    found, (value, gradient) = ag.rounding(f)(x), ag.value_and_grad(f)(x)
    assert found.value == value
    np.testing.assert_array_max_ulp(found.gradient, gradient, 8)
    assert found.gradient_error.shape == x.shape


def test_the_error_of_a_product_of_constants_in_the_backward_pass_counts() -> None:
    found = ag.rounding(lambda x: 0.1 * (0.3 * x))(1.0)
    off = abs(mpf(found.gradient) - mpf(0.1) * mpf(0.3))
    assert 0 < off <= found.gradient_error < 4 * np.spacing(0.03)


# -- the table: single steps against arithmetic of more digits ----------------------------------------

ENTRYWISE = [case for case in CASES if case.f is None and case.name != "i0"]


@pytest.mark.parametrize("case", ENTRYWISE, ids=lambda case: case.name)
@pytest.mark.parametrize("n", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_an_elementary_function_is_as_exact_as_the_table_says(case: Any, n: int) -> None:
    x = points_of(case, n, np.float64)[0]
    op = getattr(np, case.name, None) or getattr(ag, case.name)
    with np.errstate(all="ignore"):
        y = op(x)
        error = np.broadcast_to(steps.error_of(op, y, (x,), {}), y.shape)
    exact = Exact.of([case.function(mpf(float(v))) for v in x])
    ordinary = np.isfinite(y) & (np.abs(y) >= np.finfo(float).tiny)
    assert ordinary.sum() > n // 3
    off = np.abs((y[ordinary] - exact.high[ordinary]) - exact.low[ordinary])
    assert (off <= error[ordinary]).all()


def rows(n: int, m: int, rng: Any) -> Any:
    """Numbers of both signs and many sizes."""
    return (rng.normal(size=(n, m)) * 10.0 ** rng.integers(-3, 4, (n, m))).astype(np.float32)


def nearly_constant(n: int, m: int, rng: Any) -> Any:
    return np.float32(100) + rng.normal(size=(n, m)).astype(np.float32)


def well(n: int, m: int, rng: Any) -> Any:
    return (np.eye(n) * 3 + rng.normal(size=(n, n))).astype(np.float32)


MANY: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("sum", np.sum, (rows,), {}),
    ("sum of columns", np.sum, (rows,), {"axis": 0}),
    ("sum of rows", np.sum, (rows,), {"axis": -1}),
    ("total", total, (rows,), {"axis": 0}),
    ("mean", np.mean, (rows,), {"axis": 0}),
    ("cumsum", np.cumsum, (rows,), {"axis": 0}),
    ("prod", np.prod, (nearly_constant,), {"axis": 1}),
    ("matmul", np.matmul, (well, well), {}),
    ("var", np.var, (nearly_constant,), {"axis": 0}),
    ("std", np.std, (nearly_constant,), {"axis": 0}),
    ("logsumexp", ag.logsumexp, (nearly_constant,), {"axis": 0}),
    ("softmax", ag.softmax, (nearly_constant,), {"axis": 0}),
    ("log_softmax", ag.log_softmax, (nearly_constant,), {"axis": 0}),
    ("norm", np.linalg.norm, (rows,), {"axis": 0}),
    ("median", np.median, (rows,), {"axis": 0}),
    ("solve", np.linalg.solve, (well, well), {}),
    ("inv", np.linalg.inv, (well,), {}),
    ("det", np.linalg.det, (well,), {}),
    ("diff", lambda x: np.diff(x, n=3, axis=0), (rows,), {}),
    ("logaddexp", np.logaddexp, (nearly_constant, nearly_constant), {}),
    ("sinc", np.sinc, (rows,), {}),
    ("einsum", lambda a, b: np.einsum("ij,kj->ik", a, b), (rows, rows), {}),
    ("convolve", lambda a, b: np.convolve(a[:, 0], b[0]), (rows, rows), {}),
    ("scatter", lambda x: scatter(x, (np.arange(len(x)) ** 2 % 5,), (5, 7)), (rows,), {}),
    ("hypot", np.hypot, (rows, rows), {}),
    ("quantile", lambda x: np.quantile(x, 0.3, axis=0), (rows,), {}),
]


@pytest.mark.parametrize(("op", "makers", "options"), [case[1:] for case in MANY], ids=[c[0] for c in MANY])
def test_a_sum_in_single_precision_is_as_exact_as_the_table_says(op: Any, makers: Any, options: Any) -> None:
    """Entries computed in float32, and compared with the same function in float64."""
    rng = np.random.default_rng(3)
    for n in (4, 19, 300)[: 2 if well in makers else 3]:
        args = [make(n, n if make is well else 7, rng) for make in makers]
        wide = np.ravel(op(*(x.astype(float) for x in args), **options))
        for k in {0, int(np.argmax(np.abs(wide))), int(np.argmin(np.abs(wide)))}:
            found = ag.rounding(lambda *args, k=k: np.ravel(op(*args, **options))[k], gradient=False)(*args)
            assert found.value.dtype == np.float32
            assert abs(float(found.value) - wide[k]) <= found.error * (1 + 1e-6)


@pytest.mark.parametrize("op", [np.sum, np.mean, np.prod, lambda x, dtype: np.cumsum(x, dtype=dtype)[-1]])
def test_a_sum_in_a_narrower_dtype_rounds_by_that(op: Any) -> None:
    x = np.sqrt(np.arange(2.0, 9.0))
    found = ag.rounding(lambda x: op(x, dtype=np.float32), gradient=False)(x)
    off = abs(float(found.value) - float(op(x, dtype=np.longdouble)))
    assert 1e-9 < off <= found.error < 1e-5 * abs(found.value)


def test_medians_that_skip_nan_and_turns_of_angles_round_too() -> None:
    """A mean of two entries is rounded, and so is an angle less a whole turn, which is no float."""
    x = np.array([0.1, np.nan, 0.2])
    found = ag.rounding(lambda x: np.nanmedian(x), gradient=False)(x)
    assert 0 < abs(mpf(float(found.value)) - (mpf(0.1) + mpf(0.2)) / 2) <= found.error < 1e-15
    near = np.array([0.0, 6.2831])
    found = ag.rounding(lambda x: np.unwrap(x)[1], gradient=False)(near)
    assert 0 < abs(mpf(float(found.value)) - (mpf(6.2831) - 2 * mp.pi)) <= found.error < 1e-13


@pytest.mark.parametrize("q", [0.11, np.float64(0.6), 0.37])
def test_the_place_of_a_quantile_is_rounded_in_single_precision(q: Any) -> None:
    x = np.array([0.226, -1.246, 1.803, -0.411, 1.154, -0.782, -1.618, -1.061, 0.986], np.float32)
    found = ag.rounding(lambda x: np.quantile(x, q), gradient=False)(x)
    assert abs(float(found.value) - np.quantile(x.astype(float), float(q))) <= found.error < 1e-4


def test_the_contributions_of_the_steps_add_up_to_the_bound() -> None:
    x = ag.Tensor(np.array([1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3]), requires_grad=True)
    with ag.Tape() as tape:
        spread(x).backward()
    parts = [ag.roundoff.contribution(node) for node in tape.nodes]
    found = ag.rounding(spread)(x.numpy())
    assert sum(parts) == pytest.approx(found.error, rel=1e-12)
    assert max(parts) == pytest.approx(found.steps[0].error, rel=1e-12)
    again = [ag.roundoff.contribution(node, 2 * np.asarray(node.adjoint)) for node in tape.nodes]
    np.testing.assert_allclose(again, 2 * np.array(parts))


def test_a_long_sum_is_not_bounded_by_its_length() -> None:
    x = np.full(1 << 16, 0.1)
    found = ag.rounding(np.sum, gradient=False)(x)
    assert found.gradient is None and "not bounded" in str(found)
    assert abs(found.value - math.fsum(x)) <= found.error < 64 * np.spacing(found.value)


# -- networks, kernels -----------------------------------------------------------------------------


def test_a_network_is_bounded_by_the_steps_of_its_definitions() -> None:
    nn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8, 5),
        nn.GELU(),
        nn.Linear(5, 3),
    )
    x, y = np.random.default_rng(0).normal(size=(2, 1, 6, 6)).astype(np.float32), np.array([0, 2])

    def loss(x: Any) -> Any:
        return nn.functional.cross_entropy(model(x), y)

    found = ag.rounding(loss)(x)
    model.double()
    value, gradient = ag.value_and_grad(loss)(x.astype(float))
    assert abs(float(found.value) - value) <= found.error < 1e-3
    assert (np.abs(found.gradient - gradient) <= found.gradient_error).all()
    assert found.gradient_error.max() < 1e-2


@pytest.mark.parametrize("numbers", [range(12), pytest.param(range(12, 150), marks=pytest.mark.slow)])
def test_random_programs_in_single_precision_are_bounded(numbers: range) -> None:
    """Compared with double precision, whose own error is less than the last term."""
    held = 0
    for program in (numbered(21, number) for number in numbers):
        inputs = [np.asarray(x) for x in program.inputs]
        if any(x.dtype != float for x in inputs):
            continue
        single, places = [x.astype(np.float32) for x in inputs], tuple(range(len(inputs)))
        try:
            found = ag.rounding(program.loss, places)(*single)
        except UnsupportedError:  # an op whose errors nobody has bounded
            continue
        held += 1
        value, gradient = ag.value_and_grad(program.loss, places)(*(x.astype(float) for x in single))
        pairs = [(found.value, value, found.error)]
        pairs += zip(found.gradient, gradient, found.gradient_error, strict=True)
        for got, true, error in pairs:
            assert (np.abs(got - true) <= error * 1.001 + 1e-9 * np.abs(true) + 1e-12).all(), str(program)
    assert held >= len(numbers) // 4


# -- the report ------------------------------------------------------------------------------------


def spread(x: Any) -> Any:
    mean = np.sum(x) / 4
    squares = np.sum(x * x) / 4
    return squares - mean * mean


def test_the_line_that_loses_most_comes_first() -> None:
    found = ag.rounding(spread)(np.array([1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3]))
    first = inspect.getsourcelines(spread)[1]
    assert found.value == pytest.approx(1.25, abs=1e-3)
    assert abs(found.value - 1.25) <= found.error < 0.01
    assert found.steps[0].line in {f"{__file__}:{first + n}" for n in (1, 2)}
    assert all(a.error >= b.error for a, b in zip(found.steps, found.steps[1:], strict=False))
    assert sum(step.error for step in found.steps) == pytest.approx(found.error)
    text = str(found)
    assert f"test_roundoff.py:{first + 2}" in text and "digits" in text and "in the derivative of" in text
    assert "<table" in found._repr_html_()


def test_steps_of_one_line_are_counted() -> None:
    def powers(x: Any) -> Any:
        for _ in range(9):
            x = x * 1.1
        return x

    (product,) = [step for step in ag.rounding(powers)(0.7).steps if step.error]
    assert (product.op, product.count) == ("multiply", 9)


def test_steps_that_may_be_single() -> None:
    def f(x: Any) -> Any:
        small = 1e-9 * np.exp(x)
        return x * x + small

    found = ag.rounding(f)(1.5)
    single = {step.op for step in found.single(1e-6)}
    assert "exp" in single
    assert not found.single(1e-18)
    with np.errstate(all="ignore"):
        rough = 1.5 * 1.5 + float(np.float32(1e-9) * np.exp(np.float32(1.5)))
    assert abs(rough - found.value) <= sum(s.single_error for s in found.steps if s.op in ("exp", "multiply"))
    assert "exp" not in {step.op for step in ag.rounding(lambda x: 1e-300 * np.exp(500 * x))(1.0).single()}


def test_kinds_of_arguments() -> None:
    found = ag.rounding(lambda w, p: np.sum(w["a"] * p) * 0.1, argnums=(0, 1))({"a": np.ones(2)}, 3.0)
    assert set(found.gradient[0]) == set(found.gradient_error[0]) == {"a"}
    assert isinstance(found.gradient[1], float) and isinstance(found.gradient_error[1], float)
    still = ag.rounding(lambda x: 2.0)(1.0)
    assert (still.value, still.error, still.gradient, still.gradient_error) == (2.0, 0.0, 0.0, 0.0)
    assert ag.rounding(lambda x: x)(0.1).error == 0
    assert ag.rounding(np.log)(0.0).digits == 0
    assert "0 digits" in str(ag.rounding(lambda x: (x + 1e17) - 1e17)(0.5))


def test_what_is_refused() -> None:
    with pytest.raises(ShapeError, match="single number"):
        ag.rounding(lambda x: x)(np.ones(2))
    with pytest.raises(UnsupportedError, match=r"svd has several results; say how large .*deferror"):
        ag.rounding(lambda x: np.sum(np.linalg.svd(x)[1]))(np.eye(2))
    with pytest.raises(UnsupportedError, match=r"a step gives a Batched.* without ag.vmap"):
        ag.rounding(lambda x: np.sum(ag.vmap(np.sin)(x)))(np.ones(2))
    with pytest.raises(UnsupportedError, match="complex results"):
        ag.rounding(lambda x: np.abs(x * 1j))(1.0)

    @ag.primitive
    def mixed(x: Any) -> Any:
        return x[::-1] * 2

    ag.defvjp(mixed, lambda g, y, x: 2 * g[::-1])
    with pytest.raises(UnsupportedError, match=r"ag.roundoff.deferror\(mixed, error="):
        ag.rounding(lambda x: np.sum(mixed(x)))(np.ones(2))
    with pytest.raises(DTypeError):
        ag.rounding(np.sum)(np.array(["a"]))


def test_a_gradient_of_many_entries_is_bounded_in_parts() -> None:
    x = np.linspace(0.1, 2.0, 300)
    found = ag.rounding(lambda x: np.sum(np.sin(x) * x))(x)
    exact = [float(mp.sin(mpf(v)) + mpf(v) * mp.cos(mpf(v))) for v in x]
    assert (np.abs(found.gradient - exact) <= found.gradient_error + np.spacing(np.abs(exact)) / 2).all()
    assert found.gradient_error.max() < 1e-14
