"""Type checkers and completion agree with the README: mypy, pyright and jedi see what it says."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.known import numpy_names
from tests.helpers import ROOT, python
from tests.listed import FOLDER, stub, tables, text

IMPORTS = """
    import numpy as np
    import autograd_lite as ag
    import nn

    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    X = np.ones((3, 2))
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
"""

SEEN = {
    "x * 2": "Tensor",
    "2 * x": "Tensor",
    "-x @ x": "Tensor",
    "np.float64(2) * x": "Tensor",
    "x[0].T": "Tensor",
    "np.exp(x)": "Any",
    "np.exp(x) * x": "Any",
    "1 / (1 + np.exp(-x))": "Any",
    "np.maximum(x, 0)": "Any",
    "X @ x": "Any",
    "X * x": "Any",
    "np.mean(x)": "Any",
    "np.sum(x)": "Entry",
    "np.sum(np.stack([x, x]))": "Entry",
    "np.stack([x, x]) * 2": "Any",
    "ag.tanh(x)": "Tensor",
    "ag.tanh(X)": "Any",
    "ag.maximum(0, x)": "Tensor",
    "ag.softmax(x)": "Tensor",
    "ag.einsum('i,i', x, x)": "Any",
    "ag.linalg.norm(x)": "Any",
    "model(x)": "Tensor",
    "nn.MSELoss()(x, x)": "Tensor",
    "nn.LSTM(2, 3)(x)": "Any",
    "ag.grad(np.tanh)(2.0)": "Any",
    "x.grad": "Tensor | None",
}
"""What a checker sees of an expression."""

FAULTS = ("x.bakward()", "np.sum(x).bakward()", "ag.tanh(x, 1)", "model(x).bakward()", "ag.tahn(x)")
"""Lines that a checker refuses."""


def story() -> str:
    """The Python code of the README, as a program."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")))


def program(expressions: Any) -> str:
    """A program that asks a checker for the types of expressions."""
    return textwrap.dedent(IMPORTS) + "".join(f"reveal_type({each})\n" for each in expressions)


