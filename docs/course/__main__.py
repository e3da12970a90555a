"""Makes the notebooks of the course from the pages with solutions: `python -m docs.course`.

A page is Markdown with cells of Python. A line that ends in `# hole: TEXT` is the solution, and the notebook
has TEXT in its place. `run` runs a page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOLE = re.compile(r"^( *).*?  # hole: (.*)$", re.MULTILINE)
SOLVED = re.compile(r"  # hole: .*$", re.MULTILINE)


def pages() -> list[Path]:
    """The pages with solutions, in order."""
    return sorted((HERE / "solutions").glob("*.md"))


def cells(page: Path, solved: bool = False) -> Iterator[tuple[str, str]]:
    """The cells of a page, as kind and text; with holes unless `solved`."""
    for i, part in enumerate(FENCE.split(page.read_text(encoding="utf-8"))):
        text = part.strip("\n")
        if i % 2:
            yield "code", SOLVED.sub("", text) if solved else HOLE.sub(r"\1\2", text)
        elif text:
            yield "markdown", text


def notebook(page: Path) -> str:
    """The notebook with the holes of a page."""
    found = []
    for i, (kind, text) in enumerate(cells(page)):
        cell = {"cell_type": kind, "id": f"{page.stem.replace('_', '-')}-{i}", "metadata": {}}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        found.append(dict(sorted({**cell, "source": text.splitlines(keepends=True)}.items())))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    content = {"cells": found, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def run(page: Path, solved: bool = True) -> dict[str, Any]:
    """Run the code of a page, cell by cell, and return its names."""
    space: dict[str, Any] = {"__name__": "notebook"}
    for i, (kind, text) in enumerate(cells(page, solved)):
        if kind == "code":
            exec(compile(text, f"<{page.stem}, cell {i}>", "exec"), space)
    return space


if __name__ == "__main__":
    for page in pages():
        (HERE / f"{page.stem}.ipynb").write_text(notebook(page), encoding="utf-8")
