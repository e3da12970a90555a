"""The chain rule in words, in numbers, and in LaTeX."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, OptionError, ShapeError, TapeError
from tests.helpers import leaf
from visualize import draw, explain


def neuron() -> ag.Tensor:
    """f = 1 / (1 + e^-(w1 x1 + w2 x2 + b)), of which test_lecture works out the numbers on paper."""
    w1, x1, w2, x2, b = (
        leaf(v, n) for n, v in [("w1", 2.0), ("x1", -1.0), ("w2", -3.0), ("x2", -2.0), ("b", -3.0)]
    )
    return 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b)))


# -- in words --------------------------------------------------------------------------------------


def test_the_neuron_is_written_out_to_the_digit():
    lines = str(explain(neuron())).splitlines()
    assert lines[:3] == ["w1 = 2.00", "x1 = -1.00", "v1 = w1*x1 = -2.00"]
    assert "f = 1/v7 = 0.7311" in lines
    assert explain(neuron())["w2"].splitlines() == [
        "df/dw2 = df/dv7 · dv7/dv6 · dv6/dv5 · dv5/dv4 · dv4/dv3 · dv3/dv2 · dv2/dw2",
        "       = (-1/v7^2) · 1 · exp(v5) · (-1) · 1 · 1 · x2",
        "       = (-0.5344) · 1.00 · 0.3679 · (-1.00) · 1.00 · 1.00 · (-2.00)",
        "       = -0.3932",
    ]


def test_several_paths_are_added_up():
    """f = max(a, c) a + a^2 at (3, 3), a tie: 3/2 through max, max(a, c) = 3, and 2 a = 6."""
    a, c = leaf(3.0, "a"), leaf(3.0, "c")
    said = explain(np.maximum(a, c) * a + a**2)
    assert said["a"].splitlines() == [
        "df/da has 3 paths",
        "  a → v1 → v2 → f = df/dv2 · dv2/dv1 · dv1/da",
        "                  = 1 · a · ([a > c] + [a = c]/2)",
        "                  = 1.00 · 3.00 · 0.50",
        "                  = 1.50",
        "  a → v2 → f = df/dv2 · dv2/da",
        "             = 1 · v1",
        "             = 1.00 · 3.00",
        "             = 3.00",
        "  a → v3 → f = df/dv3 · dv3/da",
        "             = 1 · (2*a)",
        "             = 1.00 · 6.00",
        "             = 6.00",
        "df/da = 1.50 + 3.00 + 6.00 = 10.50",
    ]
    assert [chain.count for chain in said.chains] == [3, 1]


def test_both_factors_of_a_square_are_paths():
    x = leaf(-3.0, "x")
    said = explain(x * x)
    assert [float(path.grad) for path in said.chains[0].paths] == [-3.0, -3.0]
    assert said["x"].endswith("df/dx = (-3.00) + (-3.00) = -6.00")


def test_the_sum_over_paths_is_the_gradient():
    """A small net of skips, whose 2^3 paths are added up and compared with the backward pass."""
    x, w = leaf(0.7, "x"), leaf(-1.3, "w")
    y = x
    for _ in range(3):
        y = y + np.tanh(w * y)
    said = explain(y)
    y.backward()
    for chain, leaf_ in zip(said.chains, (w, x), strict=True):  # in the order of the tape
        assert len(chain.paths) == chain.count
        assert float(chain.grad) == pytest.approx(leaf_.grad.item(), rel=1e-14)
        for path in chain.paths:
            assert float(path.grad) == pytest.approx(math.prod(float(e.local) for e in path.edges), rel=1e-14)
    assert [chain.count for chain in said.chains] == [7, 8]


def test_paths_are_found_as_by_brute_force():
    a, b = leaf(0.5, "a"), leaf(2.0, "b")
    graph_edges = explain((a * b + b) * np.exp(a - b) / b)
    edges = [(e.source, e.target) for e in graph_edges.graph.edges if e.target is not None]
    end = graph_edges.graph.edges[-1].source
    for chain in graph_edges.chains:
        paths = 0
        for length in range(1, 6):
            for way in itertools.permutations(range(len(edges)), length):
                ends = [edges[i] for i in way]
                linked = all(p[1] == q[0] for p, q in itertools.pairwise(ends))
                paths += linked and ends[0][0] == chain.vertex and ends[-1][1] == end
        assert chain.count == len(chain.paths) == paths


def test_matrices_are_told_by_shape_and_norm():
    X, W, b = np.full((5, 4), 0.5), leaf(np.arange(12.0).reshape(4, 3) / 10, "W"), leaf(np.zeros(3), "b")
    with ag.Tape():
        f = np.mean(np.tanh(X @ W + b) ** 2)
    said = explain(f)
    f.backward()
    norm = np.linalg.norm(W.grad.numpy())
    lines = said["W"].splitlines()
    assert lines[0].startswith("df/dW = df/dv4 · dv4/dv3 · dv3/dv2 · dv2/dv1 · dv1/dW, where G is")
    assert [line.strip() for line in lines[1:]] == [
        "df/dv4: every entry takes G/n",
        "dv4/dv3: d(x^2)/dx = 2*x, entry by entry",
        "dv3/dv2: d(tanh(x))/dx = 1 - tanh(x)^2, entry by entry",
        "dv2/dv1: d(v1 + b)/dv1 = 1, entry by entry",
        "dv1/dW: c1ᵀ @ G",
        f"= (4, 3), norm {norm:.4g}",
    ]
    np.testing.assert_allclose(said.chains[1].grad, b.grad.numpy(), rtol=1e-14)


def test_shares_of_arrays_are_added_up_too():
    x = leaf([1.0, -2.0], "x")
    with ag.Tape():
        f = np.sum(x * x + x)
    chain = explain(f).chains[0]
    assert chain.count == 3
    np.testing.assert_array_equal(chain.grad, [3.0, -3.0])


def test_too_many_paths_are_counted_and_not_written():
    """Twenty doublings have 2^20 paths; each use still has its share."""
    x = y = leaf(0.5, "x")
    for _ in range(20):
        y = y * 0.5 + np.sin(y) * 0.3
    said = explain(y)["x"]
    assert said.startswith("df/dx has 1,048,576 paths, too many to write out; the share of each use:")
    shares = [float(n) for n in re.findall(r"through \w+: (\S+)", said)]
    y.backward()
    assert len(shares) == 2
    assert float(said.split()[-1]) == pytest.approx(x.grad.item(), rel=1e-3)
    assert sum(shares) == pytest.approx(x.grad.item(), rel=1e-3)


def test_max_paths_is_where_writing_ends():
    x = leaf(2.0, "x")
    assert len(explain(x * x, max_paths=2).chains[0].paths) == 2
    assert explain(x * x, max_paths=1).chains[0].paths == ()
    assert float(explain(x * x, max_paths=1).chains[0].grad) == 4.0


def test_a_long_chain_is_shortened_and_needs_no_recursion():
    y = leaf(1.0, "x")
    for _ in range(3000):
        y = y * 1.0
    first, second, third, last = explain(y)["x"].splitlines()
    assert "… (2992 more) …" in first
    assert len(first) < 300
    assert second.count("·") == third.count("·") == 8
    assert last.strip() == "= 1.00"


def test_an_input_alone_and_constants():
    assert str(explain(leaf(2.0, "x"))) == "x = 2.00\n\ndx/dx = 1\n      = 1.00"
    x = leaf(2.0, "x")
    said = explain(x * ag.Tensor(7.0, name="c"))
    assert [said.graph.vertices[chain.vertex].name for chain in said.chains] == ["x"]
    assert "c = 7.00" in str(said)


def test_it_leaves_no_gradient_behind():
    x = leaf(3.0, "x")
    f = x * x
    explain(f)
    assert x.grad is None
    assert all(edge.grad is None for edge in draw(f).edges)


# -- in LaTeX --------------------------------------------------------------------------------------


def test_the_formulas_of_the_neuron():
    rows = explain(neuron()).latex().split(" \\\\\n")
    assert r"f &= \frac{1}{v_{7}} = 0.7311" in rows
    start = rows.index(
        r"\frac{\partial f}{\partial b} &= \frac{\partial f}{\partial v_{7}} \cdot "
        r"\frac{\partial v_{7}}{\partial v_{6}} \cdot \frac{\partial v_{6}}{\partial v_{5}} \cdot "
        r"\frac{\partial v_{5}}{\partial v_{4}} \cdot \frac{\partial v_{4}}{\partial b}"
    )
    assert rows[start + 1 : start + 4] == [
        r"&= \left(-\frac{1}{v_{7}^{2}}\right) \cdot 1 \cdot e^{v_{5}} \cdot \left(-1\right) \cdot 1",
        r"&= \left(-0.5344\right) \cdot 1.00 \cdot 0.3679 \cdot \left(-1.00\right) \cdot 1.00",
        r"&= 0.1966",
    ]


def odd() -> ag.Tensor:
    a, b = leaf(1e-9, "fc1.weight"), leaf(2.0, r"\input{x} $#^~_<b>")
    y = np.maximum(a, b) ** 0.5 - np.abs(np.log(b) * np.tanh(a)) / np.sqrt(ag.sigmoid(b)) + np.cbrt(b)
    return y + np.arctan2(a, b)


def arrays() -> ag.Tensor:
    W = leaf(np.ones((4, 3)), "W")
    with ag.Tape():
        return np.mean(np.tanh(np.ones((5, 4)) @ W)[0] ** 2)


@pytest.mark.parametrize("make", [neuron, odd, arrays])
def test_another_program_can_read_the_formulas(make):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for row in explain(make()).latex().split(" \\\\\n"):
        assert row.count("&") == 1
        parser.parse(f"${row.replace('&', '')}$")


def test_notebooks_show_the_formulas():
    shown = explain(neuron())._repr_latex_()
    assert shown.startswith("$$\\begin{aligned}\n")
    assert shown.endswith("\n\\end{aligned}$$")


# -- errors ----------------------------------------------------------------------------------------


def test_what_cannot_be_explained():
    with pytest.raises(DTypeError, match="expected a recorded Tensor"):
        explain([1.0])
    with pytest.raises(TapeError, match="requires_grad"):
        explain(ag.Tensor(2.0) * 3.0)
    with pytest.raises(ShapeError, match="single number"):
        explain(leaf([1.0, 2.0]) * 3.0)
    for wrong in (0, -1, 2.5, True, None):
        with pytest.raises(OptionError, match="max_paths=.*positive integer"):
            explain(neuron(), max_paths=wrong)
    with pytest.raises(OptionError, match=r"\['w3'\].*'w1', 'x1'"):
        explain(neuron())["w3"]
