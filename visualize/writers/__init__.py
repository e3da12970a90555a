"""The table of file formats, and the table of picture styles.

A new format is one entry in `WRITERS`. A new style is one entry in `STYLES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..computation import Step
from . import html, lecture, listing, network, neurons, outline, plans
from .look import Picture

__all__ = ["LIMIT", "STYLES", "WRITERS", "Style", "Writer", "boxes", "page"]

LIMIT = 2_000
"""The most boxes of a picture that a renderer lays out; text has no limit."""


@dataclass(frozen=True, slots=True)
class Style:
    """A style of pictures.

    Attributes:
        dot: writes the picture in Graphviz' DOT language.
        text: writes the computation as plain text.
        boxes: counts the circles or boxes in the picture.
        page: writes the page of the picture, or of a walk through the picture.
        svg: draws the picture; None if a renderer does.
        frame: draws the i-th step of a walk; None if a renderer does.
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
    "plan": Style(plans.dot, plans.plain, plans.boxes, plans.page),
}
"""The styles that `draw` knows."""


def dot(graph: Picture) -> str:
    """The picture in Graphviz' DOT language."""
    return STYLES[graph.look.style].dot(graph)


def text(graph: Picture) -> str:
    """The computation as plain text."""
    return STYLES[graph.look.style].text(graph)


def page(graph: Picture, steps: Sequence[Step] | None = None) -> str:
    """The page of the picture, or of a walk through the picture."""
    return STYLES[graph.look.style].page(graph, steps)


def boxes(graph: Picture) -> int:
    """The number of circles or boxes in the picture."""
    return STYLES[graph.look.style].boxes(graph)


@dataclass(frozen=True, slots=True)
class Writer:
    """A file format.

    Attributes:
        write: makes the text of the file, or its DOT text, from a picture.
        rendered: whether a renderer makes the file from DOT text.
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
"""The file formats by their endings."""
