"""The elements of an SVG picture: shapes, lines of text, and the whole sheet."""

from __future__ import annotations

import html
from typing import Any

from .themes import FONT, Theme

__all__ = ["label", "legend", "plain", "shape", "sheet", "told"]


def attributes(**given: Any) -> str:
    """The attributes of an element: `stroke_width=2` becomes ` stroke-width="2"`; None is left out.

    >>> attributes(x=1.0, stroke_width=2.25, fill="#fff", opacity=None)
    ' x="1" stroke-width="2.25" fill="#fff"'
    """
    pairs = ((name.replace("_", "-"), x) for name, x in given.items() if x is not None)
    return "".join(
        f' {name}="{_number(x) if isinstance(x, float) else html.escape(str(x))}"' for name, x in pairs
    )


def _number(x: float) -> str:
    return f"{x:.2f}".rstrip("0").rstrip(".")


def shape(tag: str, inside: str = "", **given: Any) -> str:
    """An element; `inside` is markup."""
    return f"<{tag}{attributes(**given)}>{inside}</{tag}>" if inside else f"<{tag}{attributes(**given)}/>"


def label(said: str, x: float, y: float, colour: str, theme: Theme, size: float = 12, **given: Any) -> str:
    """A line of text around (x, y), whose letters have a halo, so that lines do not touch them."""
    halo = {
        "stroke": theme.background,
        "stroke_width": 3.0,
        "stroke_linejoin": "round",
        "paint_order": "stroke",
    }
    return plain(said, x, y, colour, size, **halo, **given)


def plain(said: str, x: float, y: float, colour: str, size: float = 12, **given: Any) -> str:
    """A line of text around (x, y) without a halo."""
    given = {
        "x": x,
        "y": y + 0.35 * size,
        "fill": colour,
        "font_size": size,
        "text_anchor": "middle",
        **given,
    }
    return shape("text", html.escape(_printable(said)), **given)


def legend(lines: list[str], y: float, theme: Theme) -> list[str]:
    """Small lines of text below each other at the left of a picture; the first is around y."""
    return [
        label(line, 16.0, y + 18 * i, theme.faint, theme, 11, text_anchor="start")
        for i, line in enumerate(lines)
    ]


def told(said: str) -> str:
    """The title of the element around, which browsers show as a tooltip and screen readers say."""
    return shape("title", html.escape(_printable(said)))


def _printable(said: str) -> str:
    """The text with a replacement for each character that XML forbids."""
    return "".join(
        c if c >= " " and not 0xD800 <= ord(c) < 0xE000 and c not in "\ufffe\uffff" else "�" for c in said
    )


def sheet(parts: list[str], width: float, height: float, title: str, theme: Theme) -> str:
    """The whole SVG picture, with a title for browsers and screen readers."""
    head = told(title)
    back = shape("rect", width=width, height=height, fill=theme.background)
    return (
        shape(
            "svg",
            "\n".join(["", head, back, *parts, ""]),
            xmlns="http://www.w3.org/2000/svg",
            width=width,
            height=height,
            viewBox=f"0 0 {_number(width)} {_number(height)}",
            font_family=FONT,
            role="img",
        )
        + "\n"
    )
