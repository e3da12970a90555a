"""What a picture is written as: the table of formats, and within them the table of styles.

A new format is one entry in `WRITERS`; a new style of pictures is one entry in `STYLES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import html, lecture, listing, network, outline
from .look import Picture

__all__ = ["LIMIT", "STYLES", "WRITERS", "Style", "Writer", "boxes"]

LIMIT = 2_000
"""How many boxes a picture may have that is laid out by a renderer. Text may have more."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the graph of a computation looks.

    Attributes:
        dot: writes the picture in Graphviz' DOT language.
        text: writes the computation as plain text.
        boxes: counts the circles or boxes in the picture.
    """

    dot: Callable[[Picture], str]
    text: Callable[[Picture], str]
    boxes: Callable[[Picture], int]


STYLES = {
    "lecture": Style(lecture.dot, outline.text, lambda graph: len(graph.vertices)),
    "model": Style(network.dot, listing.text, lambda graph: len(network.folding(graph).boxes)),
    "ops": Style(network.dot, outline.text, lambda graph: len(network.folding(graph).boxes)),
}
"""The styles that `draw` knows."""


def dot(graph: Picture) -> str:
    """The picture in Graphviz' DOT language."""
    return STYLES[graph.look.style].dot(graph)


def text(graph: Picture) -> str:
    """The computation as plain text."""
    return STYLES[graph.look.style].text(graph)


def boxes(graph: Picture) -> int:
    """How many circles or boxes there are in the picture of a graph."""
    return STYLES[graph.look.style].boxes(graph)


@dataclass(frozen=True, slots=True)
class Writer:
    """A format of files.

    Attributes:
        write: makes the text of the file from a picture.
        rendered: whether that text is DOT, of which a renderer makes the file.
    """

    write: Callable[[Picture], str]
    rendered: bool = False


WRITERS = {
    "dot": Writer(dot),
    "svg": Writer(dot, rendered=True),
    "png": Writer(dot, rendered=True),
    "pdf": Writer(dot, rendered=True),
    "html": Writer(html.page),
    "text": Writer(text),
}
"""The formats of pictures, by the endings of their files."""
