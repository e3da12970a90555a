"""The data of a layout: boxes, frames around boxes, and lines between boxes.

`u` runs along the main axis, from the inputs to the outputs, and `v` across. A position is that of a middle.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Box", "Frame", "Item", "Line", "Link", "Near", "Part", "Size"]

Size = tuple[float, float]
"""A size along the main axis, and one across."""


@dataclass(slots=True, eq=False, repr=False)
class Item:
    """An item of a layer: a box, a frame, a port on the border of a frame, or a point of a line.

    Attributes:
        id: a unique name; empty for points.
        main, cross: the size along the main axis, and across.
        pin: "first" or "last" for the port where a line enters or leaves a frame.
        lane: whether this is a point of a line, without numbers.
        labelled: whether this is the point of a line with the numbers.
        before, after: the neighbours along lines.
        u, v: the position of the middle; set by the layout.
        thick: the size of the layer along the main axis; for a port the distance to the layer's end.
    """

    id: str = ""
    main: float = 0.0
    cross: float = 0.0
    pin: str = ""
    lane: bool = False
    labelled: bool = False
    before: list[Near] = field(default_factory=list)
    after: list[Near] = field(default_factory=list)
    layer: int = 0
    is_source: bool = False
    is_fed: bool = False  # by other steps, not only by inputs
    place: int = 0
    wish: float = 0.0
    u: float = 0.0
    v: float = 0.0
    thick: float = 0.0


@dataclass(slots=True, eq=False, repr=False)
class Near:
    """A neighbour: its desired distance from the item across, and the weight of the line between them."""

    item: Item
    shift: float
    weight: float


@dataclass(slots=True, eq=False, repr=False)
class Box(Item):
    """A box.

    Attributes:
        parent: the id of the frame around the box; None outside of frames.
        rim: the radius of a round border; 0 for straight sides.
        margin: the free space on both sides across.
        is_point: whether lines end in the middle, since nothing is drawn there.
    """

    parent: str | None = None
    rim: float = 0.0
    margin: float = 0.0
    is_point: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Frame(Item):
    """A frame around boxes and other frames.

    Attributes:
        parent: the id of the frame around this frame; None for the outermost.
        title: the width and height of the title at the top left.
        items, links: the contents; made by the layout.
    """

    parent: str | None = None
    title: tuple[float, float] = (0.0, 0.0)
    items: dict[str, Item] = field(default_factory=dict)
    links: dict[tuple[str, ...], Link] = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class Link:
    """The way of lines between two items of one frame; lines of one source share a link.

    Attributes:
        start, end: ids of the items.
        start_port, end_port: ids of ports, if the item is a frame.
        start_offset, end_offset: the distances from the items' middles across, where the way begins and ends.
        label: the size of the numbers on the way.
        arrow: whether the way ends at a box.
        turned: whether the line runs against the main axis; `start` and `end` are swapped then.
        points: the points along the way.
        lines: the lines that share the link.
    """

    start: str
    end: str
    start_port: str = ""
    end_port: str = ""
    start_offset: float = 0.0
    end_offset: float = 0.0
    label: Size | None = None
    arrow: bool = True
    turned: bool = False
    points: list[Item] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class Part:
    """The part of a line within one frame: from an item through points to another item.

    Attributes:
        a, b: the items.
        points: the points between the items.
        leave, arrive: the end of the layer of `a`, and the beginning of the layer of `b`.
        arrow: whether one end is at a box, with the tip of an arrow.
        turned: whether that end is at `a`.
    """

    a: Item
    b: Item
    points: list[Item]
    leave: float
    arrive: float
    arrow: bool
    turned: bool


@dataclass(slots=True, eq=False, repr=False)
class Line:
    """A line between two boxes.

    Attributes:
        id: a unique name.
        start, end: ids of boxes.
        source: a key; lines with the same source share their way through a frame's border.
        label: the size of the numbers on the line; None without numbers.
        parts: the parts of the line, one in each frame; set by the layout.
    """

    id: str
    start: str
    end: str
    source: str
    label: Size | None = None
    parts: list[Part] = field(default_factory=list)
