"""The number of products that an op adds up, counted one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.work import multiply_adds


def counted(op: Any, *args: Any, **options: Any) -> int:
    return multiply_adds(op, op(*args, **options), *args, **options)


ones = np.ones


@pytest.mark.parametrize(
    ("op", "args", "products"),
    [
        (np.matmul, (ones((5, 3)), ones((3, 2))), 5 * 3 * 2),
        (np.matmul, (ones((7, 1, 5, 3)), ones((4, 3, 2))), 7 * 4 * 5 * 3 * 2),
        (np.matmul, (ones(3), ones(3)), 3),
        (np.matmul, (ones((5, 0)), ones((0, 2))), 0),
        (np.dot, (ones((5, 3)), ones((4, 3, 2))), 5 * 4 * 2 * 3),
        (np.dot, (3.0, ones(4)), 4),
        (np.dot, (ones(4), 3.0), 4),
        (np.inner, (ones((5, 3)), ones((2, 3))), 5 * 2 * 3),
        (np.vdot, (ones((5, 3)), ones((5, 3))), 15),
        (np.tensordot, (ones((5, 3, 4)), ones((3, 4, 2))), 5 * 3 * 4 * 2),
        (np.tensordot, (ones((5, 3)), ones((4, 2)), 0), 5 * 3 * 4 * 2),
        (np.tensordot, (ones((5, 0)), ones((0, 2)), 1), 0),
        (np.einsum, ("bij,jk->bik", ones((2, 3, 4)), ones((4, 5))), 2 * 3 * 4 * 5),
        (np.einsum, ("...i,kij,...j->...k", ones((6, 7, 2)), ones((4, 2, 3)), ones((7, 3))), 42 * 4 * 2 * 3),
        (np.einsum, ("i , i", ones(1), ones(5)), 5),
        (np.einsum, ("ii->", ones((3, 3))), 0),
        (np.tanh, (ones(3),), 0),
        (np.sum, (ones(3),), 0),
    ],
)  # fmt: skip
def test_products(op: Any, args: tuple[Any, ...], products: int) -> None:
    assert counted(op, *args) == products


@pytest.mark.parametrize("name", ["vecdot", "matvec", "vecmat"])
def test_products_of_later_versions(name: str) -> None:
    op = getattr(np, name, None)
    if op is None:
        pytest.skip("an op of a later version of NumPy")
    a, b = {"vecdot": ((5, 3), (3,)), "matvec": ((2, 5, 3), (3,)), "vecmat": ((3,), (2, 3, 5))}[name]
    assert counted(op, ones(a), ones(b)) == {"vecdot": 15, "matvec": 30, "vecmat": 30}[name]


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize("m", range(1, 7))
def test_overlaps_are_counted_as_numpy_adds_them(n: int, m: int, mode: str) -> None:
    """The convolution of ones is the number of products at each place."""
    y = np.convolve(ones(n), ones(m), mode)  # type: ignore[call-overload]
    assert multiply_adds(np.convolve, y, ones(n), ones(m), mode=mode) == y.sum()
    assert multiply_adds(np.convolve, y, ones(n), ones(m), mode) == y.sum()
    y = np.correlate(ones(n), ones(m), mode)  # type: ignore[call-overload]
    assert multiply_adds(np.correlate, y, ones(n), ones(m), mode=mode) == y.sum()


@pytest.mark.parametrize("op", [np.matmul, np.tensordot, np.dot])
def test_what_is_recorded_is_counted_too(op: Any) -> None:
    """Some ops are recorded as others that they are composed of."""
    with ag.Tape() as tape:
        op(ag.Tensor(ones((5, 3)), requires_grad=True), ones((3, 2)), *([1] if op is np.tensordot else []))
    found = sum(multiply_adds(node.op, node.value, *node.args, **(node.kwargs or {})) for node in tape.nodes)
    assert found == 30


def test_an_op_says_its_own() -> None:
    def forward(x: Any, *, times: int) -> Any:
        return x * times, times

    @ag.fused(forward, lambda g, times, needs: (g * times,), work=lambda y, x, *, times: x.size * times)
    def repeated(x: Any, *, times: int) -> Any:
        return x * times

    assert multiply_adds(repeated, None, ones((2, 3)), times=4) == 24
    assert repeated.work(None, ones(5), times=2) == 10  # type: ignore[attr-defined]


def test_a_fused_op_without_work_counts_as_entry_by_entry() -> None:
    @ag.fused(lambda x: (x + 1, None), lambda g, residuals, needs: (g,))
    def plus(x: Any) -> Any:
        return x + 1

    assert multiply_adds(plus, None, ones(3)) == 0


def test_frozen_layers_and_whole_numbers_count() -> None:
    """Nothing needs to be recorded: the layers ask their ops."""
    nn = pytest.importorskip("nn")
    model = nn.Sequential(nn.Embedding(10, 4), nn.LSTM(4, 3)).requires_grad_(False)
    assert nn.summary(model, np.zeros((5, 2), int)).multiply_adds == 10 * (12 * 4 + 12 * 3)
