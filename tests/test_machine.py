"""Random sessions: tensors are made, combined, indexed, assigned to, detached and differentiated.

Each tensor has a naive reference: its value, and its Jacobian with respect to every leaf. The written-out
chain rule of each step gives the Jacobian. It uses no rule of the library.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import autograd_lite as ag

SHAPES = [(2, 3), (3,), (2, 1), ()]
UNARY = {
    np.sin: (np.sin, np.cos),
    np.tanh: (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    np.arctan: (np.arctan, lambda x: 1 / (1 + x * x)),
    np.negative: (np.negative, lambda x: -np.ones_like(x)),
    np.square: (np.square, lambda x: 2 * x),
}
number = st.integers(0, 10_000)


class Twin:
    """A tensor and what it should be: `jacobians[leaf]` has the shapes of value and leaf side by side."""

    def __init__(self, tensor: ag.Tensor, value: Any, jacobians: dict[int, Any]) -> None:
        self.tensor, self.value, self.jacobians = tensor, value, jacobians

    @property
    def constant(self) -> bool:
        return not self.jacobians


def spread(jacobian: Any, shape: tuple[int, ...], wide: tuple[int, ...]) -> Any:
    """A Jacobian of a value of `shape`, broadcast to `wide`."""
    leaf = jacobian.shape[len(shape) :]
    ones = (1,) * (len(wide) - len(shape))
    return np.broadcast_to(jacobian.reshape((*ones, *shape, *leaf)), (*wide, *leaf))


def joined(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """What shapes broadcast to, if they do."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def scaled(factor: Any, jacobian: Any) -> Any:
    """factor * jacobian, entry by entry of the value."""
    return np.reshape(factor, np.shape(factor) + (1,) * (jacobian.ndim - np.ndim(factor))) * jacobian


def total(*parts: dict[int, Any]) -> dict[int, Any]:
    keys = {key for part in parts for key in part}
    return {key: sum(part[key] for part in parts if key in part) for key in keys}


