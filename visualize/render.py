"""DOT text -> pictures and files. The only file that knows of a renderer."""

from __future__ import annotations

import contextlib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from autograd_lite import files
from autograd_lite.errors import DTypeError, FileError, OptionError, RendererError

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["FORMATS", "as_path", "mimebundle", "render", "save", "write"]

FORMATS = ("dot", "svg", "png", "pdf")


def render(text: str, format: str) -> bytes:
    """A picture of DOT text, by the system's `dot` or else by pygraphviz.

    Args:
        text: a graph in the DOT language.
        format: "svg", "png" or "pdf".

    Raises:
        RendererError: there is no renderer, or it refused the text.
    """
    if format == "png":  # a pixel picture for screens of today
        text = text.replace("digraph {", "digraph {\n  dpi=144", 1)
    for renderer in (_system, _pygraphviz):
        picture = renderer(text, format)
        if picture is not None:
            return picture
    raise RendererError(
        f"no renderer is installed that could make a .{format}: install Graphviz (apt-get install graphviz, "
        "brew install graphviz, or https://graphviz.org/download) or its Python wheel "
        "(pip install pygraphviz). Without one, .html and .dot files, graph.to_dot() and graph.to_text() "
        "still work"
    )


def _system(text: str, format: str) -> bytes | None:
    """By the program `dot`; None where it is not installed."""
    import graphviz

    try:
        return bytes(graphviz.pipe("dot", format, text.encode(), quiet=True))
    except graphviz.ExecutableNotFound:
        return None
    except graphviz.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip()
        raise RendererError(f"Graphviz' dot could not make a .{format}: {said}") from error


def _pygraphviz(text: str, format: str) -> bytes | None:
    """By the library that pygraphviz' wheels bring along; None where it is not installed."""
    try:
        pygraphviz = importlib.import_module("pygraphviz")
    except ImportError:
        return None
    try:
        return bytes(pygraphviz.AGraph(string=text).draw(format=format, prog="dot"))
    except (OSError, ValueError, pygraphviz.DotError) as error:
        raise RendererError(f"pygraphviz could not make a .{format}: {error}") from error


def save(text: str, path: Path) -> Path:
    """Write DOT text, or the picture of it, to a file in the format of the file's ending."""
    format = path.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        endings = ", ".join(f".{known}" for known in (*FORMATS, "html"))
        raise OptionError(
            f"save({str(path)!r}): the ending {path.suffix!r} names no format; endings that work: {endings}"
        )
    return write(text.encode() if format == "dot" else render(text, format), path)


def write(content: bytes, path: Path) -> Path:
    """Write a file at once: there is never half of it."""
    try:
        files.write(path, content)
    except OSError as error:
        advice = (
            f"make its folder: Path({str(path.parent)!r}).mkdir(parents=True)"
            if isinstance(error, FileNotFoundError) and not os.path.isdir(path.parent)
            else "choose a file in a folder that you may write to"
        )
        raise FileError(f"could not write {str(path)!r}: {error.strerror}; {advice}") from error
    return path


def as_path(path: str | Path) -> Path:
    """The path that a user has given."""
    if not isinstance(path, (str, Path)):
        raise DTypeError(f"save({path!r}): expected a path, as in save('f.svg')")
    return files.checked_path("save", path)


def mimebundle(graph: Graph) -> dict[str, str]:
    """What a notebook shows of a graph; a cell must not fail because a picture cannot be made."""
    bundle = {"text/plain": repr(graph)}
    with contextlib.suppress(Exception):
        bundle["text/plain"] = graph.to_text()
        bundle["image/svg+xml"] = graph.to_svg()
    return bundle
