"""Sums keep their digits at any length, along any axis, in any precision; counts have no dtype.

The tests add 0.1 a million times, the worst case of a sum row by row: every addition rounds the same way.
The reference is the exact sum, as a product of Python numbers or by `math.fsum`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.ops.indexing import scatter
from autograd_lite.sums import contracted, mean, total
from autograd_lite.testing import check_grads

N = 200_000
TENTH = np.float32(0.1)
EXACT = float(TENTH)
FEW = 6e-7
"""A few 1e-7 of the sum of magnitudes."""


def weights(*shape: int) -> Any:
    return np.full(shape, TENTH)


def near(got: Any, expected: Any, rel: float = 0.0, abs: float = 0.0) -> bool:
    """`pytest.approx` of large arrays, which takes seconds."""
    return bool(np.allclose(got, expected, rtol=rel, atol=abs))


# -- the function itself ---------------------------------------------------------------------------

LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "in order": lambda x: x,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", ">f4", ">f2"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((3333, 7), 0),
        ((33, 5), 0),
        ((1000, 3, 4), (0, 2)),
        ((3, 1000, 4), 1),
        ((3, 1000, 4), (-2, 0)),
        ((7, 300, 5, 40), (1, 3)),
        ((3333, 1), 0),
        ((50, 60), None),
        ((5, 700), -1),
    ],
)
def test_total_is_the_exact_sum(shape: Any, axis: Any, dtype: str, layout: str) -> None:
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(1, 1, shape) * 64) / 64  # whose sums are exact in double precision
    x = LAYOUTS[layout](x.astype(dtype))
    got = total(x, axis)
    expected = np.sum(x.astype(np.result_type(x, np.float64)), axis=axis)
    size = np.sum(np.abs(x.astype(np.result_type(x, np.float64))), axis=axis)
    assert got.shape == expected.shape
    assert got.dtype == np.result_type(x, np.float32)
    assert np.all(np.abs(got - expected) <= 8 * np.finfo(got.dtype).eps * size)
    assert np.array_equal(total(x, axis, keepdims=True).ravel(), np.ravel(got))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 47, 255, 256, 257, 513, 4099])
def test_every_row_is_added_once(n: int) -> None:
    rows = np.arange(3.0 * n).reshape(n, 3)
    assert total(rows, 0).tolist() == [math.fsum(column) for column in rows.T]
    assert total(np.ones((2, n, 2, 3)), (1, 3)).tolist() == [[3.0 * n] * 2] * 2


def test_nothing_adds_up_to_0() -> None:
    assert total(np.zeros((0, 3)), 0).tolist() == [0, 0, 0]
    assert total(np.zeros((40, 0)), 0).shape == (0,)
    assert total(np.float32(2), -1) == 2
    assert total(np.ones((300, 2), int), 0).tolist() == [300, 300]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_in_its_column(value: float) -> None:
    rows = np.ones((1000, 3))
    rows[517, 1] = value
    assert np.array_equal(total(rows, 0), [1000, value, 1000], equal_nan=True)


def test_a_recorded_sum_is_an_op() -> None:
    x = np.linspace(0.5, 1.5, 120).reshape(40, 3)
    check_grads(lambda x: total(np.sin(x) * x, 0), (x,))
    check_grads(lambda x: mean(x**3, (0, 1), keepdims=True), (x,))
    check_grads(contracted, (x.T, x[:, :1]))


def test_a_narrow_product_is_cut() -> None:
    a, b = weights(2, 1_000_003), weights(1_000_003, 1)
    assert near(contracted(a, b), 1_000_003 * EXACT * EXACT, rel=2 * FEW)
    x = np.random.default_rng(0).normal(size=(5, 2, 1500))
    assert np.allclose(contracted(x, x.mT), x @ x.mT, rtol=1e-12)
    check_grads(contracted, (x[0], x[1].T), directions=3)


# -- gradients of what is broadcast ----------------------------------------------------------------

BROADCAST: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "add": (lambda b: np.zeros((N, 2), "f4") + b, (2,)),
    "multiply": (lambda b: np.ones((N, 2), "f4") * b, (2,)),
    "a single number": (lambda b: np.ones((N, 2), "f4") * b, ()),
    "columns": (lambda b: np.zeros((2, N), "f4") + b, (2, 1)),
    "channels": (lambda b: np.zeros((N // 8, 3, 8), "f4") + b, (3, 1)),
    "where": (lambda b: np.where(np.ones((N, 1), bool), b, 0), (2,)),
    "maximum": (lambda b: np.maximum(np.full((N, 1), -1, "f4"), b), (2,)),
    "minimum": (lambda b: np.minimum(np.full((N, 1), 1, "f4"), b), (2,)),
    "clip": (lambda b: np.clip(b, np.full((N, 1), -1, "f4"), 1), (2,)),
    "bounds of clip": (lambda b: np.clip(np.full((N, 2), -1, "f4"), b, 1), (2,)),
    "broadcast_to": (lambda b: np.broadcast_to(b, (N, 2)), (2,)),
    "broadcast_arrays": (lambda b: np.broadcast_arrays(b, np.zeros((N, 1)))[0], (2,)),
    "meshgrid": (lambda b: np.meshgrid(b, np.zeros(N))[0], (2,)),
    "tile": (lambda b: np.reshape(np.tile(b, N), (N, 2)), (2,)),
    "repeat": (lambda b: np.repeat(np.reshape(b, (1, 2)), N, axis=0), (2,)),
    "repeat as often as said": (lambda b: np.repeat(np.reshape(b, (1, 2)), [N], axis=0), (2,)),
    "resize": (lambda b: np.resize(b, (N, 2)), (2,)),
    "full_like": (lambda b: np.full_like(ag.Tensor(np.zeros((N, 1), "f4")), b), (1,)),
    "pad": (lambda b: np.pad(np.reshape(b, (1, 2)), ((0, N - 1), (0, 0)), "edge"), (2,)),
    "linspace": (lambda b: np.linspace(b, b, N, dtype="f4"), (2,)),
    "outer": (lambda b: np.outer(np.ones(N, "f4"), b), (2,)),
    "kron": (lambda b: np.kron(np.ones((N, 1), "f4"), np.reshape(b, (1, 2))), (2,)),
    "einsum": (lambda b: np.einsum("ij,j->ij", np.ones((N, 2), "f4"), b), (2,)),
    "einsum with a view": (lambda b: np.einsum("...i,i->i...", np.ones((N, 2), "f4"), b).T, (2,)),
    "matmul": (lambda b: np.ones((N, 1), "f4") @ np.reshape(b, (1, 2)), (2,)),
    "matmul of a stack": (lambda b: np.ones((N, 1, 1), "f4") @ np.reshape(b, (1, 1, 2)), (2,)),
    "matmul from the left": (lambda b: np.reshape(b, (2, 1)) @ np.ones((N, 1, 1), "f4"), (2,)),
    "vecmat": (lambda b: np.vecdot(np.ones((N, 1, 1), "f4"), np.reshape(b, (2, 1))), (2,)),
    "dot": (lambda b: np.dot(np.ones((N, 1), "f4"), np.reshape(b, (1, 2))), (2,)),
    "tensordot": (lambda b: np.tensordot(np.ones(N, "f4"), b, 0), (2,)),
    "take": (lambda b: np.take(np.reshape(b, (1, 2)), np.zeros(N, int), axis=0), (2,)),
    "take of single entries": (lambda b: np.take(b, np.arange(2 * N) % 2), (2,)),
    "take from many": (lambda b: np.concatenate([b, np.zeros(9 * N, "f4")])[np.arange(2 * N) % 2], (2,)),
    "take of columns": (lambda b: np.take(np.reshape(b, (2, 1)), np.zeros(N, int), axis=1), (2,)),
    "an index of several axes": (
        lambda b: np.reshape(b, (1, 2, 1))[np.zeros(N, int), :, np.zeros(N, int)],
        (2,),
    ),
    "choose": (lambda b: np.choose(np.zeros((N, 1), int), [b, np.zeros(2, "f4")]), (2,)),
    "assignment": (lambda b: _assigned(b), (2,)),
}


def _assigned(b: Any) -> Any:
    x = ag.Tensor(np.zeros((N, 2), "f4"))
    x[:] = b
    return x


@pytest.mark.parametrize("name", BROADCAST)
def test_the_gradient_of_what_is_broadcast(name: str) -> None:
    f, shape = BROADCAST[name]
    b = np.full(shape, 0.5, np.float32)

    def loss(b: Any) -> Any:
        y = f(b)
        return np.sum(y * np.full(y.shape, TENTH))

    got = ag.grad(loss)(b)
    entries = f(ag.Tensor(b)).size
    assert got.dtype == np.float32
    assert np.shape(got) == shape
    assert near(got, entries * EXACT / max(1, math.prod(shape)), rel=FEW)


@pytest.mark.parametrize("name", ["add", "multiply", "where", "einsum", "matmul", "take", "repeat"])
def test_so_is_a_recorded_gradient(name: str) -> None:
    """Of the gradient of sum(c y^2), which is 2 c y summed, the derivative again."""
    f, shape = BROADCAST[name]
    x = np.full(shape, 0.5, np.float32)

    def slope(b: Any) -> Any:
        y = f(b)
        return np.sum(ag.grad(lambda b: np.sum(f(b) * f(b) * np.full(y.shape, TENTH)))(b))

    expected = 2 * EXACT * N
    assert near(ag.grad(slope)(x), np.full(shape, expected), rel=2 * FEW)


def test_as_exact_as_pytorch_on_random_numbers() -> None:
    rng = np.random.default_rng(0)
    g = rng.normal(size=(300_000, 3)).astype(np.float32)
    got = ag.grad(lambda b: np.sum((np.zeros_like(g) + b) * g))(np.zeros(3, np.float32))
    exact = [math.fsum(column) for column in g.T.tolist()]
    assert np.all(np.abs(got - exact) <= FEW * np.abs(g).sum(axis=0))


def test_the_gradient_of_a_running_sum() -> None:
    got = ag.grad(lambda x: np.sum(np.cumsum(x) * TENTH))(np.zeros(N, np.float32))
    assert near(got, EXACT * np.arange(N, 0, -1), rel=FEW)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("op", [ag.softmax, ag.log_softmax], ids=["softmax", "log_softmax"])
def test_softmax_over_many(op: Any, axis: int) -> None:
    shape = (N, 2) if axis == 0 else (2, N)
    x, g = np.zeros(shape, np.float32), np.arange(2 * N, dtype=np.float32).reshape(shape) / N
    y, pull = ag.vjp(lambda x: op(x, axis=axis), x)
    wide, wide_pull = ag.vjp(lambda x: op(x, axis=axis), x.astype(float))
    assert near(y, wide, rel=FEW)
    assert near(pull(g)[0], wide_pull(g.astype(float))[0], abs=FEW * np.abs(wide).max() * 2)


@pytest.mark.parametrize("order", [1, 2, 3.5, np.inf])
def test_norms_along_the_first_axis(order: float) -> None:
    x = np.full((N, 2), TENTH)
    got = np.linalg.norm(ag.Tensor(x), order, axis=0).numpy()
    assert near(got, EXACT * float(N) ** (1 / order), rel=FEW)
    slope = ag.grad(lambda x: np.sum(np.linalg.norm(x, order, axis=0)))(x)
    assert near(slope, np.full((N, 2), float(N) ** (1 / order - 1)), rel=2 * FEW)


@pytest.mark.parametrize("op", [np.var, np.std, np.nanvar, np.nanstd], ids=lambda op: op.__name__)
def test_spreads_along_the_first_axis(op: Any) -> None:
    x = np.tile(np.array([[0.3], [0.7], [0.2]], np.float32), (N // 3, 2))
    got = ag.grad(lambda x: np.sum(op(x, axis=0)))(x)
    wide = ag.grad(lambda x: np.sum(op(x, axis=0)))(x.astype(float))
    assert near(got, wide, rel=4 * FEW, abs=FEW * np.abs(wide).max())


@pytest.mark.few(3)
@pytest.mark.parametrize("rows", [1, 2, 40, 1000])
@pytest.mark.parametrize("width", [(), (1,), (3,), (40,)])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8"])
def test_reads_of_one_place_add_up(dtype: str, width: tuple[int, ...], rows: int) -> None:
    """Many reads of few places, and of one place among very many."""
    rng = np.random.default_rng(0)
    for n in (5, 60, 3000, 20_000):
        g = rng.uniform(0.5, 1, (n, *width)).astype(dtype)
        places = rng.integers(-rows, rows, n)
        for size in (rows, 100 * rows):
            got = scatter(g, places, (size, *width))
            expected = np.zeros((size, *width), np.result_type(dtype, np.float64))
            np.add.at(expected, places, g)
            assert got.dtype == dtype
            limit = np.finfo(dtype).eps * (1 if dtype == "f2" else 3 if dtype != "f8" else 200)
            fine = np.abs(expected) < 60_000  # beyond, half precision is inf
            assert np.all(np.abs(got - expected)[fine] <= limit * np.abs(expected)[fine])


# -- half precision, and counts --------------------------------------------------------------------

LOTS = 70_000
"""More than half precision holds."""

ONES = np.ones(LOTS, np.float16)

EACH: dict[str, Callable[[Any], Any]] = {
    "mean": np.mean,
    "mean of an axis": lambda x: np.mean(x, axis=0),
    "average": np.average,
    "weighted average": lambda x: np.average(x, weights=np.ones(LOTS, "f2")),
    "nanmean": np.nanmean,
    "max": np.max,
    "min": np.min,
    "nanmax": np.nanmax,
    "logsumexp": ag.logsumexp,
    "mean of columns": lambda x: np.mean(np.reshape(x, (-1, 7)), axis=0)[0] * np.float16(1 / 7) * 7,
}


@pytest.mark.parametrize("name", [k for k in EACH if k != "mean of columns"])
def test_each_of_70000_half_numbers_has_its_part(name: str) -> None:
    got = ag.grad(EACH[name])(ONES)
    assert got.dtype == np.float16
    assert np.all(got == np.float16(1 / LOTS))


@pytest.mark.parametrize("op", [np.mean, np.average, np.nanmean, ag.logsumexp], ids=lambda op: op.__name__)
def test_the_value_is_in_range(op: Any) -> None:
    got = op(ag.Tensor(ONES, requires_grad=True))
    assert got.dtype == np.float16
    assert got.item() == np.float16(1 + math.log(LOTS) if op is ag.logsumexp else 1)


def test_the_mean_of_broadcast_columns() -> None:
    got = ag.grad(lambda b: np.mean(np.broadcast_to(b, (LOTS, 2))))(np.ones(2, np.float16))
    assert near(got, 0.5, rel=1e-3)  # an entry, 7e-6, has 7 bits in half precision
    got = ag.grad(lambda b: np.sum(np.broadcast_to(b, (LOTS, 2)) * np.float16(1e-3)))(np.ones(2, np.float16))
    assert near(got, 70, rel=1e-3)


@pytest.mark.parametrize("op", [np.var, np.std, np.nanvar, np.nanstd], ids=lambda op: op.__name__)
def test_spreads_of_70000_half_numbers(op: Any) -> None:
    x = np.tile(np.array([100, 300], np.float16), LOTS // 2)
    if op in (np.nanvar, np.nanstd):  # whose value NumPy computes in half
        x = x / np.float16(4096)
    expected = ag.grad(op)(x.astype(float))
    with np.errstate(over="ignore", invalid="ignore"):
        got = ag.grad(op)(x)
    assert np.all(np.isfinite(got))
    assert near(got, expected, rel=2e-3, abs=6e-8)


@pytest.mark.parametrize("op", [ag.softmax, ag.log_softmax], ids=["softmax", "log_softmax"])
def test_softmax_of_70000_half_numbers(op: Any) -> None:
    x = np.zeros(LOTS, np.float16)
    y, pull = ag.vjp(op, x)
    wide, wide_pull = ag.vjp(op, x.astype(float))
    assert near(y, wide, rel=2e-3)
    g = np.where(np.arange(LOTS) < 3, 1, 0).astype(np.float16)
    assert near(pull(g)[0], wide_pull(g.astype(float))[0], rel=2e-3, abs=1e-7)


def test_a_quantile_finds_its_place_among_70000_half_numbers() -> None:
    x = np.tile(np.arange(7, dtype=np.float16), LOTS // 7)
    got = ag.grad(np.median)(x)
    assert got.sum() == 1
    assert set(np.flatnonzero(got) % 7) == {3}


def test_norms_of_70000_half_numbers() -> None:
    x = np.ones(LOTS, np.float16)
    assert np.linalg.norm(ag.Tensor(x)).item() == np.float16(math.sqrt(LOTS))
    assert near(ag.grad(np.linalg.norm)(x), 1 / math.sqrt(LOTS), rel=1e-3)
    assert np.linalg.norm(ag.Tensor(x / 4), 1).item() == np.float16(LOTS / 4)


def test_a_count_is_not_rounded() -> None:
    """Single precision counts to 2^24 by ones, half precision to 2,048."""
    assert ag.grad(np.mean)(np.ones(2049, np.float16))[0] == np.float16(1 / 2049)
    nans = np.where(np.arange(5000) < 2051, 1, np.nan).astype(np.float16)
    assert ag.grad(np.nanmean)(nans)[0] == np.float16(1 / 2051)


def test_second_derivatives_in_half_precision() -> None:
    got = ag.grad(lambda x: np.sum(ag.grad(lambda x: np.mean(x * x))(x) * 64))(ONES)
    assert near(got, 128 / LOTS, rel=2e-3)


def _of_kernel(kernel: Any) -> Any:
    return np.sum(np.convolve(np.full(1_000_000, np.float32(0.1)), kernel))


def test_the_kernel_of_a_long_convolution() -> None:
    exact = 1_000_000 * float(np.float32(0.1))
    kernel = np.zeros(3, np.float32)
    # A matrix product of pieces, which the BLAS of each NumPy rounds in its own way.
    np.testing.assert_allclose(ag.grad(_of_kernel)(kernel), exact, rtol=1e-6)
    np.testing.assert_allclose(
        ag.grad(lambda x: np.sum(np.correlate(np.full(1_000_000, np.float32(0.1)), x, "same")))(kernel),
        [exact, exact, exact],
        rtol=2e-6,  # the ends hang over by one entry
    )
    x = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    check_grads(lambda v: np.sum(np.sin(np.convolve(x.astype(float), v, "valid"))), (np.ones(2),))
    second = ag.grad(lambda v: np.sum(ag.grad(lambda v: np.sum(np.convolve(x, v) ** 2))(v)))(kernel)
    np.testing.assert_allclose(second, _gram(x), rtol=1e-5)


def _gram(x: Any) -> Any:
    """Twice the row sums of the products of x with itself, moved by up to two entries."""
    x = x.astype(float)
    moved = [x @ x, x[1:] @ x[:-1], x[2:] @ x[:-2]]
    return 2 * np.array([sum(moved[abs(i - j)] for j in range(3)) for i in range(3)])
