"""Arrays and gradients keep the byte order of another machine."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn

DTYPES = [">f8", ">f4", ">f2", ">c16", "<f8"]
SHAPES = [(), (3,), (2, 3)]

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "square": lambda x: x * x,
    "one use": lambda x: 2 * x,
    "three uses": lambda x: x * x * x,
    "with a native array": lambda x: x * np.ones(3, "<f4") + np.arange(3.0),
    "broadcast": lambda x: x * np.ones((4, 2, 3)),
    "exp": lambda x: np.exp(x) + x,
    "reshape": lambda x: np.reshape(x, -1) * 2,
    "index": lambda x: x[..., None] * x[..., None],
    "cast": lambda x: x.astype(x.dtype.newbyteorder("=")) * x,
    "to the other order": lambda x: (x.astype(x.dtype.newbyteorder("S")) * x).astype(">c16"),
}


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_has_the_byte_order_of_its_tensor(dtype: str, shape: tuple[int, ...], f: str) -> None:
    array = np.linspace(0.5, 1.0, int(np.prod(shape))).reshape(shape).astype(dtype)
    native = array.astype(array.dtype.newbyteorder("="))
    x, y = ag.Tensor(array, requires_grad=True), ag.Tensor(native, requires_grad=True)
    assert x.dtype == np.dtype(dtype)
    for _ in range(2):  # once more: gradients add up
        for leaf in (x, y):
            np.sum(np.real(FUNCTIONS[f](leaf))).backward()
    assert (x.grad.dtype, x.grad.numpy().dtype, x.grad.shape) == (x.dtype, x.dtype, x.shape)
    np.testing.assert_array_equal(x.grad.numpy(), y.grad.numpy())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES[:2])
def test_so_it_is_in_every_door(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.full(shape, 1.5, dtype)
    g = ag.grad(lambda x: np.sum(x * x))(array)
    assert (g.dtype, g.shape) == (np.dtype(dtype), shape)
    x = ag.Tensor(array, requires_grad=True)
    assert ag.grad(lambda x: np.sum(x * x * x))(x).dtype == np.dtype(dtype)
    assert ag.vjp(lambda x: x * x, array)[1](np.ones(shape))[0].dtype == np.dtype(dtype)
    seen: list[Any] = []
    x.register_hook(lambda grad: seen.append(grad.dtype))
    np.sum(x * x * x).backward(create_graph=True)
    assert x.grad.dtype == np.dtype(dtype)
    assert x.grad.requires_grad
    if shape:
        assert seen == [np.dtype(dtype)]
    x.data -= 0.1 * x.grad.detach()
    x.data = x.data
    assert x.dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    "make", [nn.optim.SGD, nn.optim.Adam, nn.optim.RMSprop, nn.optim.Rprop, nn.optim.LBFGS]
)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_optimizers_keep_it(make: Any, shape: tuple[int, ...]) -> None:
    steps = []
    for dtype in (">f8", "<f8"):
        p = ag.Tensor(np.full(shape, 2.0, dtype), requires_grad=True)
        optimizer = make([p], lr=0.1)

        def closure(p: Any = p, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = np.sum(p * p * p)
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        assert p.dtype == np.dtype(dtype)
        steps.append(p.numpy())
    np.testing.assert_array_equal(*steps)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("dtype", [">f8", ">f4", ">c16"])
def test_a_pickle_keeps_the_byte_order(dtype: str, protocol: int) -> None:
    x = ag.Tensor(np.arange(3.0).astype(dtype), requires_grad=True)
    again = pickle.loads(pickle.dumps(x, protocol))
    assert (again.dtype, again.tolist()) == (np.dtype(dtype), x.tolist())
