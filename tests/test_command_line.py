"""The command lines: `python -m autograd_lite`, `python -m visualize`, and what they name."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autograd_lite import __version__
from autograd_lite.__main__ import main
from autograd_lite.errors import OptionError
from autograd_lite.named import named, numbers
from tests.helpers import python
from visualize.__main__ import main as drawn

MODEL = """
import numpy as np
import autograd_lite as ag, nn
from beside import FACTOR

net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
pictures = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return np.tanh(self.layer(x))

def make():
    return net

def loss(w=2.0, x=np.array([1.0, -1.0])):
    return FACTOR * np.sin(w * x)

def square(x):
    return x * x

@ag.primitive
def twice(x):
    return 2 * x

ag.defvjp(twice, lambda g, y, x: 3 * g)

def wrong(x=1.0):
    return twice(x)
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The path of a file with a model and functions; the working directory is its folder."""
    (tmp_path / "model_of_a_user.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "beside.py").write_text("FACTOR = 3.0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield "model_of_a_user.py"
    for name in set(sys.modules) - before:  # what else was imported stays, and is not imported twice
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def test_without_a_command_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert __version__ in text and "check" in text and "python -m visualize" in text


def test_a_page_is_made_and_opened(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert main(["demo"]) == 0
    assert "df/dw1 = -0.1966" in capsys.readouterr().out
    page = Path("neuron.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and opened == [Path("neuron.html").resolve().as_uri()]
    assert main(["demo", "--out", "two.svg", "--no-browser"]) == 0
    assert Path("two.svg").exists() and len(opened) == 1


def test_derivatives_are_checked(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{model}:loss"]) == 0
    text = capsys.readouterr().out
    assert "are right" in text
    expected = 3 * (np.cos(2.0) - -1 * np.cos(-2.0) * -1)
    assert np.isclose(float(text.split("argument 0: ")[1].split()[0]), expected, atol=1e-12)
    assert main(["check", f"{model}:square", "--at", "3"]) == 0
    assert "argument 0: 6.0" in capsys.readouterr().out
    assert main(["check", "numpy:tanh", "--at", "[1.0,2.0]", "--order", "1"]) == 0
    assert main(["check", f"{model}:wrong"]) == 1
    assert "to blame:        the rule of twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "{}:square"], "no default for x; give the arguments: --at"),
        (["check", "{}:square", "--at", "1,2"], 'one array is written --at "[1.0,2.0]"'),
        (["check", "{}:square", "--at", "one"], "no list of arguments"),
        (["check", "{}:cube"], "has no cube; it has np, ag, nn, FACTOR, net"),
        (["check", "{}:net.3"], "Sequential"),
        (["check", "{}"], "write module:name or file.py:name"),
        (["check", "absent.py:f"], "there is no file absent.py"),
        (
            ["check", "absent.part:f"],
            "there is no module absent.part; for a file write its path: absent/part.py",
        ),
        (["check", "math:pi"], "is float, not a function"),
    ],
)
def test_mistakes(arguments: list[str], message: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "net.3" in arguments[-1]:
        message = "has no 3"
    assert main([a.format(model) for a in arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_file_that_cannot_be_run(model: str) -> None:
    Path("broken.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    with pytest.raises(
        OptionError, match=r"broken\.py cannot be run: No module named 'nothing_of_this_name'"
    ):
        named("broken.py:f")
    Path("odd.py").write_text("def f(:\n", encoding="utf-8")
    with pytest.raises(OptionError, match=r"odd\.py cannot be run"):
        named("odd.py:f")


def test_numbers() -> None:
    one, row = numbers("1,[2,3]")
    assert one == 1.0 and row.tolist() == [2.0, 3.0] and row.dtype == float


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (["{}:net"], "net.html"),
        (["{}:make"], "make.html"),
        (["{}:Net"], "Net.html"),
        (["{}:pictures", "--shape", "1,1,8,8", "--out", "p.svg"], "p.svg"),
        (["{}:loss"], "loss.html"),
        (["{}:square", "--at", "3", "--out", "s.dot"], "s.dot"),
        (["{}:net", "--shape", "1,2", "--style", "ops"], "net.html"),
    ],
)
def test_pictures(arguments: list[str], seen: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn([*(a.format(model) for a in arguments), "--no-browser"]) == 0
    assert capsys.readouterr().out.strip() == seen and Path(seen).stat().st_size > 300


def test_a_model_that_is_no_chain_wants_a_shape(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn([f"{model}:pictures", "--no-browser"]) == 1
    assert "--shape 1,3,32,32" in capsys.readouterr().err


def test_a_lecture_by_its_module(tmp_path: Path) -> None:
    done = python("-m", "examples.lectures.gates", "--quick", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gates: ") and (tmp_path / "gates.png").exists()


# -- files in the way ------------------------------------------------------------------------------


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("file", "arguments", "status", "shown"),
    [
        ("nn.py", ["autograd_lite", "config"], 0, "./nn.py shadows the package nn"),
        ("nn/__init__.py", ["autograd_lite", "config"], 0, "./nn shadows the package nn"),
        (
            "visualize.py",
            ["autograd_lite", "demo", "--no-browser"],
            1,
            "./visualize.py shadows the package visualize",
        ),
        ("nn.py", ["visualize.playground", "--no-browser"], 2, "./nn.py shadows the package nn"),
        ("nn.py", ["visualize", "model.py:net", "--no-browser"], 1, "./nn.py shadows the package nn"),
    ],
)
def test_a_file_in_the_way_is_told(
    file: str, arguments: list[str], status: int, shown: str, tmp_path: Path
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("mine = 1\n", encoding="utf-8")
    (tmp_path / "model.py").write_text("import nn\nnet = nn.Linear(2, 1)\n", encoding="utf-8")
    done = python("-m", *arguments, folder=tmp_path, timeout=120)
    assert done.returncode == status, done.stderr
    assert shown.replace("/", os.sep, 1) in done.stdout + done.stderr
    assert "give it another name" in done.stdout + done.stderr
