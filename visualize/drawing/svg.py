"""DOT text -> an SVG picture, by our own layout."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from ..layout import Frame, Part, route
from . import dot
from .labels import Block, rectangle
from .scene import LOOP, Scene, Shape, Wire

__all__ = ["svg"]

PAD = 12
"""The space around the picture."""

TIP = 7
"""The length of an arrow's tip."""


def svg(text: str) -> str:
    """The picture of DOT text as the text of an SVG file.

    Args:
        text: a graph in the DOT language, in the form of our writers.

    Raises:
        RendererError: the text is not in the form of our writers.

    Example:
        >>> svg("digraph { a [label=<x>] b [label=<y>] a -> b }").count("<text")
        2
    """
    scene = Scene(dot.read(text))
    look, below = scene.drawing.look, scene.legend.size
    inner = max(scene.size[0], below[0]), scene.size[1] + (PAD + below[1] if below[1] else 0)
    wide, high = (math.ceil(size + 2 * PAD) for size in inner)
    font = look.get("fontname", "Helvetica,Arial,sans-serif")
    legend = scene.legend.draw(
        0, inner[1] - below[1], below if look.get("labeljust") == "l" else (inner[0], below[1])
    )
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}pt" height="{high}pt" '
            f'viewBox="{-PAD} {-PAD} {wide} {high}" font-family="{font}" xml:space="preserve">',
            rectangle(-PAD, -PAD, (wide, high), f'fill="{look.get("bgcolor", "#ffffff")}"'),
            *_elements(scene),
            *legend,
            "</svg>",
            "",
        ]
    )


def _elements(scene: Scene) -> Iterator[str]:
    """Frames at the back, then lines, boxes, and the numbers on the lines."""
    for frame in scene.frames:
        yield from _frame(scene, frame)
    seen: set[Part] = set()
    for wire in scene.wires:
        for part in wire.parts:
            if part not in seen:  # lines of one source share their way through frames
                seen.add(part)
                yield from _part(scene, wire, part)
    for edge, block in scene.loops:
        yield from _loop(scene, scene.shapes[edge.start], edge.look, block)
    for shape in scene.shapes.values():
        yield from _shape(scene, shape)
    for wire in scene.wires:
        yield from _numbers(scene, wire)


def _frame(scene: Scene, frame: Frame) -> Iterator[str]:
    look = scene.drawing.clusters[frame.id].look
    x, y = scene.xy(frame.u - frame.main / 2, frame.v - frame.cross / 2)
    size = scene.xy(frame.main, frame.cross)
    yield rectangle(
        x, y, size, f'rx="8" fill="{look.get("fillcolor", "none")}" stroke="{look.get("color", "#000000")}"'
    )
    title = scene.titles[frame.id]
    yield from title.draw(x + 10, y + 7, title.size)


def _shape(scene: Scene, shape: Shape) -> Iterator[str]:
    look = shape.node.look
    wide, high = scene.xy(shape.main, shape.cross - 2 * shape.margin)
    x, y = scene.xy(shape.u, shape.v)
    if look.get("shape") not in ("plain", "plaintext", "none"):
        fill, colour = look.get("fillcolor", "none"), look.get("color", "#000000")
        dashes = ' stroke-dasharray="5 3"' if "dashed" in look.get("style", "") else ""
        border = f'stroke="{colour}" stroke-width="{look.get("penwidth", "1")}"{dashes}'
        corner = f"{shape.rim or 7:.1f}"
        yield rectangle(x - wide / 2, y - high / 2, (wide, high), f'rx="{corner}" fill="{fill}" {border}')
    yield from shape.label.draw(x - wide / 2, y - high / 2, (wide, high))


# -- lines -----------------------------------------------------------------------------------------


def _part(scene: Scene, wire: Wire, part: Part) -> Iterator[str]:
    look = wire.look
    has_tip = part.arrow and look.get("arrowhead") != "none"
    broad = float(look.get("penwidth", 1))
    tip = (TIP + 1.2 * broad) if has_tip else 0.0
    stops = route(part, tip)
    yield _stroke(_path(scene, stops), look)
    if has_tip:
        (u, v), side = (stops[0], -1) if part.turned else (stops[-1], 1)
        yield _tip(scene, u, v, side * tip, look)


def _path(scene: Scene, stops: list[tuple[float, float]]) -> str:
    def at(u: float, v: float) -> str:
        x, y = scene.xy(u, v)
        return f"{x:.1f},{y:.1f}"

    path = f"M{at(*stops[0])}"
    for (u0, v0), (u, v) in itertools.pairwise(stops):
        middle = (u0 + u) / 2
        if abs(v - v0) < 0.5:
            path += f"L{at(u, v)}"
        elif u != u0:
            path += f"C{at(middle, v0)} {at(middle, v)} {at(u, v)}"
    return path


def _stroke(path: str, look: dot.Attributes) -> str:
    dots = ' stroke-dasharray="1 4"' if look.get("style") == "dotted" else ""
    colour, broad = look.get("color", "#000000"), look.get("penwidth", "1")
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{broad}"{dots}/>'


def _tip(scene: Scene, u: float, v: float, length: float, look: dot.Attributes) -> str:
    """The triangle at the end of a line, along the main axis."""
    half = 0.42 * abs(length)
    return _triangle(scene, [(u, v - half), (u + length, v), (u, v + half)], look)


def _triangle(scene: Scene, corners: list[tuple[float, float]], look: dot.Attributes) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (scene.xy(*corner) for corner in corners))
    return f'<polygon points="{points}" fill="{look.get("color", "#000000")}"/>'


def _loop(scene: Scene, shape: Shape, look: dot.Attributes, block: Block) -> Iterator[str]:
    """The line from a box to itself, beside the box."""
    side, quarter = shape.v + shape.cross / 2 - shape.margin, shape.main / 4
    far, out, back = side + LOOP - 4, shape.u + quarter, shape.u - quarter
    a, b, c, d = (
        "{:.1f},{:.1f}".format(*scene.xy(*end))
        for end in ((out, side), (out, far), (back, far), (back, side + TIP))
    )
    yield _stroke(f"M{a}C{b} {c} {d}", look)
    half = TIP / 2
    yield _triangle(scene, [(back - half, side + TIP), (back, side), (back + half, side + TIP)], look)
    wide, high = block.size
    x, y = scene.xy(shape.u, far)
    yield from block.draw(*((x - wide / 2, y) if scene.across else (x, y - high / 2)), block.size)


def _numbers(scene: Scene, wire: Wire) -> Iterator[str]:
    """The numbers of a line, in its middle or beside it."""
    point = next((point for part in wire.parts for point in part.points if point.labelled), None)
    if wire.block is None or point is None:
        return
    (x, y), (wide, high) = scene.xy(point.u, point.v), wire.block.size
    if wire.centred:
        x, y = x - wide / 2, y - high / 2
    elif scene.across:
        x, y = x - wide / 2, y - high - 1
    else:
        x, y = x + float(wire.look.get("penwidth", 1)) / 2, y - high / 2
    yield from wire.block.draw(x, y, wire.block.size)
