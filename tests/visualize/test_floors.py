"""The rooms of visualize: imports point one way, also imports for types; files and functions are short."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.house import files_of, graph_of, long_files, long_functions, module_of

ROOT, HERE = Path(__file__).parents[2], ["visualize"]
FLOORS = (
    "computation",
    "reading",
    "plans",
    "calls",
    "failures",
    "fold",
    "faults",
    "words",
    "neurons",
    "layout",
    "drawing",
    "writers",
    "render",
    "graph",
    "rows",
    "notebook",
    "steps",
    "explain",
    "compare",
    "runs",
    "plancosts",
    "costs",
    "plots",
    "playground",
    "__main__",
)
"""The rooms of visualize. Each may import those before it, and nothing after it."""


def broken(root: Path) -> list[str]:
    """The imports that point down, and the circles, as `module: import`."""
    found = []
    for name, others in graph_of(root, HERE).items():
        here = name.split(".")[1:2]
        for other in sorted(others if here else ()):
            there = other.split(".")[1:2]
            if here != there and (not there or FLOORS.index(there[0]) > FLOORS.index(here[0])):
                found.append(f"{name}: {other}")
    return found


def test_every_import_points_up() -> None:
    assert broken(ROOT) == []


def test_no_circle() -> None:
    order = list(TopologicalSorter(graph_of(ROOT, HERE)).static_order())  # raises CycleError
    assert len(order) == len(files_of(ROOT, HERE))
    house = [name for name in order if not name.startswith(("visualize.playground", "visualize.__main__"))]
    assert house[-1] == "visualize"  # which hands out the names of all the others


def test_every_room_is_on_the_list_and_the_list_is_in_contributing() -> None:
    rooms = {
        module_of(path, ROOT).split(".")[1]
        for path in files_of(ROOT, HERE)
        if path.parent.name != "visualize"
    }
    rooms |= {path.stem for path in (ROOT / "visualize").glob("*.py")} - {"__init__"}
    assert rooms == set(FLOORS)
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert ", ".join(f"`{room}`" for room in FLOORS) in text


def test_files_and_functions_are_short() -> None:
    assert long_files(ROOT, HERE) + long_functions(ROOT, HERE) == []


@pytest.mark.parametrize(
    ("file", "line", "found"),
    [
        ("computation.py", "from .graph import Graph", "visualize.computation: visualize.graph"),
        (
            "words/label.py",
            "from ..writers.look import Look",
            "visualize.words.label: visualize.writers.look",
        ),
        (
            "writers/html.py",
            "def late():\n    from .. import render",
            "visualize.writers.html: visualize.render",
        ),
        (
            "reading.py",
            "if TYPE_CHECKING:\n    from .calls import Calls",
            "visualize.reading: visualize.calls",
        ),
        ("graph.py", "from visualize import steps", "visualize.graph: visualize.steps"),
        ("fold.py", "import visualize.explain", "visualize.fold: visualize.explain"),
        (
            "graph.py",
            "def late():\n    from .playground import server",
            "visualize.graph: visualize.playground.server",
        ),
    ],
)
def test_a_planted_import_is_caught(tmp_path: Path, file: str, line: str, found: str) -> None:
    for path in files_of(ROOT, HERE):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with (tmp_path / "visualize" / file).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{line}\n")
    assert broken(tmp_path) == [found]
