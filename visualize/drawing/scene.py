"""Drawing -> Scene: shapes, frames and wires with their positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..layout import Box, Frame, Line, layout
from . import dot
from .labels import Block, Font, read

__all__ = ["LOOP", "Scene", "Shape", "Wire"]

INCH = 72

LOOP = 24
"""The distance from a box at which a line to itself turns."""

GAP = 14
"""The distance between layers; between boxes lies one more layer, for the numbers."""


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Shape(Box):
    """A node.

    Attributes:
        node: the node in the DOT text.
        label: the text within.
    """

    node: dot.Node
    label: Block


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Wire(Line):
    """An edge.

    Attributes:
        look: the attributes in the DOT text.
        block: the numbers on the edge.
        centred: whether the line runs through the middle of the numbers, not beside them.
    """

    look: dot.Attributes
    block: Block | None
    centred: bool = False


class Scene:
    """A picture, laid out.

    Attributes:
        drawing: the contents of the DOT text.
        across: whether the picture runs from left to right.
        shapes, wires: nodes and edges.
        frames: the clusters that are not empty.
        titles: the title of each cluster.
        loops: edges from a node to itself, each with its numbers.
        legend: the text below the picture.
        size: the width and height without the legend.
    """

    def __init__(self, drawing: dot.Drawing) -> None:
        self.drawing = drawing
        self.across = drawing.look.get("rankdir", "TB") == "LR"
        self.legend = _block(drawing.look)
        self.loops = [(edge, _block(edge.look)) for edge in drawing.edges if edge.start == edge.end]
        numbers = _numbers(drawing)
        self.shapes = {id: self._shape(node) for id, node in drawing.nodes.items() if id not in numbers}
        self.wires = list(self._wires(numbers))
        clusters = drawing.clusters.values()
        self.titles = {
            cluster.id: _block(drawing.look | {"label": ""} | cluster.look) for cluster in clusters
        }
        used = {id for shape in self.shapes.values() if (id := shape.parent)}
        for cluster in reversed(drawing.clusters.values()):
            if cluster.id in used and cluster.parent:
                used.add(cluster.parent)
        self.frames = [
            Frame(cluster.id, parent=cluster.parent, title=self.titles[cluster.id].size)
            for cluster in clusters
            if cluster.id in used
        ]
        main, cross = layout(list(self.shapes.values()), self.frames, self.wires, self.across, GAP)
        self.size = self.xy(main, cross)

    def xy(self, u: float, v: float) -> tuple[float, float]:
        """A position or size (u, v), along and across the layers, as (x, y)."""
        return (u, v) if self.across else (v, u)

    def _shape(self, node: dot.Node) -> Shape:
        look, label = node.look, _block(node.look)
        kind = look.get("shape", "ellipse")
        padding = (0.0, 0.0) if kind in ("plain", "none") else _margin(look)
        least = float(look.get("width", 0.75)) * INCH, float(look.get("height", 0.5)) * INCH
        wide, high = (max(a, b + 2 * c) for a, b, c in zip(least, label.size, padding, strict=True))
        if kind == "circle":
            wide = high = least[0]
        elif kind == "ellipse":
            wide += high / 2  # its ends are round
        elif kind == "plain":
            wide, high = label.size
        main, cross = self.xy(wide, high)
        loops = [self.xy(*block.size)[1] for edge, block in self.loops if edge.start == node.id]
        margin = LOOP + max(loops) if loops else 0.0
        return Shape(
            node.id,
            main,
            cross + 2 * margin,
            parent=node.cluster,
            rim=min(wide, high) / 2 if kind in ("circle", "ellipse") else 0.0,
            margin=margin,
            is_point=kind == "none",
            node=node,
            label=label,
        )

    def _wires(self, numbers: set[str]) -> Iterator[Wire]:
        """The edges; two edges with a node of numbers between them become one wire."""
        edges, align = self.drawing.edges, "CENTER" if self.across else "LEFT"
        begin = {edge.end: edge for edge in edges if edge.end in numbers}
        for i, edge in enumerate(edges):
            if edge.start == edge.end or edge.end in numbers:
                continue
            start, block, centred = edge.start, _block(edge.look, align), edge.start in numbers
            if centred:
                start, block = begin[start].start, _block(self.drawing.nodes[start].look)
            wide, high = block.size
            if not wide:
                yield Wire(f"{i}", start, edge.end, start, None, look=edge.look, block=None)
                continue
            room = (
                self.xy(wide, high) if centred else (wide + 8, 2 * high) if self.across else (high, 2 * wide)
            )
            yield Wire(f"{i}", start, edge.end, start, room, look=edge.look, block=block, centred=centred)


def _numbers(drawing: dot.Drawing) -> set[str]:
    """The nodes that are the numbers of a line: their shape is plain, with one edge in and one out."""
    into, out = Counter(e.end for e in drawing.edges), Counter(e.start for e in drawing.edges)
    plain = (id for id, node in drawing.nodes.items() if node.look.get("shape") == "plain")
    return {id for id in plain if into[id] == out[id] == 1}


def _block(look: dot.Attributes, align: str = "CENTER") -> Block:
    font = Font(float(look.get("fontsize", 14)), look.get("fontcolor", "#000000"))
    return read(look.get("label", ""), font, align)


def _margin(look: dot.Attributes) -> tuple[float, float]:
    wide, _, high = look.get("margin", "0.11,0.055").partition(",")
    return float(wide) * INCH, float(high or wide) * INCH
