"""Pictures -> files, those of DOT text by a renderer. The only file that knows of renderers."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from autograd_lite import files
from autograd_lite.errors import DTypeError, FileError, OptionError, RendererError

from .drawing import length, pdf, png, svg
from .writers import LIMIT, STYLES, WRITERS, boxes
from .writers.look import Picture

__all__ = ["as_path", "check_size", "drawing", "picture", "render", "save", "write"]

LONG = 3_000
"""How many layers all lines may go through together before Graphviz takes seconds."""


def render(text: str, format: str) -> bytes:
    """A picture of DOT text, by the system's `dot`, else by pygraphviz, else by our own layout.

    Where lines are long, as of a value with a hundred uses, Graphviz takes minutes: our own comes first.

    Args:
        text: a graph in the DOT language.
        format: "svg", "png" or "pdf".

    Raises:
        RendererError: nothing is installed that makes this format, or a renderer refused the text.
    """
    if format == "png":  # a pixel picture for screens of today
        text = text.replace("digraph {", "digraph {\n  dpi=144", 1)
    renderers = (_system, _pygraphviz, _own)
    for renderer in reversed(renderers) if length(text) > LONG else renderers:
        picture = renderer(text, format)
        if picture is not None:
            return picture
    pixels = " or pip install cairosvg, which makes it of an SVG picture" if format == "png" else ""
    raise RendererError(
        f"nothing is installed that could make a .{format}: install Graphviz (apt-get install graphviz, "
        "brew install graphviz, or https://graphviz.org/download), its Python wheel "
        f"(pip install pygraphviz){pixels}. Without them, .svg, .html and .dot files, graph.to_dot() and "
        "graph.to_text() still work"
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


def _own(text: str, format: str) -> bytes | None:
    """By our own layout; None for what it cannot make."""
    if format == "svg":
        return svg(text).encode()
    return png(svg(text)) if format == "png" else None


def picture(graph: Picture, ending: str) -> bytes:
    """The content of a file with a graph, in the format of an ending that `WRITERS` has."""
    writer, drawn = WRITERS[ending], STYLES[graph.look.style].svg
    if not writer.rendered:
        return writer.write(graph).encode()
    check_size(graph)
    if drawn is not None:
        return drawing(drawn(graph), ending)
    return render(writer.write(graph), ending)


def drawing(text: str, format: str) -> bytes:
    """A picture that is an SVG text already, in another format.

    Args:
        text: the picture.
        format: "svg", "png" or "pdf".

    Raises:
        RendererError: nothing is installed that makes this format.
    """
    if format == "svg":
        return text.encode()
    made = png(text) if format == "png" else pdf(text)
    if made is None:
        raise RendererError(
            f"nothing is installed that makes a .{format} of this picture: pip install cairosvg, or install "
            "rsvg-convert (apt-get install librsvg2-bin, brew install librsvg). Without them, .svg and .html "
            "files still work"
        )
    return made


def check_size(graph: Picture) -> None:
    """Refuse a picture that nobody can read, and say how to fold it."""
    n = boxes(graph)
    if n > LIMIT:
        raise OptionError(
            f"this picture would have {n:,} boxes (the limit is {LIMIT:,}): fold it, as in "
            "draw(model, x, style='model', depth=1); or draw a part of the computation; or save it as "
            ".html, where modules fold and unfold; or as .dot, which takes any number"
        )


def save(graph: Picture, path: str | Path) -> Path:
    """Write a graph to a file, in the format of the file's ending."""
    path = as_path(path)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in WRITERS:
        endings = ", ".join(f".{known}" for known in WRITERS)
        raise OptionError(
            f"save({str(path)!r}): the ending {path.suffix!r} names no format; endings that work: {endings}"
        )
    return write(picture(graph, ending), path)


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
