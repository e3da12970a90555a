"""The layout of a picture: inner frames first, each an item of the frame around it.

Lines enter and leave a frame through ports on its border.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .items import Box, Frame, Item, Line, Link, Part, Size
from .layered import layered

__all__ = ["layout"]

SIDE, TITLE = 14, 12
"""The space within a frame at its sides, and below its title."""

PORT = 8
"""The size of a port across."""


def layout(
    boxes: Sequence[Box], frames: Sequence[Frame], lines: Sequence[Line], across: bool, gap: float = 26
) -> Size:
    """Set the absolute positions of boxes and frames, and the parts of each line.

    Args:
        boxes: boxes with sizes.
        frames: outer frames before inner ones.
        lines: lines between boxes.
        across: lay out from left to right; else from top to bottom.
        gap: the distance between layers.

    Returns:
        The size of the picture.
    """
    tree = _Tree(boxes, frames, across, gap)
    for line in lines:
        tree.lead(line)
    for frame in reversed(frames):
        tree.size(frame)
    tree.size(tree.root)
    tree.settle()
    return tree.root.main, tree.root.cross


class _Tree:
    """The tree of frames and boxes."""

    def __init__(self, boxes: Sequence[Box], frames: Sequence[Frame], across: bool, gap: float) -> None:
        self.root, self.across, self.gap = Frame(), across, gap
        self.frames: dict[str | None, Frame] = {None: self.root, **{frame.id: frame for frame in frames}}
        self.boxes = {box.id: box for box in boxes}
        for box in boxes:
            self.frames[box.parent].items[box.id] = box
        for frame in frames:
            self.frames[frame.parent].items[frame.id] = frame

    def around(self, id: str | None) -> list[str | None]:
        """The frames around `id` and `id` itself, outermost first; None stands for the picture."""
        path: list[str | None] = []
        while id is not None:
            path.append(id)
            id = self.frames[id].parent
        return [None, *path[::-1]]

    # -- ways through frames -----------------------------------------------------------------------

    def lead(self, line: Line) -> None:
        """Add a line to its links: out of the frames around its start, into the frames around its end."""
        line.parts = []
        out, into = self.around(self.boxes[line.start].parent), self.around(self.boxes[line.end].parent)
        common = 0
        while common < min(len(out), len(into)) and out[common] == into[common]:
            common += 1
        at, port = line.start, ""
        for id in reversed(out[common:]):
            assert id is not None
            frame = self.frames[id]
            border = _port(frame, "last", line.source)
            _connect(frame, (at, port), (border, ""), line, False)
            at, port = id, border
        for k in range(common - 1, len(into)):
            frame, is_last = self.frames[into[k]], k == len(into) - 1
            if is_last:
                _connect(frame, (at, port), (line.end, ""), line, True)
            else:
                inner = into[k + 1]
                assert inner is not None
                border = _port(self.frames[inner], "first", line.source)
                _connect(frame, (at, port), (inner, border), line, False)
                at, port = border, ""

    # -- sizes, from the inside out ----------------------------------------------------------------

    def start(self, frame: Frame) -> Size:
        """The position within a frame where the layout of its contents begins."""
        if frame is self.root:
            return 0.0, 0.0
        above = TITLE + frame.title[1]
        return (SIDE, above) if self.across else (above, SIDE)

    def size(self, frame: Frame) -> None:
        for link in frame.links.values():
            link.start_offset = self.offset(frame.items[link.start], link.start_port)
            link.end_offset = self.offset(frame.items[link.end], link.end_port)
        main, cross = layered(list(frame.items.values()), list(frame.links.values()), self.gap)
        if frame is self.root:
            frame.main, frame.cross = main, cross
            return
        begin, top = self.start(frame)
        wide = frame.title[0] + 2 * SIDE
        frame.main = max(main + begin + SIDE, wide if self.across else 0)
        frame.cross = max(cross + top + SIDE, 0 if self.across else wide)
        for item in frame.items.values():  # ports lie on the border
            if item.pin:
                item.u = -begin if item.pin == "first" else frame.main - begin
                item.thick += begin

    def offset(self, item: Item, port: str) -> float:
        if not isinstance(item, Frame) or not port:
            return 0.0
        return self.start(item)[1] + item.items[port].v - item.cross / 2

    # -- positions, from the outside in ------------------------------------------------------------

    def settle(self) -> None:
        todo: list[tuple[Frame, float, float]] = [(self.root, *self.start(self.root))]
        while todo:
            frame, u, v = todo.pop()
            for item in _moving(frame):
                item.u += u
                item.v += v
            for item in frame.items.values():
                if isinstance(item, Frame):
                    begin, top = self.start(item)
                    todo.append((item, item.u - item.main / 2 + begin, item.v - item.cross / 2 + top))
        for frame in self.frames.values():
            for link in frame.links.values():
                a, b = _end(frame, link.start, link.start_port), _end(frame, link.end, link.end_port)
                start, end = frame.items[link.start], frame.items[link.end]
                leave = a.u + a.thick if start.pin else start.u + start.thick / 2
                arrive = b.u if end.pin else end.u - end.thick / 2
                part = Part(a, b, link.points, leave, arrive, link.arrow, link.turned)
                for line in link.lines:
                    line.parts.append(part)


def _port(frame: Frame, pin: str, source: str) -> str:
    id = f"{pin}:{source}"
    if id not in frame.items:
        frame.items[id] = Item(id, 0.0, PORT, pin)
    return id


def _connect(frame: Frame, start: tuple[str, str], end: tuple[str, str], line: Line, last: bool) -> None:
    key = (*start, *end, line.id if last else "")
    if key not in frame.links:
        label = line.label if last else None
        frame.links[key] = Link(start[0], end[0], start[1], end[1], label=label, arrow=last)
    frame.links[key].lines.append(line)


def _moving(frame: Frame) -> Iterator[Item]:
    """The items of a frame and the points of its links."""
    yield from frame.items.values()
    for link in frame.links.values():
        yield from link.points


def _end(frame: Frame, id: str, port: str) -> Item:
    item = frame.items[id]
    return item.items[port] if isinstance(item, Frame) and port else item
