"""Notebooks show everything by themselves: nbconvert runs one, and the output of each cell is looked at."""

from __future__ import annotations

import html
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
import visualize
from autograd_lite.notebook import coloured, quietly, table, text
from nn.training.shown import curves

ROOT = Path(__file__).parents[1]

CELLS = {
    "imports": """
        import numpy as np, autograd_lite as ag, nn, visualize
        nn.manual_seed(0)
        x, y, z = (ag.Tensor(v, requires_grad=True, name=n) for n, v in [("x", -2), ("y", 5), ("z", -4)])
        with ag.Tape() as tape:
            f = (x + y) * z
        f.backward()
        model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
        X = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
        labels = (X[:, 0] * X[:, 1] > 0).astype(int)
        optimizer = nn.optim.Adam(model.parameters(), lr=0.02)
        trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy")
        history = trainer.fit(X, labels, epochs=12, validation_split=0.2, verbose=False)""",
    "graph": "visualize.draw(f)",
    "tape": "tape",
    "steps": "visualize.backprop_steps(f)",
    "explanation": "visualize.explain(f)",
    "plot": "visualize.decision_regions(model, X, labels, resolution=50)",
    "profile": "visualize.profile(model, X)",
    "diff": """
        before, after = (visualize.draw(lambda x, op=op: op(2 * x), 1.0) for op in (np.tanh, np.sin))
        visualize.diff(before, after)""",
    "summary": "nn.summary(model, X[:1])",
    "history": "history",
    "trainer": "trainer",
    "tensor": "ag.Tensor(np.eye(3), requires_grad=True, name='w') * 2",
    "heat": "visualize.heat(model[0].weight)",
}
"""By name, what is shown at the end of a cell."""


def dedented(code: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in code.strip("\n").splitlines())


