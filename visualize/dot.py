"""Graph -> text in Graphviz' DOT language, one function for each style."""

from __future__ import annotations

import html
import math
from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .graph import Edge, Graph, Vertex

__all__ = ["Stage", "index", "lecture", "number", "text"]

GREEN, RED = "#00705a", "#c2300b"  # dark enough to read, and apart for red-green colour-blind eyes
FONT = "Helvetica,Arial,sans-serif"
LINE, TEXT, FILL = "#3d4652", "#1b2027", "#f3f6fa"
HIDDEN = "transparent"
NEW = "#ffe9a8"  # behind what a stage of a walk is about

# -- the lecture style -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a walk through a graph has come.

    What is still to come is there, but transparent: so nothing moves from one stage to the next.

    Attributes:
        values, grads: the edges, by their place in the graph, whose numbers are shown.
        new: those whose latest number this stage is about.
        caption: lines of text under the picture.
        width: of the caption, in points, the same for all stages of a walk.
    """

    values: Set[int]
    grads: Set[int]
    new: Set[int]
    caption: tuple[str, ...]
    width: int


def lecture(graph: Graph, stage: Stage | None = None) -> str:
    """The graph as lecturers draw it: symbols in circles, value above and gradient below each line.

    DOT cannot write below an edge. So every edge is two, and a small table between them, whose
    rule stands in for the middle of the line.
    """
    symbols, folded = _symbols(graph)
    sums = _sums(graph, stage) if graph.grads else {}
    outputs = {edge.source for edge in graph.edges if edge.target is None}
    lines = [
        "digraph {",
        f"  graph [rankdir={graph.direction}, ranksep=0.2, nodesep=0.2, pad=0.15, ordering=in]",
        f'  node [fontname="{FONT}", fontsize=14, margin="0.06,0.04", color="{LINE}", fontcolor="{TEXT}"]',
        f'  edge [color="{LINE}", arrowsize=0.7]',
        *([] if stage is None else [_caption(stage)]),
    ]
    for i, vertex in enumerate(graph.vertices):
        if vertex.op is not None:
            name = None if i in outputs else vertex.name  # outputs have their name at the end of the line
            lines.append(f"  v{i} {_step(symbols[i], name, sums.get(i, ''))}")
        elif i not in folded:
            lines.append(f"  v{i} {_input(vertex, sums.get(i, ''))}")
    for i, edge in enumerate(graph.edges):
        if edge.target is None:
            vertex = graph.vertices[edge.source]
            lines.append(f"  o{i} {_end(vertex.name if vertex.op is not None else None)}")
        if edge.source not in folded:
            lines += _edge(graph, edge, i, stage)
    return "\n".join([*lines, "}", ""])


def _sums(graph: Graph, stage: Stage | None) -> dict[int, str]:
    """The gradient of each vertex that several steps use: the sum of the shares on its lines.

    An output's own line shows the sum already, and an array that is too long to be shown has none.
    """
    pending = {e.source for i, e in enumerate(graph.edges) if stage is not None and i not in stage.grads}
    shares: dict[int, list[Any]] = {}
    for edge in graph.edges:
        if edge.target is None:
            shares.pop(edge.source, None)  # outputs are the last edges
        else:
            shares.setdefault(edge.source, []).append(edge.grad)
    sums = {}
    for i, grads in shares.items():
        if len(grads) > 1 and not any(g is None or isinstance(g, tuple) or np.size(g) > 4 for g in grads):
            with np.errstate(all="ignore"):
                color = HIDDEN if i in pending else RED
                sums[i] = f'<BR/><FONT COLOR="{color}" POINT-SIZE="11">Σ {text(number(sum(grads)))}</FONT>'
    return sums


def _caption(stage: Stage) -> str:
    """Lines of text in a box of one size, so that the pictures of a walk are of one size too."""
    lines = "".join(f'{text(line)}<BR ALIGN="LEFT"/>' for line in stage.caption)
    size = f'WIDTH="{stage.width}" HEIGHT="{18 * len(stage.caption)}"'
    cell = f'<TD {size} ALIGN="LEFT" BALIGN="LEFT">{lines}</TD>'
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0"><TR>{cell}</TR></TABLE>'
    return f'  label=<{table}>; labelloc=b; fontname="{FONT}"; fontsize=14; fontcolor="{TEXT}"'


def _step(symbol: str, name: str | None, total: str) -> str:
    plain = len(symbol) <= 4 and not name and not total
    shape = "circle, fixedsize=true, width=0.58" if plain else "ellipse"
    label = text(symbol) + (f'<BR/><FONT POINT-SIZE="11"><I>{text(name)}</I></FONT>' if name else "")
    label += total
    return f'[shape={shape}, style=filled, fillcolor="{FILL}", label=<{label}>]'


def _input(vertex: Vertex, total: str) -> str:
    label = text(number(vertex.value)) if vertex.name is None else f"<I>{text(vertex.name)}</I>"
    return f"[shape=plaintext, width=0.3, height=0.3, label=<{label}{total}>]"


def _end(name: str | None) -> str:
    if not name:
        return '[shape=none, width=0.1, height=0.1, label=""]'
    return f"[shape=plaintext, width=0.3, height=0.3, label=<<I>{text(name)}</I>>]"


def _edge(graph: Graph, edge: Edge, i: int, stage: Stage | None) -> list[str]:
    source, target = f"v{edge.source}", f"o{i}" if edge.target is None else f"v{edge.target}"
    if not (graph.values or graph.grads):
        return [f"  {source} -> {target}"]
    value = number(edge.value) if graph.values else "\N{NO-BREAK SPACE}"
    grad = number(edge.grad) if graph.grads else "\N{NO-BREAK SPACE}"
    green = GREEN if stage is None or i in stage.values else HIDDEN
    red = RED if stage is None or i in stage.grads else HIDDEN
    new = stage is not None and i in stage.new
    new_value, new_grad = new and red is HIDDEN, new and red is not HIDDEN  # gradients come after values
    # Cells of one even size: the rule lies in the middle, and the lines meet it without a gap.
    size = f'WIDTH="{max(46, 2 * math.ceil(3.5 * max(len(value), len(grad)) + 4))}" HEIGHT="20"'
    if graph.direction == "LR":
        above, below = _cell(value, green, size, new_value), _cell(grad, red, size, new_grad)
        rows, entry, leave = f"<TR>{above}</TR><HR/><TR>{below}</TR>", "w", "e"
    else:
        left = _cell(value, green, f'{size} ALIGN="RIGHT"', new_value)
        right = _cell(grad, red, f'{size} ALIGN="LEFT"', new_grad)
        rows, entry, leave = f"<TR>{left}<VR/>{right}</TR>", "n", "s"
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" COLOR="{LINE}">{rows}</TABLE>'
    return [
        f"  e{i} [shape=plain, label=<{table}>]",
        f"  {source} -> e{i}:{entry} [arrowhead=none]",
        f"  e{i}:{leave} -> {target}",
    ]


def _cell(shown: str, color: str, size: str, new: bool) -> str:
    behind = f' BGCOLOR="{NEW}"' if new else ""
    return f'<TD {size}{behind}><FONT COLOR="{color}" POINT-SIZE="12">{text(shown)}</FONT></TD>'


# -- symbols ---------------------------------------------------------------------------------------

_SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "negative": "×−1",
    "reciprocal": "1/x",
    "square": "x²",
    "sqrt": "√",
    "power": "xʸ",
    "absolute": "|x|",
    "matmul": "@",
    "dot": "·",
    "sum": "Σ",
    "prod": "Π",
    "sigmoid": "σ",
    "maximum": "max",
    "minimum": "min",
    "transpose": "xᵀ",
    "matrix_transpose": "xᵀ",
}

_WITH_NUMBER: dict[tuple[str | None, int], str] = {
    ("add", 0): "+{}",
    ("add", 1): "+{}",
    ("subtract", 0): "{}−x",
    ("subtract", 1): "−{}",
    ("multiply", 0): "×{}",
    ("multiply", 1): "×{}",
    ("divide", 0): "{}/x",
    ("divide", 1): "÷{}",
    ("power", 0): "{}ˣ",
    ("power", 1): "x^{}",
}
"""Arithmetic with a number in the code, by the number's position: the number moves into the circle."""

