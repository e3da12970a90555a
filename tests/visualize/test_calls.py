"""The module call of each step."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import autograd_lite as ag
import nn
from visualize import Graph, draw


class Twice(nn.Module):
    """Calls one layer two times, with a step of its own between."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(np.tanh(self.layer(x)))


def where(graph: Graph) -> list[tuple[str | None, int | None]]:
    return [(v.op, v.call) for v in graph.vertices if v.op is not None]


def test_steps_know_the_innermost_call_around_them():
    graph = draw(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU())), np.ones((1, 2)))
    assert [(c.path, c.kind, c.parent, c.parameters, c.inner) for c in graph.calls] == [
        ("", "Sequential", None, 9, True),
        ("0", "Linear", 0, 9, False),
        ("1", "Sequential", 0, 0, True),
        ("1.0", "ReLU", 2, 0, False),
    ]
    assert where(graph) == [("affine", 1), ("relu", 3)]


def test_two_calls_of_one_module_are_two():
    graph = draw(Twice(), np.ones((1, 2)))
    assert [(c.path, c.parent) for c in graph.calls] == [("", None), ("layer", 0), ("layer", 0)]
    assert where(graph) == [("affine", 1), ("tanh", 0), ("affine", 2)]


def test_a_call_that_failed_ends_with_the_call_around_it():
    class Stubborn(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            with contextlib.suppress(ValueError):
                self.layer(np.ones((1, 9), np.float32))
            return x

    assert where(draw(nn.Sequential(Stubborn(), nn.Tanh()), np.ones((1, 2)))) == [("tanh", 3)]


def test_the_model_is_left_without_hooks_even_after_an_error():
    model = Twice()
    draw(model, np.ones((1, 2)))
    with pytest.raises(ValueError, match="9"):
        draw(model, np.ones((1, 9)))
    with ag.Tape() as tape:
        model(np.ones((1, 2), np.float32))
    assert len(tape) == 3
    assert not any(model.layer._hooks[kind] for kind in ("before", "after"))


def test_functions_and_tensors_have_no_calls():
    assert draw(np.sin, 1.0).calls == ()
    assert where(draw(np.sin, 1.0)) == [("sin", None)]


def test_under_detect_anomaly_a_step_knows_its_line():
    x = ag.Tensor(1.0, requires_grad=True)
    assert draw(np.sin(x)).vertices[1].line is None
    with ag.detect_anomaly():
        y = np.sin(x)
    assert draw(y).vertices[1].line.rpartition(":")[0] == __file__
