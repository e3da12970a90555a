"""A label in Graphviz' markup -> a block of known size that draws itself: lines of text, or a table."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol
from xml.etree import ElementTree as Xml

from .fonts import width

__all__ = ["Block", "Font", "read", "rectangle"]

LINE = 1.2
"""The height of a line, relative to the font size."""

BASE = 0.93
"""The distance from the top of a line to its baseline, relative to the font size."""


class Block(Protocol):
    """A part of a picture of known width and height."""

    size: tuple[float, float]

    def draw(self, x: float, y: float, room: tuple[float, float]) -> Iterator[str]:
        """The SVG elements of the block; (x, y) is the top left of its room, which has a width and height."""


@dataclass(frozen=True, slots=True)
class Font:
    """The size of letters in points, their colour and their style."""

    size: float
    colour: str
    bold: bool = False
    italic: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    said: str
    font: Font


class _Lines:
    """Lines of text below each other, each with an alignment."""

    def __init__(self, lines: list[tuple[str, list[_Run]]], font: Font) -> None:
        self.lines = [
            (align, runs, max((r.font.size for r in runs), default=font.size)) for align, runs in lines
        ]
        widths = [sum(width(r.said, r.font.size, r.font.bold) for r in runs) for _, runs in lines]
        self.size = max(widths, default=0.0), sum(LINE * size for *_, size in self.lines)

    def draw(self, x: float, y: float, room: tuple[float, float]) -> Iterator[str]:
        anchors = {"LEFT": (x, "start"), "CENTER": (x + room[0] / 2, "middle"), "RIGHT": (x + room[0], "end")}
        y += (room[1] - self.size[1]) / 2
        for align, runs, size in self.lines:
            at, anchor = anchors[align]
            if any(run.said for run in runs):
                said = "".join(map(_span, runs))
                yield f'<text x="{at:.1f}" y="{y + BASE * size:.1f}" text-anchor="{anchor}">{said}</text>'
            y += LINE * size


def _span(run: _Run) -> str:
    font = run.font
    weight = ' font-weight="bold"' if font.bold else ""
    style = ' font-style="italic"' if font.italic else ""
    look = f'font-size="{font.size:g}" fill="{font.colour}"{weight}{style}'
    return f"<tspan {look}>{html.escape(run.said, quote=False)}</tspan>"


@dataclass(frozen=True, slots=True)
class _Cell:
    """The content of a cell, and its alignment."""

    block: Block
    align: str
    padding: float
    fill: str | None
    size: tuple[float, float]


class _Table:
    """Rows of cells."""

    def __init__(self, element: Xml.Element, font: Font) -> None:
        self.space, self.border = float(element.get("CELLSPACING", 2)), float(element.get("BORDER", 1))
        self.colour, padding = element.get("COLOR", "#000000"), float(element.get("CELLPADDING", 2))
        self.rows = [[_cell(td, font, padding) for td in row.findall("TD")] for row in element.findall("TR")]
        columns = max(map(len, self.rows), default=0)
        self.widths = [max(row[j].size[0] for row in self.rows if j < len(row)) for j in range(columns)]
        self.heights = [max((cell.size[1] for cell in row), default=0.0) for row in self.rows]
        around = 2 * self.border + self.space
        wide, high = (sum(s + self.space for s in sizes) + around for sizes in (self.widths, self.heights))
        self.size = wide, high

    def draw(self, x: float, y: float, room: tuple[float, float]) -> Iterator[str]:
        x, y = x + (room[0] - self.size[0]) / 2, y + (room[1] - self.size[1]) / 2
        if self.border:
            yield rectangle(x, y, self.size, f'fill="none" stroke="{self.colour}"')
        top = y + self.border + self.space
        for row, high in zip(self.rows, self.heights, strict=True):
            left = x + self.border + self.space
            for cell, wide in zip(row, self.widths, strict=False):
                if cell.fill:
                    look = f'fill="{cell.fill}" shape-rendering="crispEdges"'
                    yield rectangle(left, top, (wide, high), look)
                inner = cell.block.size[0]
                spare = wide - inner - 2 * cell.padding
                shift = {"LEFT": 0.0, "RIGHT": spare}.get(cell.align, spare / 2)
                yield from cell.block.draw(left + cell.padding + shift, top, (inner, high))
                left += wide + self.space
            top += high + self.space


def _cell(element: Xml.Element, font: Font, padding: float) -> _Cell:
    block = _block(element, font, element.get("BALIGN", "CENTER"))
    least = float(element.get("WIDTH", 0)), float(element.get("HEIGHT", 0))
    wide, high = (max(a, b + 2 * padding) for a, b in zip(least, block.size, strict=True))
    if element.get("FIXEDSIZE") == "TRUE":
        wide, high = least
    return _Cell(block, element.get("ALIGN", "CENTER"), padding, element.get("BGCOLOR"), (wide, high))


def rectangle(x: float, y: float, size: tuple[float, float], look: str) -> str:
    """A rectangle in SVG; `look` holds further attributes."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" {look}/>'


# -- reading ---------------------------------------------------------------------------------------


def read(label: str, font: Font, align: str = "CENTER") -> Block:
    """Read a label in Graphviz' markup, where a backslash stands twice.

    Args:
        label: the markup.
        font: the default font.
        align: the default alignment of lines: "LEFT", "CENTER" or "RIGHT".

    Example:

        >>> read('<B>0</B>  Linear<BR/><FONT POINT-SIZE="10">3</FONT>', Font(12, "#000000")).size[1]
        26.4
    """
    return _block(Xml.fromstring(f"<TD>{label}</TD>".replace("\\\\", "\\")), font, align)


def _block(element: Xml.Element, font: Font, align: str) -> Block:
    """The table in an element, or its lines of text."""
    for child in element:
        if child.tag == "TABLE":
            return _Table(child, font)
        if child.tag == "FONT" and child.find("TABLE") is not None:
            return _block(child, _font(child, font), align)
    lines: list[tuple[str, list[_Run]]] = []
    runs: list[_Run] = []
    for piece in _pieces(element, font):
        if isinstance(piece, _Run):
            runs.append(piece)
        else:
            lines.append((piece or align, runs))
            runs = []
    if runs:
        lines.append((align, runs))
    return _Lines(lines, font)


def _pieces(element: Xml.Element, font: Font) -> Iterator[_Run | str]:
    """The runs of one font in an element; for a line break its alignment."""
    if element.text:
        yield _Run(element.text, font)
    for child in element:
        if child.tag == "BR":
            yield child.get("ALIGN", "")
        else:
            yield from _pieces(child, _font(child, font))
        if child.tail:
            yield _Run(child.tail, font)


def _font(element: Xml.Element, font: Font) -> Font:
    if element.tag == "FONT":
        size, colour = float(element.get("POINT-SIZE", font.size)), element.get("COLOR", font.colour)
        return replace(font, size=size, colour=colour)
    return replace(font, bold=font.bold or element.tag == "B", italic=font.italic or element.tag == "I")
