"""What is laid out: boxes, the frames around them, and lines between boxes.

`u` runs along the main axis, from the inputs to the outputs, and `v` across. Positions are those of middles.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Box", "Frame", "Item", "Line", "Link", "Near", "Part", "Size"]

Size = tuple[float, float]
"""Along the main axis, and across."""


@dataclass(slots=True, eq=False, repr=False)
class Item:
    """What stands in a layer: a box, a frame, a port on the border of a frame, or a point of a line.

    Attributes:
        id: its name; points have none.
        main, cross: its size.
        pin: "first" or "last" for the port where a line enters or leaves a frame.
        lane: whether it is a point of a line, without numbers.
        labelled: whether it is the point of a line that carries the numbers.
        before, after: its neighbours along lines.
        u, v: where its middle is; set by the layout.
        thick: the size of its layer along the main axis; of a port the distance to its layer's end.
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
    is_fed: bool = False  # by other steps
    place: int = 0
    wish: float = 0.0
    u: float = 0.0
    v: float = 0.0
    thick: float = 0.0


@dataclass(slots=True, eq=False, repr=False)
class Near:
    """A neighbour: how far it should stand from the item across, and how much the line between them pulls."""

    item: Item
    shift: float
    weight: float


@dataclass(slots=True, eq=False, repr=False)
class Box(Item):
    """A box.

    Attributes:
        parent: the id of the frame around it; None outside of all.
        rim: the radius of a round border; 0 for one with straight sides.
        margin: the room that it keeps free on both sides across.
        is_point: whether a line ends in its middle, as nothing is drawn there.
    """

    parent: str | None = None
    rim: float = 0.0
    margin: float = 0.0
    is_point: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Frame(Item):
    """A frame around boxes and other frames.

    Attributes:
        parent: the id of the frame around it; None outside of all.
        title: the width and height of what is written at its top left.
        items, links: what is in it; made by the layout.
    """

    parent: str | None = None
    title: tuple[float, float] = (0.0, 0.0)
    items: dict[str, Item] = field(default_factory=dict)
    links: dict[tuple[str, ...], Link] = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class Link:
    """A line's way between two items of one frame; lines of one source share it.

    Attributes:
        start, end: ids of the items.
        start_port, end_port: ids of ports, where the item is a frame.
        start_offset, end_offset: how far from the item's middle the way begins and ends, across.
        label: the size of the numbers on it.
        arrow: whether it ends at a box.
        turned: whether it goes against the main axis; `start` and `end` are swapped then.
        points: through which it goes.
        lines: those that take it.
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
    """A part of a line, within one frame: from an item through points to another.

    Attributes:
        a, b: the items.
        points: those between them.
        leave, arrive: where the layer of `a` ends and that of `b` begins.
        arrow: whether it ends at a box.
        turned: whether that is at `a`.
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
        id: its name.
        start, end: ids of boxes.
        source: lines of one source share their way through a frame's border.
        label: the size of the numbers on it; None for a line without.
        parts: how it runs; set by the layout.
    """

    id: str
    start: str
    end: str
    source: str
    label: Size | None = None
    parts: list[Part] = field(default_factory=list)
