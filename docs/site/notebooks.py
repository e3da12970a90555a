"""Runs the tutorials, and writes each as a page and as a notebook with its results."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from .pages import DOCS, ROOT, address, linked, write

TUTORIALS = DOCS / "tutorials"
COURSE = DOCS / "course"
TIMEOUT = 600
"""Seconds that a kernel may take to start, and a cell to run: enough for a busy machine."""


def executed(path: Path, folder: Path) -> Any:
    """A notebook after its run in a folder; an error in a cell is an error here."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=TIMEOUT, startup_timeout=TIMEOUT, resources=resources)
    client.extra_arguments = ["--log-level=ERROR"]
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    for cell in notebook.cells:
        if cell.cell_type == "code":  # without notes of the machine, as that of a missing font
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def written(folder: Path, scratch: Path) -> None:
    """Run each tutorial in a folder of its own, and write the pages of all notebooks.

    The notebooks of the course have holes to fill. They are shown as they are, without results.
    """
    for name in ("tutorials", "course"):
        (folder / name).mkdir(parents=True, exist_ok=True)

    def one(path: Path) -> None:
        (scratch / path.stem).mkdir()
        paged(path, executed(path, scratch / path.stem), folder)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, sorted(TUTORIALS.glob("*.ipynb"))))
    for path in sorted(COURSE.glob("*.ipynb")):
        paged(path, nbformat.read(path, as_version=4), folder)


def paged(path: Path, notebook: Any, folder: Path) -> None:
    """Write one notebook, and its page."""
    page = address(path)
    nbformat.write(notebook, folder / page.with_suffix(".ipynb"))
    parts = [part for cell in notebook.cells for part in shown(cell, folder / page.parent)]
    heading, *rest = linked("\n\n".join(parts), path, page)[0].split("\n", 1)
    link = f"[Download as a notebook]({path.name}){{ download }}"
    write(folder, page, "\n\n".join([heading, link, *rest]) + "\n")


def shown(cell: Any, folder: Path) -> Iterator[str]:
    """A cell in Markdown: its text, or its code and what the code shows. Pictures become files."""
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for i, output in enumerate(cell.outputs):
        if output.output_type == "stream":
            yield result(output.text)
            continue
        data, name = output.data, f"{cell.id}-{i}"
        if "image/svg+xml" in data:
            (folder / f"{name}.svg").write_text(data["image/svg+xml"], encoding="utf-8")
            yield f"![What the code shows]({name}.svg)"
        elif "image/png" in data:
            (folder / f"{name}.png").write_bytes(base64.b64decode(data["image/png"]))
            yield f"![What the code shows]({name}.png)"
        elif "text/html" in data:
            yield f'<div class="shown">\n{data["text/html"]}\n</div>'
        else:
            yield result(data["text/plain"])


def result(text: str) -> str:
    """What code prints, in a block without a button to copy."""
    return f"``` {{ .text .no-copy .result }}\n{text}\n```"