_SUPERSCRIPT = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _symbols(graph: Graph) -> tuple[dict[int, str], set[int]]:
    """What is written in the circle of each step, and the constants that went in there."""
    symbols, folded = {}, set()
    for i, vertex in enumerate(graph.vertices):
        if vertex.op is not None:
            symbols[i] = _SYMBOLS.get(vertex.op, vertex.op) if vertex.index is None else index(vertex)
    for edge in graph.edges:
        source, target = graph.vertices[edge.source], edge.target
        real = isinstance(source.value, (int, float, np.integer, np.floating))
        if target is None or not (real and source.constant and source.name is None):
            continue
        form = _WITH_NUMBER.get((graph.vertices[target].op, edge.position))
        if form is not None:
            symbols[target] = _with_number(form, source.value)
            folded.add(edge.source)
    return symbols, folded


def _with_number(form: str, value: Any) -> str:
    shown = f"{value:.4g}".replace("-", "−")
    if form == "x^{}" and value == int(value):
        return "x" + shown.translate(_SUPERSCRIPT)
    return form.format(shown).replace("+−", "−").replace("−−", "+")


def index(vertex: Vertex) -> str:
    """`[0]`, `[1:3]`; `[…]` for what is too long for a circle."""
    parts = vertex.index if isinstance(vertex.index, tuple) else (vertex.index,)
    shown = ", ".join(_slice(p) if isinstance(p, slice) else "…" if p is ... else str(p) for p in parts)
    picked = f"[{shown}]" if len(shown) <= 8 and "\n" not in shown else "[…]"
    return f"{picked} =" if vertex.op == "setitem" else picked


def _slice(s: slice) -> str:
    start, stop, step = ("" if x is None else str(x) for x in (s.start, s.stop, s.step))
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


# -- numbers and names -----------------------------------------------------------------------------


def number(value: Any) -> str:
    """A value as on a slide: two to four significant digits; small arrays in full, others by their kind.

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
    places = (
        2
        if 0.1 <= size < 100
        else 1 - math.floor(math.log10(size))
        if size < 0.1
        else 1
        if size < 1000
        else 0
    )
    return f"{x:.{places}f}"


def text(name: str) -> str:
    """A string inside of an HTML-like label, where it can neither end the label nor become markup.

    Graphviz expands backslash escapes there too, and takes no control characters.

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
