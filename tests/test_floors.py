"""The floors of the house: imports point one way, and each package stands only on what it may."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers import python
from tests.house import PACKAGES, files_of, imported_names

ROOT = Path(__file__).parents[1]

FLOORS = (
    "errors",
    "memory",
    "files",
    "notebook",
    "tree",
    "slope",
    "arrays",
    "vectors",
    "node",
    "recording",
    "draws",
    "during",
    "known",
    "words",
    "kept",
    "views",
    "given",
    "box",
    "kin",
    "guards",
    "calls",
    "apply",
    "operators",
    "methods",
    "device",
    "torch_names",
    "plain_array",
    "numpy_types",
    "tensor",
    "dlpack",
    "listed",
    "tape",
    "anomaly",
    "sums",
    "cotangents",
    "liveness",
    "pull",
    "joint_hooks",
    "backward",
    "aliases",
    "transforms",
    "segments",
    "revolve",
    "snapshots",
    "loops",
    "checkpoint",
    "scan",
    "custom",
    "folding",
    "fused",
    "ops",
    "batching",
    "jacobians",
    "plan",
    "diagnosis",
    "sparsity",
    "series",
    "roundoff",
    "intervals",
    "work",
    "dependence",
    "curvature",
    "implicit",
    "scipy",
    "testing",
    "strategies",
    "pytest_plugin",
    "shadows",
    "config",
    "named",
    "tiny",
    "hips",
    "__main__",
)
"""The modules of the engine. Each may import those before it, and nothing after it."""

ROOF = len(FLOORS)
"""Where `autograd_lite/__init__.py` stands, which hands out the names of all the others."""

PUBLIC = frozenset(
    "arrays errors files named notebook revolve strategies shadows sums testing "  # noqa: SIM905
    "torch_names tree words work".split()
)
"""The modules of the engine that other packages may import by name; the rest is in `autograd_lite` itself."""


def floor_of(parts: Sequence[str]) -> int | None:
    """Where in the engine `autograd_lite.a.b` stands; None for the package itself and its names."""
    return FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] in FLOORS else None


def broken(path: Path, name: str, root: Path) -> str | None:
    """What is wrong with one import, or None."""
    here = path.relative_to(root).with_suffix("").parts
    there = name.split(".")
    package, other = here[0], there[0]
    if other == "graphviz" and here != ("visualize", "render"):
        return "only visualize/render.py imports graphviz"
    outside = other == "nn" and there[1:2] != ["kernels"]
    if here[:2] == ("nn", "kernels") and (outside or there[-1] == "Tensor"):
        return "kernels know nothing of Tensors"
    if other not in PACKAGES:
        return None
    if package == "autograd_lite":
        if other != package:
            return "the engine knows nothing of the packages that stand on it"
        mine, its = ROOF if here[1] == "__init__" else floor_of(here), floor_of(there)
        if mine is None:
            return f"{here[1]} has no floor: give it one in FLOORS"
        if here[1:2] != there[1:2] and (its is None or its > mine):
            return "imports point up the list of floors"
    elif other == "autograd_lite":
        if floor_of(there) is not None and there[1] not in PUBLIC:
            return "the engine is used by its public names"
        if any(part.startswith("_") for part in there):
            return "private names stay at home"
    elif other != package and (here[:2], other) != (("visualize", "playground"), "nn"):
        return "nn and visualize do not stand on each other"
    return None


def broken_floors(root: Path) -> list[str]:
    """Every broken import of the three packages, as `file: import (reason)`."""
    return [
        f"{path.relative_to(root).as_posix()}: {name} ({reason})"
        for path in files_of(root)
        for name in imported_names(path, root)
        if (reason := broken(path, name, root))
    ]


def test_every_import_keeps_to_its_floor() -> None:
    assert broken_floors(ROOT) == []


def test_every_floor_is_there() -> None:
    modules = {path.stem for path in (ROOT / "autograd_lite").iterdir() if path.suffix == ".py"}
    assert set(FLOORS) == modules - {"__init__"} | {
        "batching",
        "curvature",
        "diagnosis",
        "hips",
        "implicit",
        "intervals",
        "listed",
        "ops",
        "plan",
        "pytest_plugin",
        "roundoff",
        "scipy",
        "series",
        "sparsity",
        "testing",
        "words",
    }


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("autograd_lite/node.py", "from .tensor import Tensor", "point up"),
        ("autograd_lite/known.py", "from . import tensor", "point up"),
        ("autograd_lite/tensor.py", "def late():\n    from autograd_lite.backward import play", "point up"),
        ("autograd_lite/backward.py", "import autograd_lite.ops.linalg", "point up"),
        ("autograd_lite/errors.py", "from . import Tensor", "point up"),
        ("autograd_lite/ops/linalg.py", "from ..testing import check_grads", "point up"),
        ("autograd_lite/ops/linalg.py", "import nn", "knows nothing of the packages"),
        ("autograd_lite/ops/linalg.py", "from visualize import draw", "knows nothing of the packages"),
        ("autograd_lite/cellar.py", "from . import errors", "no floor"),
        ("nn/module.py", "from autograd_lite.backward import play", "public names"),
        ("nn/module.py", "from autograd_lite import tape", "public names"),
        ("nn/module.py", "from autograd_lite.errors import _secret", "private"),
        ("nn/module.py", "from visualize import draw", "each other"),
        ("visualize/graph.py", "import nn.module", "each other"),
        ("visualize/dot.py", "import graphviz", "only visualize/render.py"),
        ("autograd_lite/__init__.py", "import nn", "knows nothing of the packages"),
        ("visualize/__init__.py", "from nn import Module", "each other"),
        ("visualize/plots/playground.py", "import nn", "each other"),
        ("nn/module.py", "from visualize.playground import server", "each other"),
        ("nn/kernels/planted.py", "from autograd_lite import Tensor", "kernels"),
        ("nn/kernels/planted.py", "from ..module import Module", "kernels"),
    ],
)
def test_a_planted_import_is_caught(tmp_path: Path, file: str, line: str, reason: str) -> None:
    planted = tmp_path / file
    planted.parent.mkdir(parents=True)
    planted.write_text(f"{line}\n", encoding="utf-8")
    (found,) = broken_floors(tmp_path)
    assert found.startswith(f"{file}: ")
    assert reason in found


def test_the_playground_alone_of_visualize_may_use_nn(tmp_path: Path) -> None:
    planted = tmp_path / "visualize/playground/network.py"
    planted.parent.mkdir(parents=True)
    planted.write_text("import nn\nfrom nn.random import generator\n", encoding="utf-8")
    assert broken_floors(tmp_path) == []


def test_the_engine_imports_numpy_alone() -> None:
    """And prints how long that takes: a figure to look at with `pytest -rP`, judged by no assertion."""
    program = "import numpy; import autograd_lite"
    done = python("-X", "importtime", "-c", program)
    assert done.returncode == 0, done.stderr
    rows = [line.removeprefix("import time:").split("|") for line in done.stderr.splitlines()]
    milliseconds = {row[2].strip(): int(row[1]) / 1000 for row in rows if row[1].strip().isdigit()}
    print(f"import autograd_lite: {milliseconds['autograd_lite']:.1f} ms on top of NumPy")
    imported = {name.partition(".")[0] for name in milliseconds}
    heavy = {"nn", "visualize", "graphviz", "safetensors", "tqdm", "matplotlib", "pytest", "torch", "scipy"}
    assert imported & heavy == set()
