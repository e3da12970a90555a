"""A subclass of Tensor survives ops: with one among the inputs, the result has its class."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn


class Mine(ag.Tensor):
    """A subclass with attributes of its own."""


class Narrower(Mine):
    """A subclass of the subclass."""

    __slots__ = ()


class Other(ag.Tensor):
    """Another one."""

    __slots__ = ()


class Loud(ag.Tensor):
    """A subclass that has an operator of its own, which asks Tensor's."""

    def __mul__(self, other: Any) -> Any:
        return super().__mul__(other)


ARRAY = np.array([[0.3, -0.7, 1.1], [0.2, 0.9, -0.4]])
SQUARE = np.array([[2.0, 0.3], [0.1, 1.5]])


def mine(data: Any = ARRAY, requires_grad: bool = True) -> Mine:
    return Mine(data, requires_grad=requires_grad)


BINARY = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.mod),
    *(operator.lt, operator.ge, operator.eq, operator.ne, operator.floordiv),
]


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("other", [2.0, np.float64(2.0), 2.0 + ARRAY**2, (2.0 + ARRAY**2).tolist()], ids=repr)
def test_operators_with_plain_operands(op: Callable[..., Any], other: Any) -> None:
    x = mine()
    left, right = op(x, other), op(other, x)
    assert type(left) is type(right) is Mine
    np.testing.assert_array_equal(left.numpy(), op(ARRAY, np.asarray(other)))
    np.testing.assert_array_equal(right.numpy(), op(np.asarray(other), ARRAY))


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("recorded", [False, True])
def test_operators_with_tensors_on_either_side(op: Callable[..., Any], recorded: bool) -> None:
    plain = ag.Tensor(2.0 + ARRAY**2, requires_grad=recorded)
    for x in (mine(), mine(requires_grad=False)):
        assert type(op(x, plain)) is type(op(plain, x)) is Mine
        np.testing.assert_array_equal(op(plain, x).numpy(), op(plain.numpy(), ARRAY))


FUNCTIONS: list[Callable[[Any], Any]] = [
    *(operator.neg, operator.pos, abs, np.sin, np.exp, np.sign, np.floor, np.isnan, ag.sigmoid, ag.relu),
    *(np.sum, np.mean, np.max, np.argmax, np.argsort, np.transpose, np.copy, np.cumsum, ag.softmax, np.diff),
    *(np.zeros_like, np.ones_like, lambda x: np.full_like(x, 3.0)),
    lambda x: np.where(x > 0, x, 0.0),
    lambda x: np.stack([x, ARRAY]),
    lambda x: np.concatenate([ARRAY, x]),
    lambda x: np.block([[x], [x]]),
    lambda x: np.select([x > 0], [ARRAY], 1.0),
    lambda x: np.pad(x, 1),
    lambda x: np.clip(x, -0.5, 0.5),
    lambda x: np.add(ARRAY, x),
    lambda x: np.einsum("ij,ij->i", ARRAY, x),
    lambda x: np.sum(a=x, axis=0),
    lambda x: x @ ARRAY.T,
    lambda x: ARRAY.T @ x,
    lambda x: x[0],
    lambda x: x[0, 1],
    lambda x: x[x > 0],
    lambda x: next(iter(x)),
    lambda x: x.sum(),
    lambda x: x.max(axis=1),
    lambda x: x.argmin(1),
    lambda x: x.reshape(-1),
    lambda x: x.flatten(),
    lambda x: x.T,
    lambda x: x.real,
    lambda x: x.any(),
    lambda x: x.round(),
    lambda x: x.relu(),
    lambda x: x.tanh(),
    lambda x: x.unsqueeze(0),
    lambda x: x.isfinite(),
    lambda x: x.astype(np.float32),
    lambda x: x.astype(int),
    lambda x: x.long(),
    lambda x: x.copy(),
    lambda x: x.clone(),
    lambda x: copy.copy(x),
    lambda x: x.detach(),
    lambda x: ag.stop_gradient(x),
    lambda x: x.new_zeros(2),
    lambda x: x.new_tensor([1.0]),
    lambda x: ag.apply(np.multiply, ARRAY, x),
    lambda x: ~(x > 0),
    lambda x: (x > 0) & (x < 1),
    lambda x: x // 0.5,
    lambda x: round(x, 1),
    lambda x: np.linalg.norm(x),
    lambda x: np.polyval([1.0, 2.0], x),
    lambda x: np.interp(x, [-1.0, 1.0], [0.0, 2.0]),
    lambda x: nn.functional.gelu(x),
    lambda x: nn.functional.softmax(x, dim=1),
    lambda x: nn.functional.linear(x, ARRAY),
    lambda x: nn.functional.layer_norm(x, (3,)),
    lambda x: nn.functional.cross_entropy(x, np.array([0, 2])),
    lambda x: nn.functional.mse_loss(x, ARRAY),
    lambda x: nn.Linear(3, 2, dtype=np.float64)(x),
    lambda x: nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.LayerNorm(4)).double()(x),
]


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_every_way_of_calling(f: Callable[[Any], Any], recorded: bool) -> None:
    nn.manual_seed(0)
    result = f(mine(requires_grad=recorded))
    nn.manual_seed(0)
    expected = f(ag.Tensor(ARRAY, requires_grad=recorded))
    assert type(result) is Mine
    assert result.dtype == np.asarray(getattr(expected, "_data", expected)).dtype
    np.testing.assert_array_equal(result.numpy(), getattr(expected, "_data", expected))
    assert result.requires_grad == getattr(expected, "requires_grad", False)


