import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nn
import visualize
from examples import digits

ROOT = Path(__file__).parents[1]


def results(text):
    """The lines at the end: what, then the result."""
    return {line[:17].strip(): line[17:] for line in text.split("\n\n")[2].splitlines()}


def digits_in(folder, *flags):
    assert digits.main(["--out", str(folder), *flags]) == 0


def test_the_main_job_reaches_97_percent(tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.digits", "--out", str(tmp_path / "new" / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    found = results(run.stdout)
    assert float(found["test accuracy"].split("%")[0]) >= 97
    assert float(re.search(r"in ([\d.]+) s", found["training"])[1]) <= 20
    assert found["gradient"].startswith("agrees")
    for what in ("one neuron", "learning curves", "weights"):
        assert os.path.getsize(found[what].split(" (")[0]) > 0
    model = digits.build()
    model.load_state_dict(nn.load(found["weights"]))
    X, y = nn.datasets.load_digits("test")
    assert f"{nn.metrics.accuracy(model(X).numpy(), y):.2%}" == found["test accuracy"].split(",")[0]


def test_the_same_seed_gives_the_same_numbers(tmp_path, capsys):
    outputs = []
    for folder, seed in [("a", "7"), ("b", "7"), ("c", "8")]:
        digits_in(tmp_path / folder, "--quick", "--seed", seed)
        outputs.append(capsys.readouterr().out.split("\n\n")[1])
    weights = [(tmp_path / folder / "digits.safetensors").read_bytes() for folder in "abc"]
    assert outputs[0] == outputs[1] != outputs[2]
    assert weights[0] == weights[1] != weights[2]


def test_epochs_are_those_asked_for(tmp_path, capsys):
    digits_in(tmp_path, "--epochs", "2")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]


def test_without_a_renderer_the_graph_is_written_as_text(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in ("pygraphviz", "matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    digits_in(tmp_path, "--quick")
    out = capsys.readouterr().out
    found = results(out)
    assert found["one neuron"].startswith(str(tmp_path / "neuron.dot"))
    assert found["learning curves"].startswith("none")
    assert (tmp_path / "neuron.dot").read_text().lstrip().startswith("digraph")
    assert "graphviz" in out
    assert "matplotlib" in out


def test_the_drawn_neuron_is_that_of_the_formula():
    """loss = -log s(z) has d(loss)/dz = s(z) - 1, and z = w1 x1 + w2 x2 + b."""
    graph = visualize.draw(digits.one_neuron(nn.datasets.load_digits()[0][1]))
    seen = {graph.vertices[e.source].name: (float(e.value), float(e.grad)) for e in graph.edges}
    x1, x2, w1, w2, b = (seen[name] for name in ("x1 (middle)", "x2 (sides)", "w1", "w2", "b"))
    z = w1[0] * x1[0] + w2[0] * x2[0] + b[0]
    slope = 1 / (1 + math.exp(-z)) - 1
    for (_, gradient), factor in [(x1, w1[0]), (x2, w2[0]), (w1, x1[0]), (w2, x2[0]), (b, 1)]:
        assert gradient == pytest.approx(slope * factor, rel=1e-12)
    assert 0 < x2[0] < x1[0] < 1  # a 1 has its ink in the middle


def test_a_wrong_gradient_stops_the_job(tmp_path, capsys, monkeypatch):
    right = nn.CrossEntropyLoss.forward

    def half_detached(self, output, target):
        return 0.5 * right(self, output, target) + 0.5 * right(self, output.detach(), target)

    monkeypatch.setattr(nn.CrossEntropyLoss, "forward", half_detached)
    assert digits.main(["--out", str(tmp_path), "--epochs", "1"]) == 1
    assert "wrong reverse-mode derivative" in capsys.readouterr().err


def test_mistakes_are_told_in_a_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for flags in (
        ["--out", str(tmp_path), "--epochs", "0"],
        ["--out", str(tmp_path / "file" / "x"), "--quick"],
    ):
        assert digits.main(flags) == 1
        assert re.fullmatch(r"error: .+\n", capsys.readouterr().err)
