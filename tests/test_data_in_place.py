"""`x.data` and any other plain array take arithmetic in place, with arrays and with Tensors alike."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DTypeError, ShapeError, UnsupportedError

IN_PLACE = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "**=": operator.ipow,
    "//=": operator.ifloordiv,
    "%=": operator.imod,
}


@pytest.mark.parametrize("symbol", IN_PLACE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("value", [[1.0, 2.0], 3.0], ids=["vector", "number"])
@pytest.mark.parametrize("leaf", [True, False], ids=["leaf", "constant"])
@pytest.mark.parametrize("wrap", [ag.Tensor, np.array, float], ids=["Tensor", "array", "number"])
def test_data_takes_every_operator(symbol: str, dtype: Any, value: Any, leaf: bool, wrap: Any) -> None:
    x = ag.Tensor(np.array(value, dtype), requires_grad=leaf)
    expected = IN_PLACE[symbol](np.array(value, dtype), 2.5)
    x.data = IN_PLACE[symbol](x.data, wrap(2.5))  # what Python makes of x.data -= y
    np.testing.assert_array_equal(x.numpy(), expected)
    assert (x.dtype, x.shape, x.requires_grad) == (dtype, np.shape(value), leaf)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, ">f8"])
def test_the_loop_of_every_lecture(dtype: Any) -> None:
    X = np.linspace(-1, 1, 20).astype(dtype)
    w, b = (ag.Tensor(np.array(0.0, dtype), requires_grad=True) for _ in range(2))
    for _ in range(200):
        w.grad = b.grad = None
        loss = np.mean((w * X + b - (3 * X + 1)) ** 2)
        loss.backward()
        w.data -= 0.3 * w.grad
        b.data -= 0.3 * b.grad
    assert (w.dtype, b.dtype) == (np.dtype(dtype), np.dtype(dtype))
    assert (round(w.item(), 4), round(b.item(), 4)) == (3.0, 1.0)


def test_the_leaf_sees_what_is_written_into_its_data() -> None:
    for value in ([1.0, 2.0], 1.0):
        x, step = ag.Tensor(value, requires_grad=True), ag.Tensor(np.ones_like(value))
        data = x.data
        data += step
        np.subtract(data, ag.Tensor(0.5), out=data)
        np.testing.assert_array_equal(x.numpy(), np.array(value) + 0.5)
        np.sum(x * x).backward()
        np.testing.assert_array_equal(x.grad.numpy(), 2 * np.array(value) + 1)


def test_a_matrix_product_in_place() -> None:
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 0.0], [1.0, 4.0]])
    x = ag.Tensor(a, requires_grad=True)
    x.data @= ag.Tensor(b)
    np.testing.assert_array_equal(x.numpy(), a @ b)


def test_parts_and_masks_of_data() -> None:
    x = ag.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    x.data[1:] -= ag.Tensor([1.0, 1.0])
    x.data[0] += ag.Tensor(4.0)
    x.data[np.array([False, False, True])] *= ag.Tensor(10.0)
    assert x.tolist() == [5.0, 1.0, 20.0]
    x.data.add_(ag.Tensor(1.0)).mul_(ag.Tensor([1.0, 2.0, 0.0]))
    assert x.tolist() == [6.0, 4.0, 0.0]


def test_running_averages_in_plain_arrays() -> None:
    mean, count, seen = np.zeros(2), np.zeros(2, int), np.array([True, True])
    mean *= ag.Tensor(0.9)
    mean += ag.Tensor([1.0, 2.0]) * 0.1
    count += ag.Tensor([1, 2])
    seen &= ag.Tensor([True, False])
    np.add.at(count, ag.Tensor([0, 0]), ag.Tensor([1, 1]))
    np.testing.assert_allclose(mean, [0.1, 0.2])
    assert (count.tolist(), seen.tolist()) == ([3, 2], [True, False])


def test_parameters_of_a_module_too() -> None:
    layer = nn.Linear(3, 2)
    before = {name: p.numpy().copy() for name, p in layer.named_parameters()}
    layer(np.ones((4, 3), np.float32)).sum().backward()
    for p in layer.parameters():
        p.data -= 0.5 * p.grad
    for name, p in layer.named_parameters():
        assert p.dtype == np.float32
        np.testing.assert_allclose(p.numpy(), before[name] - 2.0, rtol=1e-6)


def test_what_is_on_the_tape_still_raises() -> None:
    array, x = np.zeros(2), ag.Tensor([1.0, 2.0], requires_grad=True)

    def at() -> None:
        np.add.at(array, [0, 1], x)

    for write in (lambda: operator.iadd(array, x), lambda: operator.imul(array, x * 2), at):
        with pytest.raises(UnsupportedError, match="cannot be recorded"):
            write()
    with pytest.raises(UnsupportedError, match="results are new Tensors"):
        np.add(x.detach(), 1.0, out=x.detach())
    assert array.tolist() == [0.0, 0.0]
    with ag.no_grad():
        array += x
    assert array.tolist() == [1.0, 2.0]


MISFITS: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda x: operator.isub(x.data, ag.Tensor([1.0, 2.0, 3.0])), ShapeError, r"\(2,\), float64 \(3,\)"),
    (
        lambda x: operator.isub(x.data, ag.Tensor(np.ones((2, 2)))),
        ShapeError,
        r"output operand with shape \(2,\)",
    ),
    (lambda x: operator.iadd(np.zeros(2, int), ag.Tensor(0.5)), DTypeError, "Cannot cast"),
]


@pytest.mark.parametrize(("write", "error", "message"), MISFITS)
def test_what_does_not_fit_says_so(write: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(error, match=message):
        write(x)
    assert x.tolist() == [1.0, 2.0]
