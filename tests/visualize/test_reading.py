"""Tools that read graphs: `diff`, `profile`, and networkx."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, OptionError, RendererError, TapeError
from tests.helpers import leaf
from visualize import diff, draw, profile

# -- two graphs ------------------------------------------------------------------------------------


def test_a_graph_is_the_same_as_itself():
    f = np.exp(leaf(2.0, "x")) * leaf([1.0, np.nan], "y")
    found = diff(draw(f), draw(f))
    assert not found
    assert str(found) == "the graphs are the same"


def test_another_op_is_told():
    found = diff(draw(lambda x: np.tanh(2 * x) + 1, 1.0), draw(lambda x: np.sin(2 * x) + 1, 1.0))
    assert [line for line in found.lines if line[0] != "~"] == [
        "- v2 = tanh(v1): float64 ()",
        "+ v2 = sin(v1): float64 ()",
    ]
    assert (found.removed, found.added) == (("v2 = tanh(v1): float64 ()",), ("v2 = sin(v1): float64 ()",))


def test_a_step_between_others_is_told_alone():
    found = diff(draw(lambda x: np.sin(np.exp(x)), 1.0), draw(lambda x: np.sin(np.sqrt(np.exp(x))), 1.0))
    assert found.added == ("v2 = sqrt(v1): float64 ()",)
    assert found.removed == ()
    assert len(found.changed) == 1  # the sine of another number


def test_changed_numbers_are_told_with_their_size():
    """f = sum w^2 with w (1, 2) and (1, 2.5): w differs by 0.5, its gradient 2 w by 1."""

    def graph(*numbers):
        w = leaf(np.array(numbers), "w")
        with ag.Tape():
            f = np.sum(w**2)
        f.backward()
        return draw(f)

    found = diff(graph(1.0, 2.0), graph(1.0, 2.5))
    assert "w: value differs by up to 0.50; gradient differs by up to 1.00" in found.changed
    assert "f: value 5.00, now 7.25" in found.changed
    assert (found.removed, found.added) == ((), ())


def test_another_shape_is_another_step():
    found = diff(draw(lambda x: x * 2, np.ones(3)), draw(lambda x: x * 2, np.ones(4)))
    assert found.removed == ("x: float64 (3,)", "f = x*2: float64 (3,)")
    assert found.added == ("x: float64 (4,)", "f = x*2: float64 (4,)")


def test_before_and_after_backward():
    x = leaf(2.0, "x")
    f = np.exp(x)
    before = draw(f)
    f.backward()
    assert "f: gradient –, now 1.00" in diff(before, draw(f)).changed


def test_only_graphs_are_compared():
    with pytest.raises(DTypeError, match=r"diff\(draw\(f\), draw\(g\)\)"):
        diff(draw(leaf(1.0) * 2), leaf(1.0))


# -- costs -----------------------------------------------------------------------------------------


def counted(model, *inputs) -> dict[str, int]:
    return {
        cost.name: cost.multiply_adds for cost in profile(model, *inputs, repeat=1).ops if cost.multiply_adds
    }


@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        (lambda a, b: a @ b, [(5, 3), (3, 2)], {"matmul": 5 * 3 * 2}),
        (lambda a, b: a @ b, [(7, 5, 3), (3,)], {"matmul": 7 * 5 * 3}),
        (lambda a, b: np.einsum("bij,jk->bik", a, b), [(2, 3, 4), (4, 5)], {"einsum": 2 * 3 * 4 * 5}),
        (lambda a, b: np.tanh(a) + b, [(5, 3), (3,)], {}),
    ],
)
def test_products_are_counted(function, shapes, expected):
    assert counted(function, *map(np.ones, shapes)) == expected


def test_layers_are_counted_as_their_summary_does():
    nn = pytest.importorskip("nn")
    image, sequence = np.ones((2, 3, 8, 8), np.float32), np.ones((5, 2, 3), np.float32)
    for model, x in [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)), image),
        (nn.ConvTranspose2d(3, 4, 3), image),
        (nn.LSTM(3, 4), sequence),
        (nn.GRU(3, 4), sequence),
        (nn.RNN(3, 4), sequence),
    ]:
        assert profile(model, x, repeat=1).total.multiply_adds == nn.summary(model, x).multiply_adds


def test_costs_add_up_and_take_time():
    nn = pytest.importorskip("nn")
    model = nn.Sequential(nn.Linear(64, 64), nn.Sequential(nn.Tanh(), nn.Linear(64, 8)))
    found = profile(model, np.ones((32, 64), np.float32))
    by_name = {cost.name: cost for cost in found.modules}
    assert list(by_name) == ["Sequential", "0: Linear", "1: Sequential", "1.0: Tanh", "1.1: Linear"]
    assert by_name["1: Sequential"].bytes == 4 * 32 * (64 + 8)
    assert by_name["Sequential"].multiply_adds == found.total.multiply_adds == 32 * 64 * (64 + 8)
    assert sum(cost.count for cost in found.ops) == found.total.count == 3
    assert all(cost.forward > 0 and cost.backward > 0 for cost in found.ops)
    assert sum(cost.forward for cost in found.ops) == pytest.approx(found.total.forward)
    lines = str(found).splitlines()
    assert lines[0].split() == ["op", "calls", "multiply-adds", "bytes", "forward", "backward"]
    assert len({len(line) for line in lines[: lines.index("")]}) == 1
    assert any(line.startswith("1.1: Linear") and "16,384" in line for line in lines)


def test_a_module_that_is_called_twice_counts_twice():
    nn = pytest.importorskip("nn")

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(self.layer(x))

    found = profile(Twice(), np.ones((1, 4), np.float32), repeat=1)
    assert [(cost.name, cost.count, cost.multiply_adds) for cost in found.modules] == [
        ("Twice", 1, 32),
        ("layer: Linear", 2, 32),
    ]


def test_what_cannot_be_profiled():
    with pytest.raises(DTypeError, match=r"profile\(model, x\)"):
        profile(leaf(2.0) * 3)
    with pytest.raises(TapeError):
        profile(lambda x: 3.0, 1.0)
    for wrong in (0, 1.5, True):
        with pytest.raises(OptionError, match="repeat="):
            profile(np.exp, 1.0, repeat=wrong)


# -- networkx --------------------------------------------------------------------------------------


def test_a_graph_of_networkx_has_all_numbers():
    networkx = pytest.importorskip("networkx")
    x = leaf(3.0, "x")
    f = x * x + 1.0
    f.backward()
    made = draw(f).to_networkx()
    assert networkx.is_directed_acyclic_graph(made)
    (start,) = [n for n, data in made.nodes(data=True) if data["name"] == "x"]
    (end,) = [n for n, data in made.nodes(data=True) if data.get("output")]
    assert [data["op"] for n, data in made.nodes(data=True) if data["op"]] == ["multiply", "add"]
    assert networkx.shortest_path_length(made, start, end) == 2
    grads = [float(data["grad"]) for _, _, data in made.out_edges(start, data=True)]
    assert (grads, float(made.nodes[end]["grad"])) == ([3.0, 3.0], 1.0)


def test_without_networkx_the_error_says_how_to_get_it(monkeypatch):
    real = importlib.import_module

    def without(name, *args):
        if name == "networkx":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(RendererError, match="pip install networkx"):
        draw(leaf(2.0) * 3).to_networkx()
