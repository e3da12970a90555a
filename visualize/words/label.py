"""Numbers, names and indices as they stand in a picture."""

from __future__ import annotations

import html
import math
from typing import Any

import numpy as np

from ..computation import Vertex
from ..reading import known_as

__all__ = ["index", "number", "rounding", "text"]


def number(value: Any) -> str:
    """A value with two to four significant digits; small arrays in full, others as dtype and shape.

    >>> [number(x) for x in (-2.0, 0.7310586, 0.0123, 123.456, 1e-9, 3, float("nan"))]
    ['-2.00', '0.73', '0.012', '123.5', '1.00e-9', '3', 'nan']
    >>> number(np.array([0.5, -1.0])), number(np.zeros((8, 3)))
    ('[0.50, -1.00]', 'float64 (8, 3)')
    """
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return f"({', '.join(map(number, value))})"
    if isinstance(value, np.ndarray) and value.ndim:
        if 0 < value.size <= 4:
            return f"[{', '.join(map(number, value))}]"
        return f"{value.dtype} {value.shape}"
    value = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
    if isinstance(value, complex):
        imaginary = number(value.imag)
        return f"{number(value.real)}{'' if imaginary.startswith('-') else '+'}{imaginary}j"
    return _decimal(value) if isinstance(value, float) else str(value)


def _decimal(x: float) -> str:
    if x == 0 or not math.isfinite(x):
        return f"{abs(x):.2f}" if x == 0 else str(x)
    size = abs(float(f"{x:.3e}"))  # to four digits, so that 9.9996 counts as 10
    if not 1e-3 <= size < 1e4:
        digits, exponent = f"{x:.2e}".split("e")
        return f"{digits}e{int(exponent)}"
    if size < 0.1:
        return f"{x:.{1 - math.floor(math.log10(size))}f}"
    return f"{x:.{2 if size < 100 else 1 if size < 1000 else 0}f}"


def rounding(x: float | None) -> str:
    """How far a rounding error may move the output.

    >>> rounding(5.53e-17), rounding(0.0), rounding(None)
    ('± 5.5e-17', '± 0', '± –')
    """
    if x is None or not math.isfinite(x):
        return f"± {'–' if x is None else x}"
    digits, exponent = f"{x:.1e}".split("e")
    return f"± {digits}e{int(exponent)}" if x else "± 0"


def text(name: str) -> str:
    """A string escaped for an HTML-like label of Graphviz.

    Graphviz also expands backslash escapes there, and refuses control characters.

    >>> text('a<b> & "c"\\\\N')
    'a&lt;b&gt; &amp; &quot;c&quot;\\\\\\\\N'
    """
    return "".join(map(_character, name))


def _character(c: str) -> str:
    if c == "\n":
        return "<BR/>"
    if c == "\\":
        return r"\\"
    if ord(c) < 32:
        return chr(0x2400 + ord(c))  # the picture of a control character
    if c == "\x7f" or 0xD800 <= ord(c) < 0xE000 or ord(c) in (0xFFFE, 0xFFFF):
        return "\N{REPLACEMENT CHARACTER}"
    return html.escape(c)


def index(vertex: Vertex) -> str:
    """The index of an indexing step: `[0]`, `[1:3]`; `[…]` if it is too long for a circle."""
    parts = vertex.index if isinstance(vertex.index, tuple) else (vertex.index,)
    shown = ", ".join(_slice(p) if isinstance(p, slice) else "…" if p is ... else str(p) for p in parts)
    picked = f"[{shown}]" if len(shown) <= 8 and "\n" not in shown else "[…]"
    return f"{picked} =" if known_as(vertex.function) == "setitem" else picked


def _slice(s: slice) -> str:
    start, stop, step = ("" if x is None else str(x) for x in (s.start, s.stop, s.step))
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
