"""Steps and leaves: one way to ask both for their gradient, hooks and name."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.node import Leaf, Node


def test_a_leaf_holds_what_is_asked_of_it() -> None:
    """Its gradient, its hooks and its name, with no notes beside it."""
    w = ag.Tensor([1.0, 2.0], requires_grad=True, name="w")
    heard: list[Any] = []
    handle = w.register_hook(heard.append)
    np.sum(w * w).backward()
    node = w.node
    assert type(node) is Leaf and isinstance(node, ag.Node)
    assert node.notes is None
    assert node.name == "w" and w.grad is node.grad and list(node.hooks.values()) == [heard.append]
    assert node.grad.tolist() == [2.0, 4.0] and heard[0].tolist() == [2.0, 4.0]
    handle.remove()
    assert node.hooks == {}
    assert repr(node) == f"<Node {node.index}: leaf 'w'>"


def test_a_step_is_asked_in_the_same_words() -> None:
    x = ag.Tensor(3.0, requires_grad=True)
    y = x * x
    node = y.node
    assert type(node) is Node
    assert (node.name, node.grad) == (None, None)
    y.name = "square"
    y.retain_grad()
    y.register_hook(lambda g: 10 * g)
    (y * 2.0).backward()
    assert node.name == "square" and len(node.hooks) == 1
    assert y.grad is node.grad and node.grad.item() == 20.0
    assert x.grad.item() == 120.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: ag.Tensor(1.0, requires_grad=True),
        lambda: ag.Tensor(1.0).requires_grad_(),
        lambda: pickle.loads(pickle.dumps(ag.Tensor(1.0, requires_grad=True))),
        lambda: ag.Tensor(2.0, requires_grad=True).__deepcopy__({}),
    ],
)
def test_every_leaf_is_one(make: Any) -> None:
    x = make()
    assert type(x.node) is Leaf and x.is_leaf and x.node.op is None
    with ag.Tape() as tape:
        y = np.exp(x) * x + x
    assert [parent for node in tape.nodes for parent in node.inputs].count(x.node) == 3
    (dx,) = tape.gradient(y, [x])
    assert dx.item() == pytest.approx(np.exp(x.item()) * (1 + x.item()) + 1, rel=1e-15)
