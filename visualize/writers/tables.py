"""An array as a table in a label: all its entries, or small pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..words.label import number, text
from .themes import Theme, heat_colours

__all__ = ["block"]

FULL = 64
"""The most entries of an array that is shown in full."""

PICTURES, PIXELS = 4, 28
"""The most pictures side by side, and the most pixels in a row or column of each."""


def block(value: Any, mode: bool | str, colour: str, theme: Theme) -> tuple[str, int, int] | None:
    """An array in the form of the option `values`, if that is "full" or "pictures".

    Returns:
        A table for a label, and its width and height in points; None if a line of text shows the value.
    """
    if mode not in ("full", "pictures") or value is None or isinstance(value, tuple) or np.ndim(value) == 0:
        return None
    array = np.asarray(value)
    return _entries(array, colour) if mode == "full" else _pictures(array, colour, theme)


def _entries(array: Any, colour: str) -> tuple[str, int, int] | None:
    """All entries in rows and columns; None for a large array."""
    if not 0 < array.size <= FULL or array.shape[-1] > 16 or array.dtype.kind not in "biufc":
        return None
    rows = [[number(x) for x in row] for row in array.reshape(-1, *array.shape[-1:])]
    cell = f'<TD ALIGN="RIGHT"><FONT COLOR="{colour}" POINT-SIZE="10">'
    lines = ("".join(f"{cell}{text(x)}</FONT></TD>" for x in row) for row in rows)
    width = sum(6 * max(len(row[j]) for row in rows) + 9 for j in range(len(rows[0])))
    return _table(lines, 2), width + width % 2, 18 * len(rows) + 4


def _pictures(array: Any, colour: str, theme: Theme) -> tuple[str, int, int] | None:
    """Small pictures: a matrix is one picture, a vector a strip; more axes give pictures side by side.

    If an array has more rows or columns than a picture has pixels, evenly spaced ones are shown.
    """
    if array.size < 2 or array.dtype.kind not in "biuf":
        return None
    matrices = array.reshape(1, 1, -1) if array.ndim == 1 else array.reshape(-1, *array.shape[-2:])
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, PIXELS)).astype(int)) for n in matrices.shape[1:])
    size = max(3, min(10, 64 // max(len(rows), len(columns))))
    shown = matrices[:PICTURES]
    width, height = size * len(columns) + 2, size * len(rows) + 2
    frame = f'BORDER="1" COLOR="{theme.line}" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'  # no gaps
    pixel = f'WIDTH="{size}" HEIGHT="{size}" FIXEDSIZE="TRUE"'
    cells = []
    for matrix in shown:
        colours = heat_colours(matrix[np.ix_(rows, columns)], theme.loud)
        lines = ("".join(f'<TD {pixel} BGCOLOR="{c}"></TD>' for c in row) for row in colours)
        cells.append(f"<TD>{_table(lines, 0, frame)}</TD>")
    if len(matrices) > PICTURES:
        cells.append(f'<TD><FONT COLOR="{colour}" POINT-SIZE="10">+{len(matrices) - PICTURES}</FONT></TD>')
    total = (width + 4) * len(shown) + 30 * (len(matrices) > PICTURES)
    return _table(["".join(cells)], 2), total + total % 2, height + height % 2 + 8


def _table(rows: Iterable[str], padding: int, frame: str = 'BORDER="0"') -> str:
    body = "".join(f"<TR>{row}</TR>" for row in rows)
    return f'<TABLE {frame} CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}">{body}</TABLE>'
