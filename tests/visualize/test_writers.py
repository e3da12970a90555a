"""The table of file formats: each format can be saved."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import OptionError
from visualize import Look, draw
from visualize.computation import Computation
from visualize.writers import STYLES, WRITERS, Style, Writer


def test_a_new_writer_is_one_entry(tmp_path, monkeypatch):
    monkeypatch.setitem(WRITERS, "count", Writer(lambda graph: str(len(graph.vertices))))
    graph = draw(lambda x: np.tanh(x) * 2, 1.0)
    assert graph.save(tmp_path / "f.count").read_text() == "4"
    with pytest.raises(OptionError, match=r"\.text, \.count"):
        graph.save(tmp_path / "f.other")


def test_a_new_style_is_one_entry(monkeypatch):
    style = Style(lambda graph: "digraph { }", lambda graph: graph.look.theme, lambda graph: 0)
    monkeypatch.setitem(STYLES, "bare", style)
    graph = draw(lambda x: x * 2, 1.0, style="bare", theme="dark")
    assert (graph.to_dot(), graph.to_text()) == ("digraph { }", "dark")


@pytest.mark.parametrize("style", STYLES)
def test_text_is_written_as_it_is_printed(tmp_path, style):
    weight = ag.Tensor([[1.0, 2.0]], requires_grad=True)
    graph = draw(lambda x: np.tanh(weight @ x), np.array([1.0, 3.0]), style=style)
    assert graph.save(tmp_path / "f.text").read_text(encoding="utf-8") == graph.to_text()


def test_the_options_are_one_look():
    graph = draw(lambda x: x * 2, 1.0, style="model", values="stats", depth=1, flow=True, theme="print")
    assert graph.look == Look("model", "stats", direction="TB", depth=1, flow=True, theme="print")
    options = (
        "style",
        "values",
        "grads",
        "constants",
        "direction",
        "depth",
        "unroll",
        "flow",
        "theme",
        "legend",
        "rounding",
    )
    assert Look(*(getattr(graph, option) for option in options)) == graph.look


@pytest.mark.parametrize("option", [{"depth": 0}, {"depth": 1}, {"unroll": True}, {"flow": True}])
def test_the_lecture_style_refuses_what_it_does_not_have(option):
    with pytest.raises(
        OptionError, match=rf"draw\({next(iter(option))}=\.\.\.\): the style 'lecture' does not have"
    ):
        draw(lambda x: x * 2, 1.0, **option)


def test_no_direction_is_not_an_empty_one():
    with pytest.raises(OptionError, match=r"direction=''"):
        draw(lambda x: x * 2, 1.0, direction="")


@pytest.mark.parametrize("values", ["stats", "full", "pictures"])
def test_a_step_with_several_results_of_different_shapes(values):
    """The lecture style said that arrays of different shapes are no array."""
    nn = pytest.importorskip("nn")
    model = nn.LSTM(3, 2)
    dot = draw(model, np.ones((4, 1, 3), np.float32), values=values).to_dot()
    assert dot.count("min ") >= 2
    assert "min " in draw(np.linalg.qr, np.arange(12.0).reshape(4, 3) ** 2, values=values).to_dot()


# -- the sum of the gradients at a vertex ----------------------------------------------------------


def graph_of_half_a_pass() -> Computation:
    """x is used three times, and one of the uses leads to a result that was not played."""
    x = ag.Tensor(2.0, requires_grad=True, name="x")
    with ag.Tape():
        played, other = x * x, np.exp(x)
        played.backward()
    return draw((played, other))


def test_totals_are_those_of_all_uses_or_of_those_that_are_known():
    graph = graph_of_half_a_pass()
    place = next(i for i, v in enumerate(graph.vertices) if v.name == "x")
    assert place not in graph.totals()
    assert graph.totals(partly=True)[place] == 4.0


def test_of_an_output_all_of_it():
    graph = draw(lambda x: (x * 2, x * 3), 1.0, loss=lambda pair: pair[0] * pair[1])
    (end,) = graph.outputs()
    assert graph.totals()[end] == 1.0
    assert graph.totals() == graph.totals(partly=True)
    assert graph.totals()[0] == pytest.approx(12.0)


def test_constants_have_no_total():
    graph = draw(lambda x: x * 2, 1.0, loss=lambda y: y + 0.0)
    constant = [i for i, v in enumerate(graph.vertices) if v.constant]
    assert len(constant) == 2 and not set(constant) & set(graph.totals())