def written(path: Path) -> Path:
    """The notebook with these cells."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": name,
            "metadata": {},
            "outputs": [],
            "source": dedented(code),
        }
        for name, code in CELLS.items()
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What each cell of the executed notebook shows, by MIME type."""
    missing = [
        name for name in ("nbconvert", "ipykernel", "matplotlib") if not importlib.util.find_spec(name)
    ]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed")
    folder = tmp_path_factory.mktemp("notebook")
    places = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")
    environment = {**os.environ, **{name: str(folder / name) for name in places}, "PYTHONPATH": str(ROOT)}
    environment.pop("MPLBACKEND", None)
    options = ["-m", "nbconvert", "--to", "notebook", "--execute", "--output", "executed"]
    options.append("--ExecutePreprocessor.startup_timeout=600")  # a busy machine starts a kernel slowly
    command = [sys.executable, *options, str(written(folder / "shown.ipynb"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cells = json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))["cells"]
    found = {}
    for cell in cells[1:]:
        (output,) = (output for output in cell["outputs"] if "data" in output)  # no picture is shown twice
        found[cell["id"]] = {kind: "".join(data) for kind, data in output["data"].items()}
    return found


def cells_of(shown: str) -> list[list[str]]:
    """The texts in the rows of an HTML table."""
    rows = re.findall(r"<tr.*?</tr>", shown, re.DOTALL)
    return [[html.unescape(c) for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows]


def test_a_graph(shown: dict[str, dict[str, str]]) -> None:
    assert "f = v1*z = -12.00" in shown["graph"]["text/plain"]


def test_a_tape_is_a_table_of_values_and_adjoints(shown: dict[str, dict[str, str]]) -> None:
    assert cells_of(shown["tape"]["text/html"]) == [
        ["", "step", "value", "adjoint"],
        ["v1", "x", "-2.0", "-4.0"],
        ["v2", "y", "5.0", "-4.0"],
        ["v3", "add(v1, v2)", "3.0", "-4.0"],
        ["v4", "z", "-4.0", "3.0"],
        ["v5", "multiply(v3, v4)", "-12.0", "1.0"],
    ]


def test_steps_are_their_page_in_a_frame(shown: dict[str, dict[str, str]]) -> None:
    frame = shown["steps"]["text/html"]
    assert frame.startswith("<iframe ") and "allow-same-origin" not in frame
    (page,) = re.findall(r'srcdoc="([^"]*)"', frame)
    assert html.unescape(page).startswith("<!doctype html>")
    assert "backpropagation step by step" in html.unescape(page)


def test_an_explanation_is_formulas(shown: dict[str, dict[str, str]]) -> None:
    assert r"\frac{\partial f}{\partial x}" in shown["explanation"]["text/latex"]


@pytest.mark.parametrize("name", ["plot", "heat"])
def test_a_plot_is_a_picture(shown: dict[str, dict[str, str]], name: str) -> None:
    assert len(shown[name]["image/png"]) > 1000
    assert "text/html" not in shown[name]


def test_a_profile_is_a_table_of_ops_and_one_of_modules(shown: dict[str, dict[str, str]]) -> None:
    rows = cells_of(shown["profile"]["text/html"])
    assert rows[0] == ["op", "calls", "multiply-adds", "bytes", "forward", "backward"]
    assert ["module", *rows[0][1:]] in rows
    assert ["2: Linear", "1", "3,200", "1,600"] in [row[:4] for row in rows]


def test_a_difference_has_colours(shown: dict[str, dict[str, str]]) -> None:
    lines = re.findall(r'<span style="color: (#\w+)">(.*?)</span>', shown["diff"]["text/html"])
    assert [line[0] for _, line in lines] == ["-", "+"]
    assert lines[0][0] != lines[1][0]


def test_a_summary_is_a_table(shown: dict[str, dict[str, str]]) -> None:
    rows = cells_of(shown["summary"]["text/html"])
    assert rows[1] == ["Sequential", "(1, 2)", "42", "32"]
    assert [row[0].strip() for row in rows[2:]] == ["0: Linear", "1: Tanh", "2: Linear"]
    assert "42 parameters" in shown["summary"]["text/html"]


def test_a_history_is_its_curves(shown: dict[str, dict[str, str]]) -> None:
    page = shown["history"]["text/html"]
    assert re.findall(r'aria-label="(\w+) over 12 epochs"', page) == ["loss", "accuracy"]
    assert page.count("<polyline ") == 4


def test_a_trainer_names_its_parts(shown: dict[str, dict[str, str]]) -> None:
    page = shown["trainer"]["text/html"]
    assert cells_of(page)[1:] == [
        ["model", "Sequential, 42 parameters"],
        ["loss", "CrossEntropyLoss"],
        ["optimizer", "Adam, learning rate 0.02"],
        ["metrics", "accuracy"],
        ["epochs done", "12"],
    ]
    assert page.endswith(shown["history"]["text/html"])
    assert shown["trainer"]["text/plain"].startswith("<Trainer: model Sequential, 42 parameters; loss ")


def test_a_tensor_says_what_it_is(shown: dict[str, dict[str, str]]) -> None:
    page = shown["tensor"]["text/html"]
    assert cells_of(page)[1] == ["Tensor", "", "(3, 3)", "float64", "multiply"]
    assert "[2., 0., 0.]" in page
    assert shown["tensor"]["text/plain"].startswith("Tensor([[2., 0., 0.],")


# -- without a notebook ----------------------------------------------------------------------------


def test_names_are_shown_as_text() -> None:
    bad = "<script>alert(1)</script>"
    x = ag.Tensor(1.0, requires_grad=True, name=bad)
    with ag.Tape() as tape:
        x * 2
    history = nn.History({bad: [1.0, 2.0]})
    pages = [x._repr_html_(), tape._repr_html_(), history._repr_html_()]
    pages += [table([bad], [[bad]], "l", bad), text(bad), coloured([(bad, None), (bad, "red")])]
    for page in pages:
        assert page is not None and "<script" not in page and "&lt;script&gt;" in page


def test_a_display_that_fails_gives_nothing() -> None:
    class Broken(ag.Tensor):
        @property
        def shape(self) -> Any:
            raise RuntimeError("no shape")

    assert Broken(1.0)._repr_html_() is None
    assert nn.History({"loss": ["high"]})._repr_html_() is None
    assert quietly(lambda _: 1 / 0)(None) is None


def test_an_interrupt_is_heard() -> None:
    def stopped(_: object) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quietly(stopped)(None)


def test_released_and_empty_tapes() -> None:
    with ag.Tape() as tape:
        pass
    assert "nothing recorded" in (tape._repr_html_() or "")
    x = ag.Tensor(np.ones(3), requires_grad=True)
    with ag.Tape() as tape:
        for _ in range(600):
            x = x + 1
    page = tape._repr_html_() or ""
    assert "and 100 more steps; print(tape) shows all" in page
    assert page.count("<tr") == 1 + 1 + 500  # the head, the input, the steps


@pytest.mark.parametrize(
    ("values", "lines", "dots"),
    [
        ([1.0], 0, 1),
        ([1.0, 1.0], 1, 0),
        ([3.0, np.nan, 2.0, 1.0, np.inf, 0.5], 1, 2),
        ([np.nan, np.nan], 0, 0),
        (list(np.arange(5000.0)), 1, 0),
    ],
)
def test_curves_of_any_course(values: list[float], lines: int, dots: int) -> None:
    page = curves({"loss": values, "val_loss": []})
    assert (page.count("<polyline"), page.count("<circle")) == (lines, dots)
    assert "nan," not in page and ",nan" not in page and "inf," not in page
    assert len(page) < 20_000


def test_a_curve_goes_down_where_the_numbers_do() -> None:
    (points,) = re.findall(r'points="([^"]*)"', curves({"loss": [4.0, 2.0, 1.0]}))
    x, y = np.array([pair.split(",") for pair in points.split()], float).T
    np.testing.assert_allclose(np.diff(x), x[1] - x[0], atol=0.11)  # written to a tenth of a pixel
    np.testing.assert_allclose((y[1] - y[0]) / (y[2] - y[1]), 2, rtol=0.01)


def test_only_a_validation_course() -> None:
    page = curves({"val_loss": [2.0, 1.0]})
    assert 'aria-label="loss over 2 epochs"' in page and page.count("<polyline") == 1


def test_an_untrained_history_has_no_picture() -> None:
    assert nn.History()._repr_html_() is None


def test_a_plot_can_be_pickled() -> None:
    import pickle

    pytest.importorskip("matplotlib")
    figure = pickle.loads(pickle.dumps(visualize.heat(np.eye(2))))
    assert figure._repr_png_().startswith(b"\x89PNG")
