"""The width of text in Helvetica, and in fonts of the same widths: Arial, Liberation Sans, Arimo."""

from __future__ import annotations

import unicodedata

__all__ = ["width"]

_GROUPS = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft\N{NO-BREAK SPACE}",
    333: "()-`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jcksvxyz",
    556: "#$0123456789?L_abdeghnopqu–",
    584: "+<=>~×÷−",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "—…→",
    1015: "@",
}
_WIDTHS = {character: size / 1000 for size, characters in _GROUPS.items() for character in characters}

BOLD = 1.07
"""The width of bold letters, relative to plain ones."""


def width(text: str, size: float, bold: bool = False) -> float:
    """The width of a line of text in points, at a font size in points.

    >>> round(width("conv", 10), 2), round(width("日本", 10), 2)
    (21.12, 20.0)
    """
    return sum(map(_width, text)) * size * (BOLD if bold else 1)


def _width(character: str) -> float:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # drawn over another letter, or not at all
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.61
