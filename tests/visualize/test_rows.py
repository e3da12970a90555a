"""A computation as a pandas table, and the first step at which two runs differ."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DTypeError, MissingPackageError
from tests.helpers import leaf
from visualize import diff, draw, table

# -- a table ---------------------------------------------------------------------------------------


def recorded() -> ag.Tape:
    nn.manual_seed(0)
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 4), nn.ReLU()), nn.Linear(4, 1), nn.ReLU())
    with ag.Tape() as tape:
        loss = np.sum(model(np.ones((3, 2))) ** 2)
    loss.backward()
    return tape


def test_a_tape_is_a_row_for_each_step():
    pytest.importorskip("pandas")
    tape = recorded()
    frame = table(tape)
    assert frame["op"].tolist() == ["affine", "relu", "affine", "relu", "power", "sum"]
    assert frame["module"].tolist() == ["0.0", "0.1", "1", "2", "", ""]
    assert frame.loc["v1", "shape"] == (3, 4) and frame.loc["v2", "min"] == 0
    first = tape.nodes[0]
    assert frame.loc["v1", "mean"] == pytest.approx(first.value.mean())
    assert frame.loc["v1", "norm"] == pytest.approx(np.linalg.norm(first.value))
    assert frame.loc["v1", "gradient"] == pytest.approx(np.linalg.norm(first.adjoint))
    assert frame[frame["op"] == "relu"].index.tolist() == ["v2", "v4"]


def test_a_model_a_graph_and_an_error_are_tables_too():
    pandas = pytest.importorskip("pandas")
    frame = table(nn.Sequential(nn.Linear(2, 1)), np.ones((1, 2)))
    assert frame["module"].tolist() == ["0"]
    assert table(draw(lambda x: x * np.inf, 1.0))["fault"].tolist() == ["inf"]
    try:
        leaf([1.0, 2.0]) * 2 + leaf([1.0, 2.0, 3.0])
    except ag.AutogradLiteError as error:
        frame = table(error)
    assert frame.loc["v2", "fault"].startswith("raised ShapeError")
    assert frame["line"].isna().tolist() == [True, False]
    assert isinstance(frame, pandas.DataFrame)


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match="pip install pandas"):
        table(recorded())


# -- two runs --------------------------------------------------------------------------------------


def run(scale: float) -> ag.Tensor:
    x = leaf(np.arange(3.0), "x")
    h = np.tanh(x * 2)
    return np.sum(np.exp(h) * scale)


def test_the_first_step_whose_value_differs_is_named_and_marked():
    found = diff(run(1.0), run(1.5))
    assert found.first.startswith("v4: value differs by up to")
    assert str(found).splitlines()[-1] == f"the first step whose value differs: {found.first}"
    (marked,) = [vertex for vertex in found.graph.vertices if vertex.fault]
    assert (marked.op, marked.name) == ("multiply", "v4")
    assert "first that differs" in found.graph.to_dot()
    assert "the first step" in found._repr_mimebundle_()["text/plain"]


def test_equal_runs_have_no_first():
    found = diff(run(1.0), run(1.0))
    assert not found and found.first is None
    assert found._repr_mimebundle_() == {"text/plain": "the graphs are the same"}
    assert not any(vertex.fault for vertex in found.graph.vertices)


def test_tapes_are_compared_and_an_input_alone_is_no_step():
    tapes = []
    for value in (1.0, 2.0):
        with ag.Tape() as tape:
            np.sign(leaf(value)) + leaf(value, "y") * 0
        tapes.append(tape)
    found = diff(*tapes)
    assert found.first is None and found.changed == ("y: value 1.00, now 2.00",)


def test_a_leaf_is_no_run():
    with pytest.raises(DTypeError, match="expected two graphs"):
        diff(run(1.0), leaf(1.0))