SEVERAL: list[Callable[[Any], Any]] = [
    lambda x: np.split(x, 3, axis=1),
    lambda x: np.linalg.svd(x),
    lambda x: np.nonzero(x),
    lambda x: x.split(1, 1),
    lambda x: x.unbind(),
    lambda x: list(x),
    lambda x: x.max(dim=1),
    lambda x: x.sort(dim=1),
    lambda x: x.topk(2),
    lambda x: np.broadcast_arrays(x, np.zeros(3)),
    lambda x: np.gradient(x),
    lambda x: divmod(x, 0.5),
    lambda x: np.unique(x, return_counts=True),
]


@pytest.mark.parametrize("f", SEVERAL)
@pytest.mark.parametrize("recorded", [True, False])
def test_several_results(f: Callable[[Any], Any], recorded: bool) -> None:
    results = f(mine(requires_grad=recorded and f is not SEVERAL[-1]))
    expected = f(ag.Tensor(ARRAY, requires_grad=recorded and f is not SEVERAL[-1]))
    assert type(results) is type(expected)
    assert {type(x) for x in results} == {Mine}
    for x, y in zip(results, expected, strict=True):
        np.testing.assert_array_equal(x.numpy(), getattr(y, "_data", y))


def test_what_is_no_array_stays() -> None:
    x = mine()
    assert x.shape == (2, 3)
    assert np.shape(x) == (2, 3)
    assert np.allclose(x, ARRAY) is True
    assert type(x.numpy()) is np.ndarray
    assert x.tolist() == ARRAY.tolist()
    assert 0.3 in x
    assert (x == x).all()


def test_gradients_are_of_the_class_of_the_leaf() -> None:
    x, w = mine(), ag.Tensor(ARRAY, requires_grad=True)
    np.sum(np.sin(x) * w).backward()
    assert x.grad is not None
    assert type(x.grad) is Mine
    assert type(w.grad) is ag.Tensor
    assert x.grad is x.grad
    np.testing.assert_array_equal(x.grad.numpy(), np.cos(ARRAY) * ARRAY)
    np.sum(x).backward()
    assert type(x.grad) is Mine
    np.testing.assert_array_equal(x.grad.numpy(), np.cos(ARRAY) * ARRAY + 1)
    np.sum(x**3).backward(create_graph=True)
    assert type(x.grad) is Mine
    assert x.grad.requires_grad


def test_plain_tensors_and_parameters_make_plain_tensors() -> None:
    x, p = ag.Tensor(ARRAY, requires_grad=True), nn.Parameter(ARRAY)
    for a in (x, p):
        for result in (a * 2, 2 * a, a * x, a @ ARRAY.T, np.sin(a), a[0], a.sum(), a.detach(), a.copy()):
            assert type(result) is ag.Tensor
        assert isinstance(a > 0, np.ndarray)
        assert isinstance(a.argmax(), np.integer)
    np.sum(p * x).backward()
    assert type(p.grad) is type(x.grad) is ag.Tensor
    y = mine()
    assert type(p * y) is type(y * p) is type(np.stack([p, y])) is Mine


def test_a_subclass_of_parameter_does_not_survive() -> None:
    class Buffer(nn.Parameter):
        __slots__ = ()

    class Marked(ag.Tensor, survives=False):
        pass

    assert type(Buffer(ARRAY) * 2) is type(Marked(ARRAY) * 2) is ag.Tensor
    assert type(Buffer(ARRAY) * mine()) is Mine


