"""The rooms of visualize: imports point up one list, those for types too; files and functions are short."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = (
    "computation",
    "reading",
    "calls",
    "fold",
    "faults",
    "words",
    "writers",
    "render",
    "graph",
    "steps",
    "explain",
    "compare",
    "costs",
    "plots",
)
"""The rooms of visualize. Each may import those before it, and nothing after it."""

LINES, FUNCTION = 450, 60
"""How long a file may be, and a function with its docstring."""


def files(root: Path) -> list[Path]:
    return sorted((root / "visualize").rglob("*.py"))


def module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, root: Path, modules: set[str]) -> Iterator[str]:
    """The modules of visualize that a file imports, wherever the import stands."""
    package = list(path.relative_to(root).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                found = {f"{prefix}.{alias.name}", prefix} & modules
                yield from [max(found, key=len)] if found else []


def graph_of(root: Path) -> dict[str, set[str]]:
    """For each module what it imports."""
    modules = {module_of(path, root): path for path in files(root)}
    return {name: set(imports(path, root, set(modules))) - {name} for name, path in modules.items()}


def broken(root: Path) -> list[str]:
    """The imports that point down, and the circles, as `module: import`."""
    found = []
    for name, others in graph_of(root).items():
        here = name.split(".")[1:2]
        for other in sorted(others if here else ()):
            there = other.split(".")[1:2]
            if here != there and (not there or FLOORS.index(there[0]) > FLOORS.index(here[0])):
                found.append(f"{name}: {other}")
    return found


def test_every_import_points_up() -> None:
    assert broken(ROOT) == []


def test_no_circle() -> None:
    order = list(TopologicalSorter(graph_of(ROOT)).static_order())  # raises CycleError
    assert order[-1] == "visualize" and len(order) == len(files(ROOT))


def test_every_room_is_on_the_list_and_the_list_is_in_contributing() -> None:
    rooms = {module_of(path, ROOT).split(".")[1] for path in files(ROOT) if path.parent.name != "visualize"}
    rooms |= {path.stem for path in (ROOT / "visualize").glob("*.py")} - {"__init__"}
    assert rooms == set(FLOORS)
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert ", ".join(f"`{room}`" for room in FLOORS) in text


def test_files_and_functions_are_short() -> None:
    long = []
    for path in files(ROOT):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > LINES:
            long.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= FUNCTION:
                long.append(f"{path.name}: {node.name}")
    assert long == []


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
    ],
)
def test_a_planted_import_is_caught(tmp_path: Path, file: str, line: str, found: str) -> None:
    for path in files(ROOT):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with (tmp_path / "visualize" / file).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{line}\n")
    assert broken(tmp_path) == [found]