def mypy(folder: Path, *paths: str) -> list[str]:
    """The lines that mypy prints of files in a folder."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    options = (
        "--check-untyped-defs",
        "--ignore-missing-imports",
        "--config-file=",
        f"--cache-dir={folder}/cache",
    )
    done = python("-m", "mypy", *options, *(str(folder / path) for path in paths), MYPYPATH=str(folder))
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith(str(folder)) or ": error:" in line]


def pyright(folder: Path, *paths: str) -> list[tuple[str, str, str]]:
    """What pyright says of files in a folder: the file and line, how bad it is, and the message."""
    pytest.importorskip("pyright", reason="pyright is not installed")
    settings = {
        "include": list(paths),
        "extraPaths": [str(ROOT)],
        "pythonVersion": f"{sys.version_info.major}.{sys.version_info.minor}",
        "reportPossiblyUnboundVariable": False,  # it does not know that a loop runs at least once
        "reportMissingModuleSource": False,
        "reportUnusedExpression": False,  # the README shows the values of expressions
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = python("-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(folder))
    if not done.stdout.startswith("{"):
        pytest.skip(f"pyright does not run here: {done.stderr[-200:]}")
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [
        (
            f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}",
            each.get("rule", each["severity"]),
            each["message"],
        )
        for each in found
    ]


# -- the stubs -------------------------------------------------------------------------------------


def test_each_function_of_numpy_has_a_stub() -> None:
    written = {name: (FOLDER / f"{name}.pyi").read_text(encoding="utf-8") for name in tables()}
    missing = [name for name in numpy_names() if f"def {name}(" not in written["__init__"]]
    assert missing == []


def test_the_stubs_are_those_of_this_numpy() -> None:
    written = (FOLDER / "__init__.pyi").read_text(encoding="utf-8")
    for function in (np.tanh, np.add, np.sum, ag.softmax):
        for line in stub(function.__name__, function):
            assert re.sub(r"\s", "", line) in re.sub(r"\s|,(?=\n\))", "", written)


def test_a_stub_has_the_parameters_of_the_function() -> None:
    assert list(stub("tanh", np.tanh))[1] == "def tanh(x: Tensor, /, **options: Any) -> Tensor: ..."
    assert "def f(a: Any, /, b: Any, *rest: Any, c: Any = 2) -> Any: ..." in list(
        stub("f", lambda a, /, b, *rest, c=2: a)
    )
    assert text("f", {"f": lambda a, *, b=(): a}).endswith("def f(a: Any, *, b: Any = ...) -> Any: ...\n")


# -- checkers --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_mypy_sees(tmp_path: Path) -> None:
    (tmp_path / "seen.py").write_text(program(SEEN), encoding="utf-8")
    found = [re.search(r'Revealed type is "(.*)"', line) for line in mypy(tmp_path, "seen.py")]
    types = [match and re.sub(r"[\w.]+\.(?=\w)", "", match[1]) for match in found]
    assert dict(zip(SEEN, types, strict=True)) == SEEN


@pytest.mark.slow
def test_pyright_sees(tmp_path: Path) -> None:
    (tmp_path / "seen.py").write_text(program(SEEN), encoding="utf-8")
    found = [re.search(r' is "(.*)"$', message) for _, _, message in pyright(tmp_path, "seen.py")]
    assert dict(zip(SEEN, (match and match[1] for match in found), strict=True)) == SEEN


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_checkers_find_faults(tmp_path: Path, checker: Any) -> None:
    (tmp_path / "faults.py").write_text(textwrap.dedent(IMPORTS) + "\n".join(FAULTS), encoding="utf-8")
    found = {re.search(r"faults\.py:(\d+)", str(each))[1] for each in checker(tmp_path, "faults.py")}  # type: ignore[index]
    first = IMPORTS.count("\n") + 1
    assert found == {str(first + i) for i in range(len(FAULTS))}


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_story_and_the_examples_have_no_faults(tmp_path: Path, checker: Any) -> None:
    (tmp_path / "story.py").write_text(story(), encoding="utf-8")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    assert checker(tmp_path, "story.py", "examples") == []


# -- completion ------------------------------------------------------------------------------------

TYPED = {
    "(x * 2).back": "backward",
    "ag.tan": "tanh",
    "ag.stac": "stack",
    "ag.tanh(x).back": "backward",
    "ag.linalg.in": "inv",
    "model(x).back": "backward",
    "nn.Lin": "Linear",
    "x.reshape(2, 1).res": "reshape",
}
"""What jedi offers for a beginning."""


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "offered"), TYPED.items())
def test_completion(typed: str, offered: str) -> None:
    jedi = pytest.importorskip("jedi", reason="jedi is not installed")
    code = textwrap.dedent(IMPORTS) + typed
    script = jedi.Script(code, path=ROOT / "typed.py", project=jedi.Project(ROOT))
    assert offered in [each.name for each in script.complete()]


@pytest.mark.slow
def test_signatures() -> None:
    jedi = pytest.importorskip("jedi", reason="jedi is not installed")
    for call, shown in (
        ("ag.tanh(", "tanh(x: Tensor"),
        ("ag.sum(", "sum(a: Any, axis: Any"),
        ("ag.grad(", "grad(f"),
    ):
        code = textwrap.dedent(IMPORTS) + call
        first, *_ = jedi.Script(code, path=ROOT / "typed.py", project=jedi.Project(ROOT)).get_signatures()
        assert first.to_string().startswith(shown)


def test_names_in_a_running_program() -> None:
    assert {"tanh", "stack", "softmax", "grad", "linalg"} <= set(dir(ag))
    assert str(inspect.signature(ag.sum)).startswith("(a, axis=None")
