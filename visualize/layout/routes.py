"""The way of a line through its points."""

from __future__ import annotations

import math

from .items import Box, Item, Part

__all__ = ["entry", "route"]

Stop = tuple[float, float]


def route(part: Part, tip: float = 0) -> list[Stop]:
    """The stops of a line, (u, v), from the border of one box to that of another, two for each layer between.

    Args:
        part: a part of a line.
        tip: how far before a box it ends, where an arrow's tip follows.
    """
    a, b = part.a, part.b
    to_a, to_b = (part.points or [b])[0], (part.points or [a])[-1]
    stops = [(a.u, a.v), (a.u + a.thick, a.v)] if a.pin == "first" else [(a.u + a.main / 2, a.v)]
    if part.turned and part.arrow:
        stops = [entry(a, to_a, 1, tip)]
    for point in part.points:
        half = point.thick / 2  # straight through the whole layer, clear of wider numbers and boxes in it
        stops += [(point.u - half, point.v), (point.u + half, point.v)]
    return [*stops, entry(b, to_b, -1, tip if part.arrow and not part.turned else 0)]


def entry(item: Item, towards: Item, side: int, tip: float = 0) -> Stop:
    """Where a line meets a box: on the side it comes from, a little off the middle of the box's border.

    Args:
        item: the box.
        towards: where the line comes from.
        side: -1 at the beginning of the box, 1 at its end.
        tip: how far before the border.
    """
    if item.pin or not isinstance(item, Box):
        return item.u, item.v
    if item.is_point:
        return item.u + side * tip, item.v
    half, rim = item.cross / 2 - item.margin, item.rim
    room = (0.62 if rim else 0.8) * half
    shift = max(-room, min(room, (towards.v - item.v) / 2.2))
    over = max(0.0, abs(shift) - (half - rim))
    inset = rim - math.sqrt(rim * rim - over * over) if rim else 0.0
    return item.u + side * (item.main / 2 - inset + tip), item.v + shift
