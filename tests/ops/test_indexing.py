"""Indexing in every form, repeated indices, and functions that write into their argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import (
    AssignmentError,
    AutogradLiteError,
    DTypeError,
    IndexingError,
    ShapeError,
    UnsupportedError,
)
from autograd_lite.ops import indexing
from autograd_lite.ops.indexing import scatter
from autograd_lite.testing import check_grads
from tests.helpers import check_both_orders, second_order

RNG = np.random.default_rng(4)
MATRIX = RNG.normal(size=(3, 4))
FORMS: list[Any] = [
    0, -1, slice(1, None), slice(None, None, -2), (slice(None), 1), Ellipsis, None, (), (Ellipsis, None, 0),
    [0, 2], [], [[0, 1], [1, 2]], (0, [1, 2]), np.array([0, -1]), ([0, 1], [1, 2]), ([0, 1], slice(None)),
    (slice(None), [1], None), ([0], None, [1, 2]), np.ix_([0, 2], [1, 3]),
    (slice(1, 2), np.array([[0, 1], [2, 3]])), MATRIX > 0, MATRIX[:, 0] > -9,
    ([True, False, True], 1), (slice(None), [True, False, True, True]),
    ([True, False, True], [0, 3]), True, False, (True, 0), np.int64(1), np.uint8(2), np.array(1),
    (np.array(1), [0, 1]), np.array([1, 2], np.uint64), np.array([2, 0], np.int8),
]  # fmt: skip
WRONG: list[Any] = [9, [0.5], "a", [[0], [1, 2]], (0, 0, 0), np.ones((2, 2), bool), ([0, 1], [0, 1, 2]), 1.0]


@pytest.mark.parametrize("index", FORMS, ids=str)
def test_every_form_of_indexing(index: Any) -> None:
    x = ag.Tensor(MATRIX, requires_grad=True)
    y = x[index]
    expected = MATRIX[index]
    assert y.shape == expected.shape and np.array_equal(y.numpy(), expected)
    g = RNG.normal(size=expected.shape)
    y.backward(g)
    summed = np.zeros_like(MATRIX)
    np.add.at(summed, index, g)
    np.testing.assert_allclose(x.grad.numpy(), summed, rtol=1e-15)
    check_grads(lambda x: x[index] ** 2, (MATRIX,))


@pytest.mark.few(3)
@second_order
@pytest.mark.parametrize("index", FORMS, ids=str)
def test_every_form_of_assignment(index: Any, along: int | None) -> None:
    shape = MATRIX[index].shape
    for value in (RNG.normal(size=shape), RNG.normal(), RNG.normal(size=(1, *shape[:-1], 1))):

        def assigned(x: Any, v: Any) -> Any:
            y = x * 1.0
            y[index] = v
            return y * y

        target = MATRIX.copy()
        try:
            target[index] = value
        except TypeError:  # NumPy takes no two axes for the entries of a mask
            continue
        got = assigned(ag.Tensor(MATRIX, requires_grad=True), ag.Tensor(value, requires_grad=True))
        np.testing.assert_array_equal(got.numpy(), target**2)
        check_both_orders(assigned, (MATRIX, value), along)


@pytest.mark.parametrize("index", WRONG, ids=str)
def test_wrong_indices_are_refused(index: Any) -> None:
    x = ag.Tensor(MATRIX, requires_grad=True) * 1.0
    before = x.node
    with pytest.raises((IndexingError, ShapeError)):
        x[index]
    with pytest.raises((IndexingError, ShapeError)):
        x[index] = 1.0
    assert x.node is before and np.array_equal(x.numpy(), MATRIX)


@pytest.mark.parametrize("index", [[0, 1], [[0, 1], [1, 2]], ([0, 1], [1, 1]), np.array([0, 1])])
def test_an_index_that_is_changed_later_does_no_harm(index: Any) -> None:
    x = ag.Tensor(MATRIX, requires_grad=True)
    expected = MATRIX[index]
    y = x[index]
    first = index[0] if isinstance(index, tuple) or isinstance(index[0], list) else index
    first[0] = 2
    y.backward(expected)
    assert np.array_equal(x.grad.numpy() != 0, np.isin(MATRIX, expected))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.complex128, np.complex64])
@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((7,), RNG.integers(-7, 7, 900)),
        ((100_000,), RNG.integers(0, 100_000, 900)),
        ((50, 8), RNG.integers(-50, 50, 3000)),  # rows, some of them hundreds of times
        ((3, 8), RNG.integers(0, 3, (40, 100))),
        ((2, 8), np.where(np.arange(3000) % 1500, 0, 1)),
        ((70_000, 2), RNG.integers(0, 70_000, 9000)),
        ((50, 2, 3), RNG.integers(0, 50, 40)),
        ((4, 30), (slice(None), RNG.integers(-30, 30, 200))),
        ((2, 3, 30, 2), (slice(None), slice(None), RNG.integers(0, 30, (40, 10)))),
        ((300, 3), (slice(None), RNG.integers(0, 3, 200))),
        ((20, 30), (RNG.integers(-20, 20, 900), RNG.integers(-30, 30, 900))),
        ((20, 30, 2), (RNG.integers(0, 20, 900), slice(None), RNG.integers(0, 2, 900))),
        ((20, 30), (RNG.integers(0, 20, 900), 3)),
    ],
    ids=str,
)
def test_places_named_many_times_add_up(shape: tuple[int, ...], index: Any, dtype: Any) -> None:
    def draw(*size: int) -> Any:
        return RNG.normal(size=size)

    g = draw(*np.empty(shape, bool)[index].shape)
    g = (g + 1j * draw(*g.shape) if np.dtype(dtype).kind == "c" else g).astype(dtype)
    expected = np.zeros(shape, np.complex128 if g.dtype.kind == "c" else np.float64)
    np.add.at(expected, index, g)
    got = scatter(g, index, shape)
    assert got.dtype == dtype
    terms = np.zeros(shape)
    np.add.at(terms, index, np.abs(g))
    assert np.all(np.abs(got - expected) <= 64 * np.finfo(dtype).eps * (terms + 1e-300))


def test_a_long_group_is_summed_in_pieces() -> None:
    """Rows that all go to one place: more than DEEP squared, so that what was cut is cut again."""
    n = (16 * indexing.DEEP) ** 2 + 3
    got = scatter(np.ones((n, 2), np.float32), np.full(n, 1), (3, 2))
    assert got.tolist() == [[0, 0], [n, n], [0, 0]]


# -- functions that write into their argument ------------------------------------------------------

MASK = MATRIX > 0
WRITERS: list[Callable[[Any, Any], Any]] = [
    lambda x, v: np.put(x, [0, 5], v),
    lambda x, v: np.put_along_axis(x, np.array([[1]]), v, 0),
    lambda x, v: np.place(x, MASK, v),
    lambda x, v: np.putmask(x, MASK, v),
    lambda x, v: np.copyto(x, v),
    lambda x, v: np.fill_diagonal(x, v),
]


def agrees(write: Callable[[Any], Any], array: Any) -> None:
    """`write` leaves in a Tensor what it leaves in an array, or raises for both and changes neither."""
    expected = array.copy()
    try:
        write(expected)
    except (ValueError, TypeError, IndexError):
        expected = None
    for recorded in (True, False):
        x = ag.Tensor(array, requires_grad=recorded and array.dtype.kind == "f").copy()
        if expected is None:
            with pytest.raises(AutogradLiteError):
                write(x)
            assert np.array_equal(x.numpy(), array)
        else:
            assert write(x) is None
            assert x.dtype == expected.dtype and np.array_equal(x.numpy(), expected)


@pytest.mark.parametrize("array", [MATRIX, MATRIX[0], RNG.normal(size=(3, 3, 3)), np.arange(6)], ids=str)
def test_writing_is_numpys(array: Any) -> None:
    few, many = [4.0, 5.0, 6.0], [1.0] * 40
    for values in (1.0, few, many):
        for where in ([0, 2, 2], 3, [[0, 1], [2, -1]], 99, []):
            for mode in ("raise", "wrap", "clip"):
                agrees(lambda x, w=where, v=values, m=mode: np.put(x, w, v, mode=m), array)
        agrees(lambda x, v=values: np.place(x, array > 1, v), array)
        agrees(lambda x, v=values: np.putmask(x, array > 1, v), array)
        for wrap in (False, True):
            agrees(lambda x, v=values, w=wrap: np.fill_diagonal(x, v, w), array)
        agrees(lambda x, v=values: np.copyto(x, v), array)
        agrees(lambda x, v=values: np.copyto(x, v, casting="unsafe", where=array > 0), array)
    agrees(lambda x: np.place(x, array > 1e9, []), array)
    agrees(lambda x: np.put(x, [0], []), array)
    agrees(lambda x: np.copyto(x, np.array(1.5)), array)
    agrees(lambda x: np.put_along_axis(x, np.zeros((1,) * array.ndim, int), 9, -1), array)
    agrees(lambda x: np.put_along_axis(x, np.array([1, 2]), [7, 8], None), array)


@pytest.mark.parametrize("write", WRITERS)
def test_writing_rebinds_as_assignment_does(write: Any) -> None:
    leaf, value = ag.Tensor(MATRIX, requires_grad=True), ag.Tensor(2.0, requires_grad=True)
    with pytest.raises(AssignmentError, match=r"x\.copy\(\)"):
        write(leaf, 1.0)
    x = leaf * 3.0
    before = x * x
    write(x, value)
    assert np.array_equal(before.numpy(), (3 * MATRIX) ** 2)
    count = np.count_nonzero(x.numpy() == 2.0)
    (before.sum() + x.sum()).backward()
    assert value.grad.item() == count > 0
    written = x.numpy() == 2.0
    np.testing.assert_allclose(leaf.grad.numpy(), 18 * MATRIX + np.where(written, 0, 3.0))


@pytest.mark.parametrize("write", WRITERS)
def test_an_array_cannot_hold_what_is_on_the_tape(write: Any) -> None:
    array = MATRIX.copy()
    with pytest.raises(UnsupportedError, match=r"a = ag\.Tensor\(a\)"):
        write(array, ag.Tensor(2.0, requires_grad=True))
    assert np.array_equal(array, MATRIX)
    write(array, ag.Tensor(2.0))
    assert np.any(array == 2.0)


def test_what_cannot_be_held_is_refused() -> None:
    whole = ag.Tensor(np.arange(4))
    with pytest.raises(DTypeError, match="astype"):
        np.put(whole, [0], ag.Tensor(2.5, requires_grad=True))
    assert whole.tolist() == [0, 1, 2, 3]


# -- choices ---------------------------------------------------------------------------------------


def test_choices_are_numpys() -> None:
    a, b = MATRIX, MATRIX[0].astype(np.float32)
    for call in (
        lambda a, b: np.select([a > 0, b > 0], [a, b]),
        lambda a, b: np.select([a > 0, b > 0], [b, 1], 2),
        lambda a, b: np.select([b > 0], [b], 0),
        lambda a, b: np.choose([0, 1, 1, 0], [a, b]),
        lambda a, b: np.choose([[5], [-1], [1]], [a, b], mode="clip"),
        lambda a, b: np.choose([1, 0, 2], a[:, :3]),
        lambda a, b: np.piecewise(b, [b > 0], [np.sin, lambda v: v * v]),
        lambda a, b: np.piecewise(a, [a > 1, a > 0, a < -1], [1, 2, np.abs, 3]),
        lambda a, b: np.piecewise(b, b > 0, [lambda v, k: v * k], 3),
        lambda a, b: np.piecewise(a, [a > 0, a < 9], [1, lambda v: v - v.mean()]),
        lambda a, b: np.piecewise(a[0, 0], True, [np.exp]),
    ):
        got = call(ag.Tensor(a, requires_grad=True), ag.Tensor(b, requires_grad=True))
        expected = call(a, b)
        assert isinstance(got, ag.Tensor) and got.dtype == expected.dtype
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)
    x = ag.Tensor(MATRIX, requires_grad=True)
    for wrong in (
        lambda: np.select([x > 0], [x, x]),
        lambda: np.select([x.numpy()], [x]),
        lambda: np.choose([0, 2], [x, x]),
        lambda: np.piecewise(x, [x > 0], [1, 2, 3]),
    ):
        with pytest.raises((ValueError, TypeError)) as caught:
            wrong()
        assert isinstance(caught.value, AutogradLiteError)


def test_a_piece_may_be_a_tensor() -> None:
    x, level = ag.Tensor([-1.0, 2.0, 3.0], requires_grad=True), ag.Tensor(5.0, requires_grad=True)
    np.sum(np.piecewise(x, [x > 0], [level, lambda v: v * v])).backward()
    assert x.grad.tolist() == [-2.0, 0.0, 0.0] and level.grad.item() == 2.0
