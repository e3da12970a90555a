"""The house: no circle of imports, short functions and files, one list of floors, a test for each table."""

from __future__ import annotations

import os
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.house import FILE, FUNCTION, PACKAGES, PLAY, graph_of, long_files, long_functions
from tests.test_floors import FLOORS

ROOT = Path(__file__).parents[1]

TENSOR = 120
"""How many lines the file of Tensor may have: a table of its parts."""


def circle(root: Path) -> list[str]:
    """The modules of one circle of imports; none if there is no circle."""
    try:
        TopologicalSorter(graph_of(root)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def long_in_the_engine(root: Path) -> list[str]:
    """The files of the engine with too many lines, as `file (lines)`."""
    tensor = [found for found in long_files(root, ["autograd_lite"], TENSOR) if "/tensor.py " in found]
    return [*long_files(root, ["autograd_lite"]), *tensor]


def tables_without_tests(root: Path) -> list[str]:
    """The files of `ops/` that have no test file of their own."""
    tables = {path.stem for path in (root / "autograd_lite" / "ops").glob("*.py")} - {"__init__"}
    tests = {path.stem.removeprefix("test_") for path in (root / "tests" / "ops").glob("test_*.py")}
    return sorted(tables - tests)


def test_no_circle_of_imports() -> None:
    assert circle(ROOT) == []


def test_functions_are_short() -> None:
    assert long_functions(ROOT) == []


def test_files_of_the_engine_are_short() -> None:
    assert long_in_the_engine(ROOT) == []


def test_files_of_nn_are_short() -> None:
    assert long_files(ROOT, ["nn"]) == []


def test_each_table_of_rules_has_a_test_file() -> None:
    assert tables_without_tests(ROOT) == []


# -- one list of floors ----------------------------------------------------------------------------


def test_the_floors_are_those_of_contributing() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("`errors`, `memory`")]
    assert tuple(re.findall(r"`(\w+)`", line)) == FLOORS


def drawn(page: str) -> list[str]:
    """The rooms of the engine in the drawing of a page: the first words of its lines, in order."""
    block = page[page.index("autograd_lite/ ") : page.index("\nnn/ ")]
    rows = [re.split(r"\s{3,}", line.strip())[0] for line in block.splitlines()[1:]]
    return [name.strip("/") for row in rows for name in row.split()]


def out_of_order(page: str) -> list[str]:
    """The floors, in their order in a page; only those that both lists have."""
    return [name for name in drawn(page) if name in FLOORS]


def design() -> str:
    """The page of the design, which stands beside the repository."""
    data = os.environ.get("AUTOGRAD_LITE_DATA")
    places = [Path(data).parent if data else ROOT.parent / "shared", ROOT.parent / "shared"]
    for place in places:
        if (place / "DESIGN.md").is_file():
            return (place / "DESIGN.md").read_text(encoding="utf-8")
    pytest.skip("the page of the design is not beside the repository")


def test_the_floors_are_in_the_order_of_the_design() -> None:
    both = out_of_order(design())
    assert [name for name in FLOORS if name in both] == both
    assert len(both) > 20


# -- planted faults --------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house in which all is well."""
    for name in ("autograd_lite/ops", "nn", "visualize", "tests/ops"):
        (tmp_path / name).mkdir(parents=True)
    for package in PACKAGES:
        (tmp_path / package / "__init__.py").write_text("from . import low\n", encoding="utf-8")
        (tmp_path / package / "low.py").write_text("x = 1\n", encoding="utf-8")
    for name in ("autograd_lite/tensor.py", "autograd_lite/backward.py", "tests/ops/test_sines.py"):
        (tmp_path / name).write_text("def play():\n    return 1\n", encoding="utf-8")
    (tmp_path / "autograd_lite/ops/sines.py").write_text("from ..low import x\n", encoding="utf-8")
    return tmp_path


def test_nothing_is_found_where_all_is_well(house: Path) -> None:
    assert (
        circle(house)
        == long_functions(house)
        == long_in_the_engine(house)
        == tables_without_tests(house)
        == []
    )


@pytest.mark.parametrize(
    "line",
    [
        "from . import high",
        "from .high import y",
        "import autograd_lite.high",
        "def late():\n    from .high import y",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .high import y",
    ],
)
def test_a_planted_circle_is_found(house: Path, line: str) -> None:
    (house / "autograd_lite/high.py").write_text("from .low import x\ny = x\n", encoding="utf-8")
    assert circle(house) == []
    (house / "autograd_lite/low.py").write_text(f"{line}\n", encoding="utf-8")
    assert set(circle(house)) == {"autograd_lite.high", "autograd_lite.low"}


@pytest.mark.parametrize(("file", "limit"), [("nn/low.py", FUNCTION), ("autograd_lite/backward.py", PLAY)])
def test_a_planted_long_function_is_found(house: Path, file: str, limit: int) -> None:
    for lines, expected in ((limit, []), (limit + 1, [f"{file}: play ({limit + 1})"])):
        text = "@decorated\ndef play():\n" + "    x = 1\n" * (lines - 1)
        (house / file).write_text(text, encoding="utf-8")
        assert long_functions(house) == expected


@pytest.mark.parametrize(("file", "limit"), [("ops/sines.py", FILE), ("tensor.py", TENSOR)])
def test_a_planted_long_file_is_found(house: Path, file: str, limit: int) -> None:
    for lines, expected in ((limit, []), (limit + 1, [f"autograd_lite/{file} ({limit + 1})"])):
        (house / "autograd_lite" / file).write_text("x = 1\n" * lines, encoding="utf-8")
        assert long_in_the_engine(house) == expected


def test_a_planted_long_file_of_nn_is_found(house: Path) -> None:
    (house / "nn/low.py").write_text("x = 1\n" * FILE, encoding="utf-8")
    assert long_files(house, ["nn"]) == []
    (house / "nn/low.py").write_text("x = 1\n" * (FILE + 1), encoding="utf-8")
    assert long_files(house, ["nn"]) == [f"nn/low.py ({FILE + 1})"]


def test_a_planted_table_without_tests_is_found(house: Path) -> None:
    (house / "autograd_lite/ops/cosines.py").write_text("", encoding="utf-8")
    assert tables_without_tests(house) == ["cosines"]
