"""Pictures -> files. No other file knows the renderers of DOT text."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from autograd_lite import files
from autograd_lite.errors import DTypeError, FileError, OptionError, RendererError

from .drawing import convert, length, svg
from .writers import LIMIT, STYLES, WRITERS, boxes
from .writers.look import Picture

__all__ = ["as_path", "check_size", "drawing", "picture", "render", "save", "write"]

LONG = 3_000
"""How many layers all lines may go through together before Graphviz takes seconds."""


def render(text: str, format: str) -> bytes:
    """Render DOT text by the program `dot`, else by pygraphviz, else by our own layout.

    Where lines are long, as of a value with a hundred uses, Graphviz takes minutes: our own comes first.

    Args:
        text: a graph in the DOT language.
        format: "svg", "png" or "pdf".

    Raises:
        RendererError: no installed program makes this format, or a renderer refused the text.
    """
    if format == "png":  # twice 72 dpi, for screens with small pixels
        text = text.replace("digraph {", "digraph {\n  dpi=144", 1)
    renderers = (_system, _pygraphviz, _own)
    for renderer in reversed(renderers) if length(text) > LONG else renderers:
        picture = renderer(text, format)
        if picture is not None:
            return picture
    pixels = " or CairoSVG (pip install cairosvg)" if format == "png" else ""
    raise RendererError(
        f"no installed program makes a .{format}: install Graphviz (apt-get install graphviz, "
        "brew install graphviz, or https://graphviz.org/download), its Python wheel "
        f"(pip install pygraphviz){pixels}. Without them, .svg, .html and .dot files, graph.to_dot() and "
        "graph.to_text() still work"
    )


def _system(text: str, format: str) -> bytes | None:
    """Render by the program `dot`; None if it is not installed."""
    import graphviz

    try:
        return bytes(graphviz.pipe("dot", format, text.encode(), quiet=True))
    except graphviz.ExecutableNotFound:
        return None
    except graphviz.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip()
        raise RendererError(f"Graphviz' dot could not make a .{format}: {said}") from error


def _pygraphviz(text: str, format: str) -> bytes | None:
    """Render by pygraphviz, whose wheels contain Graphviz; None if it is not installed."""
    try:
        pygraphviz = importlib.import_module("pygraphviz")
    except ImportError:
        return None
    try:
        return bytes(pygraphviz.AGraph(string=text).draw(format=format, prog="dot"))
    except (OSError, ValueError, pygraphviz.DotError) as error:
        raise RendererError(f"pygraphviz could not make a .{format}: {error}") from error


def _own(text: str, format: str) -> bytes | None:
    """Render by our own layout; None for PDF, which needs Graphviz."""
    return None if format == "pdf" else convert(svg(text), format)


def picture(graph: Picture, ending: str) -> bytes:
    """The content of a file with a graph; the ending is a key of `WRITERS`."""
    writer, drawn = WRITERS[ending], STYLES[graph.look.style].svg
    if not writer.rendered:
        return writer.write(graph).encode()
    check_size(graph)
    if drawn is not None:
        return drawing(drawn(graph), ending)
    return render(writer.write(graph), ending)


def drawing(text: str, format: str) -> bytes:
    """An SVG picture in another format.

    Args:
        text: the SVG text.
        format: "svg", "png" or "pdf".

    Raises:
        RendererError: no installed program makes this format.
    """
    made = convert(text, format)
    if made is None:
        raise RendererError(
            f"no installed program makes a .{format} of this picture: pip install cairosvg, or install "
            "rsvg-convert (apt-get install librsvg2-bin, brew install librsvg). Without them, .svg and .html "
            "files still work"
        )
    return made


def check_size(graph: Picture) -> None:
    """Refuse a picture with too many boxes; the error says how to fold it."""
    n = boxes(graph)
    if n > LIMIT:
        raise OptionError(
            f"this picture would have {n:,} boxes (the limit is {LIMIT:,}): fold modules, as in "
            "draw(model, x, style='model', depth=1); or draw a part of the computation; or save it as "
            ".html, where modules fold and unfold; or as .dot, which has no limit"
        )


def save(graph: Picture, path: str | Path) -> Path:
    """Write a graph to a file; the path's ending names the format."""
    path = as_path(path)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in WRITERS:
        endings = ", ".join(f".{known}" for known in WRITERS)
        raise OptionError(
            f"save({str(path)!r}): the ending {path.suffix!r} names no format; expected one of {endings}"
        )
    return write(picture(graph, ending), path)


def write(content: bytes, path: Path) -> Path:
    """Write a file atomically: a reader never sees half of it."""
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
    """A user's path, checked."""
    if not isinstance(path, (str, Path)):
        raise DTypeError(f"save({path!r}): expected a path, as in save('f.svg')")
    return files.checked_path("save", path)