class Session(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.leaves: list[ag.Tensor] = []
        self.gradients: list[Any] = []
        self.twins: list[Twin] = []
        self.drawn = np.random.default_rng(0)

    def pick(self, i: int) -> Twin:
        return self.twins[i % len(self.twins)]

    def keep(self, tensor: ag.Tensor, value: Any, jacobians: dict[int, Any]) -> None:
        self.twins = [*self.twins[-11:], Twin(tensor, np.array(value), jacobians)]

    @rule(i=number)
    def leaf(self, i: int) -> None:
        if len(self.leaves) == 4:
            return
        value = self.drawn.uniform(-1, 1, SHAPES[i % len(SHAPES)])
        x = ag.Tensor(value, requires_grad=True)
        eye = np.eye(value.size).reshape(value.shape * 2)
        self.leaves.append(x)
        self.gradients.append(np.zeros_like(value))
        self.keep(x, value, {len(self.leaves) - 1: eye})

    @precondition(lambda self: self.twins)
    @rule(i=number, k=number)
    def unary(self, i: int, k: int) -> None:
        a = self.pick(i)
        op = list(UNARY)[k % len(UNARY)]
        f, slope = UNARY[op]
        jacobians = {key: scaled(slope(a.value), j) for key, j in a.jacobians.items()}
        self.keep(op(a.tensor), f(a.value), jacobians)

    @precondition(lambda self: self.twins)
    @rule(i=number, j=number, product=st.booleans(), recorded=st.booleans())
    def binary(self, i: int, j: int, product: bool, recorded: bool) -> None:
        a, b = self.pick(i), self.pick(j)
        shape = joined(a.value.shape, b.value.shape)
        if shape is None or len(shape) > 3:
            return
        value = a.value * b.value if product else a.value + b.value
        wide = [{key: spread(x, t.value.shape, shape) for key, x in t.jacobians.items()} for t in (a, b)]
        if product:
            others = [np.broadcast_to(t.value, shape) for t in (b, a)]
            wide = [
                {key: scaled(o, x) for key, x in part.items()} for o, part in zip(others, wide, strict=True)
            ]
        if recorded:
            result = a.tensor * b.tensor if product else a.tensor + b.tensor
            self.keep(result, value, total(*wide))
        else:
            with ag.no_grad():
                result = a.tensor * b.tensor if product else a.tensor + b.tensor
            self.keep(result, value, {})

    @precondition(lambda self: self.twins)
    @rule(i=number, axis=st.sampled_from([None, 0, -1]))
    def reduce(self, i: int, axis: int | None) -> None:
        a = self.pick(i)
        if axis is not None and a.value.ndim == 0:
            return
        n = a.value.ndim
        axes = tuple(range(n)) if axis is None else (axis % n,)
        jacobians = {key: j.sum(axis=axes) for key, j in a.jacobians.items()}
        self.keep(a.tensor.sum(axis=axis), a.value.sum(axis=axis), jacobians)

    @precondition(lambda self: self.twins)
    @rule(i=number, index=st.sampled_from([0, slice(None, None, -1), [0, 0, -1], (Ellipsis, None), -1]))
    def read(self, i: int, index: Any) -> None:
        a = self.pick(i)
        if a.value.ndim == 0:
            return
        if index == (Ellipsis, None):
            n = a.value.ndim
            jacobians = {key: np.expand_dims(j, n) for key, j in a.jacobians.items()}
        else:
            jacobians = {key: j[index] for key, j in a.jacobians.items()}
        if a.value[index].ndim <= 2:
            self.keep(a.tensor[index], a.value[index], jacobians)

    @precondition(lambda self: self.twins)
    @rule(i=number, j=number, index=st.sampled_from([0, -1, slice(0, 1)]))
    def assign(self, i: int, j: int, index: Any) -> None:
        a, b = self.pick(i), self.pick(j)
        if a.value.ndim == 0 or any(a.tensor is x for x in self.leaves) or b.value.ndim:
            return
        copy = a.tensor.copy()
        copy[index] = b.tensor
        value = a.value.copy()
        value[index] = b.value
        jacobians = {}
        for key in {*a.jacobians, *b.jacobians}:
            leaf = self.leaves[key].shape
            new = np.array(a.jacobians.get(key, np.zeros((*value.shape, *leaf))))
            new[index] = b.jacobians.get(key, np.zeros(leaf))
            jacobians[key] = new
        self.keep(copy, value, jacobians)

    @precondition(lambda self: self.twins)
    @rule(i=number, j=number)
    def add_in_place(self, i: int, j: int) -> None:
        a, b = self.pick(i), self.pick(j)
        if any(a.tensor is x for x in self.leaves):
            return
        shape = a.value.shape
        if joined(shape, b.value.shape) != shape:
            return
        # A handle of its own: the other twins of this tensor stay what they are.
        handle = a.tensor.copy()
        handle += b.tensor
        wide = {key: spread(x, b.value.shape, shape) for key, x in b.jacobians.items()}
        self.keep(handle, a.value + b.value, total(a.jacobians, wide))

    @precondition(lambda self: self.twins)
    @rule(i=number)
    def detach(self, i: int) -> None:
        a = self.pick(i)
        self.keep(a.tensor.detach(), a.value, {})

    @precondition(lambda self: any(not t.constant for t in self.twins))
    @rule(i=number, create_graph=st.booleans())
    def backward(self, i: int, create_graph: bool) -> None:
        moving = [t for t in self.twins if not t.constant]
        a = moving[i % len(moving)]
        cotangent = self.drawn.uniform(-1, 1, a.value.shape)
        a.tensor.backward(cotangent, retain_graph=True, create_graph=create_graph)
        for key, j in a.jacobians.items():
            self.gradients[key] = self.gradients[key] + np.tensordot(cotangent, j, a.value.ndim)

    @precondition(lambda self: any(not t.constant for t in self.twins))
    @rule(i=number)
    def gradient_of_one(self, i: int) -> None:
        """The same through a tape's `gradient`, which leaves `grad` alone."""
        moving = [t for t in self.twins if not t.constant]
        a = moving[i % len(moving)]
        with ag.Tape() as tape:
            y = np.sum(a.tensor * 2.0)
        for key, g in enumerate(tape.gradient(y, self.leaves)):
            j = a.jacobians.get(key)
            expected = 0 if j is None else 2 * j.sum(axis=tuple(range(a.value.ndim)))
            np.testing.assert_allclose(np.asarray(g), np.broadcast_to(expected, np.shape(g)), atol=1e-9)

    @rule()
    def forget_gradients(self) -> None:
        for k, x in enumerate(self.leaves):
            x.grad = None
            self.gradients[k] = np.zeros(x.shape)

    @invariant()
    def values_are_as_expected(self) -> None:
        for t in self.twins:
            np.testing.assert_allclose(t.tensor.numpy(), t.value, rtol=1e-12, atol=1e-12)
            assert t.tensor.requires_grad == (not t.constant)

    @invariant()
    def gradients_are_as_expected(self) -> None:
        for x, expected in zip(self.leaves, self.gradients, strict=True):
            got = np.zeros(x.shape) if x.grad is None else x.grad.numpy()
            scale = max(1.0, float(np.abs(expected).max(initial=0)))
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10 * scale)


def tried(examples: int) -> settings:
    return settings(max_examples=examples, stateful_step_count=30, deadline=None, derandomize=True)


class TestSessions(Session.TestCase):
    settings = tried(40)


@pytest.mark.slow
class TestManySessions(Session.TestCase):
    settings = tried(150)
