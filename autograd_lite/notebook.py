"""HTML for notebooks: tables and texts that can be read on light and on dark pages.

A notebook puts what an object's `_repr_html_` returns into a page of its own, so every style stands on its
element, and text has the colour of that page.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TypeVar

__all__ = ["coloured", "quietly", "table", "text"]

Self = TypeVar("Self")
Shown = TypeVar("Shown")

LINE = "1px solid rgba(128, 128, 128, 0.35)"
"""Grey is seen on white and on black."""

FONT = "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: 12px"
GREEN, RED, BLUE = "#1f8a5f", "#d9480f", "#3a7fd0"
"""Each has a contrast of 3.5 or more to white and to a dark page."""


def quietly(show: Callable[[Self], Shown]) -> Callable[[Self], Shown | None]:
    """A `_repr_html_`, or its like, that gives None where it fails: a notebook then shows the `repr`.

    Example:
        >>> class Broken:
        ...     @quietly
        ...     def _repr_html_(self):
        ...         return 1 / 0
        >>> Broken()._repr_html_() is None
        True
    """

    @functools.wraps(show)
    def shown(self: Self) -> Shown | None:
        try:
            return show(self)
        except Exception:
            return None

    return shown


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str, note: str = "") -> str:
    """A table of texts.

    Args:
        head: the titles of the columns.
        rows: as many texts in each.
        align: a letter for each column, "l" for left or "r" for right.
        note: a line below the table.

    Example:
        >>> "<td" in table(["x", "y"], [["1", "2"]], "lr")
        True
    """
    sides = ["left" if letter == "l" else "right" for letter in align]
    titles = _row("th", head, sides, f"border-bottom: {LINE}; font-weight: 600")
    body = "".join(_row("td", row, sides, "border: none") for row in rows)
    below = f'<div style="padding: 2px 8px; opacity: 0.75">{escape(note)}</div>' if note else ""
    return (
        f'<div style="overflow-x: auto; {FONT}"><table style="border-collapse: collapse; border: none; '
        f'margin: 0; {FONT}"><thead>{titles}</thead><tbody>{body}</tbody></table>{below}</div>'
    )


def _row(tag: str, cells: Sequence[str], sides: Sequence[str], style: str) -> str:
    style = f"padding: 2px 8px; white-space: pre; {style}"
    parts = [
        f'<{tag} style="text-align: {side}; {style}">{escape(cell)}</{tag}>'
        for cell, side in zip(cells, sides, strict=True)
    ]
    return f'<tr style="background: transparent">{"".join(parts)}</tr>'


def text(lines: str) -> str:
    """A text, its lines as they are.

    Example:
        >>> text("a < b").endswith(">a &lt; b</pre>")
        True
    """
    return _pre(escape(lines))


def coloured(lines: Iterable[tuple[str, str | None]]) -> str:
    """Lines of text, each in its colour; None is the colour of the page."""
    return _pre(
        "\n".join(
            escape(line) if colour is None else f'<span style="color: {colour}">{escape(line)}</span>'
            for line, colour in lines
        )
    )


def _pre(content: str) -> str:
    style = f"margin: 0; padding: 2px 8px; overflow-x: auto; background: transparent; {FONT}"
    return f'<pre style="{style}">{content}</pre>'
