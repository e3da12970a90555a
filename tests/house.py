"""What the tests of the house look at: the imports of a tree, and the lengths of its functions and files."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

PACKAGES = ("autograd_lite", "nn", "visualize")

FUNCTION = 60
"""How many lines a function may have, with its docstring, without its decorators."""

PLAY = 75
"""The sweep is one loop, and is to be read as one. Called functions would cost as much as its arithmetic."""

FILE = 450
"""How many lines a file of the three packages may have."""


def files_of(root: Path, packages: Collection[str] = PACKAGES) -> list[Path]:
    """The Python files of packages."""
    return [path for package in packages for path in sorted((root / package).rglob("*.py"))]


def module_of(path: Path, root: Path) -> str:
    """The dotted name of a file; of `__init__.py` that of its package."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(path: Path, root: Path) -> Iterator[str]:
    """The dotted names of all that a file imports, wherever in it the import stands."""
    package = list(path.relative_to(root).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def graph_of(root: Path, packages: Collection[str] = PACKAGES) -> dict[str, set[str]]:
    """For each module of packages the modules among them that it imports, those for types, too.

    `from . import tree` imports the module `tree`, where there is one, and else the package.
    """
    modules = {module_of(path, root): path for path in files_of(root, packages)}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        pairs = [(name, name.rpartition(".")[0]) for name in imported_names(path, root)]
        graph[module] = {name if name in modules else home for name, home in pairs} & modules.keys() - {
            module
        }
    return graph


def long_functions(root: Path, packages: Collection[str] = PACKAGES) -> list[str]:
    """The functions with too many lines, as `file: function (lines)`."""
    found = []
    for path in files_of(root, packages):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                play = node.name == "play" and path == root / "autograd_lite" / "backward.py"
                if lines > (PLAY if play else FUNCTION):
                    found.append(f"{path.relative_to(root).as_posix()}: {node.name} ({lines})")
    return found


def long_files(root: Path, packages: Collection[str], limit: int = FILE) -> list[str]:
    """The files with too many lines, as `file (lines)`."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files_of(root, packages)}
    return [f"{path.relative_to(root).as_posix()} ({n})" for path, n in lengths.items() if n > limit]