def test_of_two_the_more_derived_one_counts_else_the_first() -> None:
    x, narrow, other = mine(), Narrower(ARRAY), Other(ARRAY)
    for op in (operator.mul, np.multiply, np.arctan2, lambda a, b: np.stack([a, b])):
        assert type(op(x, narrow)) is type(op(narrow, x)) is Narrower
        assert type(op(x, other)) is Mine
        assert type(op(other, x)) is Other
    assert type(x > narrow) is type(narrow > x) is Narrower


def test_an_operator_of_its_own() -> None:
    x = Loud(ARRAY, requires_grad=True)
    assert type(x * 2) is type(x * ag.Tensor(ARRAY)) is Loud


def test_in_place_keeps_class_and_object() -> None:
    x = mine() * 1.0
    before = x
    x += 1
    x *= ag.Tensor(ARRAY, requires_grad=True)
    x[0] = 7.0
    x.clamp_(0, 1)
    np.put(x, 0, 0.5)
    x.sort()
    assert x is before
    assert type(x) is Mine
    plain = ag.Tensor(ARRAY, requires_grad=True) * 1.0
    plain += mine()
    plain[0] = mine()[1]
    assert type(plain) is ag.Tensor


def test_attributes_names_pickles_and_copies() -> None:
    x = Mine(ARRAY, requires_grad=True, name="w")
    x.note = "kept"  # type: ignore[attr-defined]
    assert (copy.deepcopy(x).name, type(copy.deepcopy(x))) == ("w", Mine)
    assert type(pickle.loads(pickle.dumps(x))) is Mine
    with ag.Tape() as tape:
        y = x * Mine(ARRAY, name="c")
    assert type(y) is Mine
    assert "multiply(v1, c)" in str(tape)


def test_transformations() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(type(x))
        y = np.sum(np.sin(x) * x)
        seen.append(type(y))
        return y

    x = mine(requires_grad=False)
    value, gradient = ag.value_and_grad(f)(x)
    assert type(value) is type(gradient) is type(ag.grad(f)(mine())) is Mine
    out, pullback = ag.vjp(np.sin, x)
    assert type(out) is type(pullback(np.ones((2, 3)))[0]) is Mine
    out, tangent = ag.jvp(np.sin, (x,), (ARRAY,))
    assert type(out) is type(tangent) is Mine
    assert type(ag.hvp(f, (x,), (ARRAY,))) is Mine
    assert type(ag.jacobian(lambda x: x[0] ** 2)(x)) is Mine
    assert type(ag.grad(lambda x: np.sum(ag.grad(f)(x) ** 2))(x)) is Mine
    assert set(seen) == {Mine}
    seen.clear()
    assert isinstance(ag.grad(f)(ARRAY), np.ndarray)
    assert set(seen) == {ag.Tensor}


@ag.custom_vjp
def doubled(x: Any) -> Any:
    return 2 * x


doubled.defvjp(lambda x: (2 * x, None), lambda residuals, g: (2 * g,))


@ag.primitive
def halves(x: Any) -> Any:
    return x / 2, x / 3


ag.defvjp(halves, lambda g, y, x: g[0] / 2 + g[1] / 3)


@ag.nondifferentiable
def bucket(x: Any) -> Any:
    return np.digitize(x, [0.0])


@pytest.mark.parametrize("recorded", [True, False])
def test_ops_of_a_user(recorded: bool) -> None:
    x = mine(requires_grad=recorded)
    assert type(doubled(x)) is type(bucket(x)) is Mine
    assert [type(y) for y in halves(x)] == [Mine, Mine]
    y = ag.checkpoint(lambda x: np.exp(np.sin(x)))(x)
    assert type(y) is Mine
    if recorded:
        np.sum(y + doubled(x)).backward()
        assert type(x.grad) is Mine
        np.testing.assert_allclose(x.grad.numpy(), np.exp(np.sin(ARRAY)) * np.cos(ARRAY) + 2, rtol=1e-14)


def test_checkpoint_computes_again_on_the_subclass() -> None:
    seen = []
    f = ag.checkpoint(lambda x: (seen.append(type(x)), np.exp(x))[1])
    np.sum(f(mine())).backward()
    assert seen == [Mine, Mine]


def test_fused_ops_with_several_inputs() -> None:
    images = np.arange(32.0).reshape(1, 2, 4, 4) / 10
    kernel = np.ones((3, 2, 3, 3))
    for x, w in [(mine(images), kernel), (images, mine(kernel)), (ag.Tensor(images), mine(kernel))]:
        assert type(nn.functional.conv2d(x, w)) is Mine
    out, state = nn.LSTM(3, 2, dtype=np.float64)(mine(ARRAY))
    assert type(out) is type(state[0]) is type(state[1]) is Mine
