"""What a picture is written as: the table of formats, and within them the table of styles.

A new format is one entry in `WRITERS`; a new style of pictures is one entry in `STYLES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..computation import Step
from . import html, lecture, listing, network, neurons, outline
from .look import Picture

__all__ = ["LIMIT", "STYLES", "WRITERS", "Style", "Writer", "boxes", "page"]

LIMIT = 2_000
"""How many boxes a picture may have that is laid out by a renderer. Text may have more."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the graph of a computation looks.

    Attributes:
        dot: writes the picture in Graphviz' DOT language.
        text: writes the computation as plain text.
        boxes: counts the circles or boxes in the picture.
        page: writes the page of the picture, or of a walk through it.
        svg: draws the picture itself, where it needs no renderer.
        frame: draws the i-th step of a walk itself.
    """

    dot: Callable[[Picture], str]
    text: Callable[[Picture], str]
    boxes: Callable[[Picture], int]
    page: Callable[[Picture, Sequence[Step] | None], str] = html.page
    svg: Callable[[Picture], str] | None = None
    frame: Callable[[Picture, Sequence[Step], int], str] | None = None


STYLES = {
    "lecture": Style(lecture.dot, outline.text, lambda graph: len(graph.vertices)),
    "model": Style(network.dot, listing.text, lambda graph: len(network.folding(graph).boxes)),
    "neurons": Style(neurons.dot, outline.text, neurons.circles, neurons.page, neurons.svg, neurons.frame),
    "ops": Style(network.dot, outline.text, lambda graph: len(network.folding(graph).boxes)),
}
"""The styles that `draw` knows."""


def dot(graph: Picture) -> str:
    """The picture in Graphviz' DOT language."""
    return STYLES[graph.look.style].dot(graph)


def text(graph: Picture) -> str:
    """The computation as plain text."""
    return STYLES[graph.look.style].text(graph)


def page(graph: Picture, steps: Sequence[Step] | None = None) -> str:
    """The page of the picture, or of a walk through it."""
    return STYLES[graph.look.style].page(graph, steps)


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
    "html": Writer(page),
    "text": Writer(text),
}
"""The formats of pictures, by the endings of their files."""
