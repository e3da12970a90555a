"""What a picture shows of an array: its kind, a few statistics, all of its entries, or a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .label import number, text
from .themes import Theme, heat_colours

__all__ = ["block", "kind", "nonfinite", "norm", "shape", "statistics"]

FULL = 64
"""How many entries an array may have to be shown in full."""

PICTURES, PIXELS = 4, 28
"""How many pictures stand side by side, and how many pixels each may have in a row or column."""


def shape(value: Any) -> str:
    """The shape alone, as it stands on an arrow; the kind of what is not floating-point with it.

    >>> shape(np.zeros((8, 3))), shape(np.zeros(2, int)), shape(0.5)
    ('(8, 3)', 'int64 (2,)', '0.50')
    """
    if isinstance(value, tuple):
        return ", ".join(map(shape, value))
    array = np.asarray(value)
    if array.ndim == 0:
        return number(value)
    return str(array.shape) if array.dtype.kind == "f" else f"{array.dtype} {array.shape}"


def kind(value: Any) -> str:
    """dtype and shape.

    >>> kind(np.zeros((8, 3), np.float32)), kind(2.5)
    ('float32 (8, 3)', 'float64 ()')
    """
    if isinstance(value, tuple):
        return ", ".join(map(kind, value))
    array = np.asarray(value)
    return f"{array.dtype} {array.shape}"


def nonfinite(value: Any) -> str | None:
    """ "NaN" or "inf" if there is any among the numbers, NaN first; else None."""
    if isinstance(value, tuple):
        found = {nonfinite(x) for x in value}
        return "NaN" if "NaN" in found else "inf" if "inf" in found else None
    if value is None or (isinstance(value, float) and math.isfinite(value)):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    return "NaN" if np.isnan(array).any() else "inf"


def norm(values: Any) -> float:
    """The Euclidean norm of all the numbers of an array, or of several in a tuple, without overflow."""
    if isinstance(values, (tuple, list)):
        return math.hypot(*map(norm, values))
    array = np.abs(np.asarray(values)).astype(float).ravel()
    largest = float(np.max(array, initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.sum(np.square(array / largest))))


def statistics(value: Any) -> str:
    """Smallest, mean and largest entry, and the norm; of a single number the number.

    What is not finite is counted, and the statistics are those of the rest.

    >>> statistics(np.array([3.0, 4.0])), statistics(np.array([])), statistics(0.25)
    ('min 3.00  mean 3.50  max 4.00  norm 5.00', 'empty', '0.25')
    >>> statistics(np.array([1.0, np.nan, np.inf]))
    '1 NaN, 1 inf of 3;  min 1.00  mean 1.00  max 1.00  norm 1.00'
    """
    if value is None:
        return number(value)
    if isinstance(value, tuple):
        return "; ".join(map(statistics, value))
    array = np.asarray(value)
    if array.ndim == 0:
        return number(value)
    if array.size == 0:
        return "empty"
    if array.dtype.kind not in "biufc":
        return kind(array)
    said = ""
    if nonfinite(array):
        missing = {"NaN": int(np.isnan(array).sum()), "inf": int(np.isinf(array).sum())}
        said = ", ".join(f"{n} {what}" for what, n in missing.items() if n) + f" of {array.size};  "
        array = array[np.isfinite(array)]
        if array.size == 0:
            return said.rstrip("; ")
    if array.dtype.kind == "b":
        return f"{said}{int(array.sum())} of {array.size} true"
    if array.dtype.kind == "c":
        return f"{said}norm {number(norm(array))}"
    wide = array.astype(float)
    with np.errstate(all="ignore"):
        mean = number(float(wide.mean()))
    low, high = number(array.min()), number(array.max())
    return f"{said}min {low}  mean {mean}  max {high}  norm {number(norm(array))}"


# -- tables in HTML-like labels --------------------------------------------------------------------


def block(value: Any, mode: bool | str, colour: str, theme: Theme) -> tuple[str, int, int] | None:
    """An array as the option `values` asks for it, "full" or in "pictures", if it can be shown so.

    Returns:
        A table for a label, and its width and height in points; None for what is said in a line of text.
    """
    if mode not in ("full", "pictures") or value is None or isinstance(value, tuple) or np.ndim(value) == 0:
        return None
    array = np.asarray(value)
    return _entries(array, colour) if mode == "full" else _pictures(array, colour, theme)


def _entries(array: Any, colour: str) -> tuple[str, int, int] | None:
    """All the entries in rows and columns; None for what is too long for that."""
    if not 0 < array.size <= FULL or array.shape[-1] > 16 or array.dtype.kind not in "biufc":
        return None
    rows = [[number(x) for x in row] for row in array.reshape(-1, *array.shape[-1:])]
    cell = f'<TD ALIGN="RIGHT"><FONT COLOR="{colour}" POINT-SIZE="10">'
    lines = ("".join(f"{cell}{text(x)}</FONT></TD>" for x in row) for row in rows)
    width = sum(6 * max(len(row[j]) for row in rows) + 9 for j in range(len(rows[0])))
    return _table(lines, 2), width + width % 2, 18 * len(rows) + 4


def _pictures(array: Any, colour: str, theme: Theme) -> tuple[str, int, int] | None:
    """Small pictures: a matrix is one, more axes are several side by side, a vector is a strip.

    Arrays with more rows or columns than a picture has pixels are shown by evenly spaced ones of them.
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
