"""The route of a line through its points."""

from __future__ import annotations

import math

from .items import Box, Item, Part

__all__ = ["route"]

NEAR = 40
"""The largest distance from the middle of a border at which a line leaves."""

Stop = tuple[float, float]


def route(part: Part, tip: float = 0) -> list[Stop]:
    """The stops (u, v) of a line between the borders of two boxes, two stops for each layer between.

    Args:
        part: a part of a line.
        tip: the length of the arrow's tip, which follows the last stop.
    """
    a, b = part.a, part.b
    to_a, to_b = (part.points or [b])[0], (part.points or [a])[-1]
    back = part.turned and part.arrow
    start = _entry(a, to_a, 1, tip) if back else _exit(a, to_a)
    end = _entry(b, to_b, -1, tip if part.arrow and not back else 0)
    stops = [start, (max(start[0], part.leave), start[1])]
    for point in part.points:
        half = point.thick / 2  # straight through the layer, clear of its wider numbers and boxes
        stops += [(point.u - half, point.v), (point.u + half, point.v)]
    return [*stops, (min(end[0], part.arrive), end[1]), end]


def _exit(item: Item, towards: Item) -> Stop:
    """The stop where a line leaves: straight on if near the middle of a straight border, else the middle."""
    if item.pin:
        return item.u, item.v
    shift = towards.v - item.v
    straight = isinstance(item, Box) and not item.rim and abs(shift) <= min(NEAR, 0.3 * item.cross)
    return item.u + item.main / 2, item.v + (shift if straight else 0)


def _entry(item: Item, towards: Item, side: int, tip: float = 0) -> Stop:
    """The stop where a line meets a box: straight on, or at the nearest end of the border.

    Args:
        item: the box.
        towards: the item that the line comes from.
        side: -1 at the beginning of the box, 1 at its end.
        tip: the distance from the border.
    """
    if item.pin or not isinstance(item, Box):
        return item.u, item.v
    if item.is_point:
        return item.u + side * tip, item.v
    half, rim = item.cross / 2 - item.margin, item.rim
    room = (0.62 if rim else 0.8) * half
    shift = max(-room, min(room, towards.v - item.v))
    over = max(0.0, abs(shift) - (half - rim))
    inset = rim - math.sqrt(rim * rim - over * over) if rim else 0.0
    return item.u + side * (item.main / 2 - inset + tip), item.v + shift
