"""Ops are known by identity: a user's op with the name of one of ours is another op."""

from __future__ import annotations

import operator
import re

import numpy as np
import pytest

import autograd_lite as ag
from tests.helpers import leaf
from visualize import backprop_steps, diff, draw, explain, profile
from visualize.reading import known_as
from visualize.words.formulas import FORMULAS, PULLBACKS


def own(name, definition, *rules):
    """An op of a user's, under a name that may be taken."""

    def op(*args):
        return definition(*args)

    op.__name__ = op.__qualname__ = name
    op = ag.primitive(op)
    ag.defvjp(op, *rules)
    return op


def minus(name):
    return own(name, lambda a, b: a - 3 * b, lambda g, y, a, b: g, lambda g, y, a, b: -3 * g)


@pytest.mark.parametrize("name", ["multiply", "add", "power", "maximum", "matmul", "sum", "affine", "hypot"])
def test_a_namesake_has_its_own_symbol_words_and_rule(name):
    f = minus(name)(leaf(2.0, "x"), leaf(5.0, "y"))
    label = re.findall(r"fillcolor=\S+ label=<([^<]*)>\]$", draw(f).to_dot(), re.M)
    assert label == [name]
    walk = str(backprop_steps(f))
    assert f"f = {name}(x, y)" in walk
    assert f"d({name}(x, y))/dy = -3.00; upstream 1.00; so -3.00" in walk
    assert "chosen" not in walk and "tie" not in walk
    assert "-3.00" in explain(f)["y"] and name in explain(f).latex()


@pytest.mark.parametrize("name", ["matmul", "sum", "affine", "softmax"])
def test_a_namesake_on_arrays_is_said_by_its_rule_alone(name):
    f = np.sum(minus(name)(leaf(np.ones(3), "x"), leaf(np.ones(3), "y")))
    assert f"by the rule of {name}" in str(backprop_steps(f))


@pytest.mark.parametrize("name", ["getitem", "setitem", "scatter", "output"])
def test_a_namesake_of_an_op_that_picks_entries_has_no_index(name):
    f = minus(name)(leaf(2.0, "x"), leaf(5.0, "y"))
    graph = draw(f)
    assert [v.index for v in graph.vertices] == [None] * 3
    assert len(graph.edges) == 3


def test_a_number_in_the_code_stays_beside_a_namesake():
    """`x * 2` is ×2 in its circle; two arguments of an op of a user's are two inputs."""
    x = leaf(1.0, "x")
    assert "×2" in draw(x * 2.0).to_dot()
    dot = draw(minus("multiply")(x, 2.0)).to_dot()
    assert "×2" not in dot and "2.00" in dot


@pytest.mark.parametrize("name", ["matmul", "dot", "einsum", "convolution", "lstm", "affine", "convolve"])
def test_a_namesake_adds_up_no_products(name):
    op = minus(name)
    assert profile(op, np.ones((3, 3)), np.ones((3, 3)), repeat=1).total.multiply_adds == 0


def test_an_op_of_a_users_says_what_it_adds_up():
    @ag.fused(
        lambda a, b: (a @ b, (a, b)),
        lambda g, residuals, needs: (np.outer(g, residuals[1]), residuals[0].T @ g),
        work=lambda y, a, b: a.size,
    )
    def product(a, b):
        return a @ b

    (cost,) = profile(product, np.ones((4, 3)), np.ones(3), repeat=1).ops
    assert (cost.name, cost.multiply_adds) == ("product", 12)


def test_vertices_hold_the_op_itself():
    x = leaf(np.arange(3.0), "x")
    functions = [v.function for v in draw(np.tanh(x)[0] * 2).vertices]
    assert functions == [None, np.tanh, operator.getitem, None, np.multiply]


@pytest.mark.parametrize("op", [np.tanh, np.sum, np.where, ag.sigmoid, ag.softmax, operator.getitem])
def test_ours_are_known(op):
    assert known_as(op) == op.__name__
    assert known_as(op) in {**FORMULAS, **PULLBACKS}


def test_what_is_not_ours_is_not_known():
    assert known_as(minus("tanh")) == known_as(None) == known_as(lambda x: x) == ""


def test_namesakes_are_two_steps_beside_a_repeated_layer():
    """Side by side before one box, an `add` of NumPy's and a user's are not drawn as one."""
    nn = pytest.importorskip("nn")
    own_add = minus("add")

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x, y):
            return self.layer(np.add(x, y)) + self.layer(own_add(x, y))

    x = np.ones((1, 2), np.float32)
    dot = draw(Pair(), x, x, style="model").to_dot()
    assert dot.count("<B>add</B>") == 3 and "<B>add</B> ×2" not in dot


def test_graphs_of_the_same_ops_do_not_differ():
    x = np.ones(2)
    assert not diff(draw(lambda x: np.tanh(x), x), draw(lambda x: np.tanh(x), x))


def test_where_one_run_alone_has_nan_is_said():
    def run(*numbers):
        return np.exp(ag.Tensor(np.array(numbers), requires_grad=True, name="x"))

    assert diff(run(np.nan, np.nan), run(1.0, 2.0)).changed == (
        "x: value is NaN in one alone at 2 of 2 entries",
        "f: value is NaN in one alone at 2 of 2 entries",
    )
    assert diff(run(np.inf, 0.0), run(np.inf, 1.0)).first == "f: value differs by up to 1.718"


def test_long_runs_part_where_their_values_do():
    def run(scale):
        x = ag.Tensor(1.0, requires_grad=True)
        for i in range(600):
            x = np.sin(x) * (scale if i == 300 else 1.0)
        return x

    found = diff(run(1.0), run(2.0))
    assert not found.removed
    assert not found.added
    assert found.first is not None
    assert found.first.startswith("v602: ")  # two steps in each round
