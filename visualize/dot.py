"""Graph -> text in Graphviz' DOT language, one function for each style."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .content import block, nonfinite, statistics
from .faults import faults
from .label import number, text
from .themes import THEMES, Theme

if TYPE_CHECKING:
    from .graph import Edge, Graph, Vertex

__all__ = ["Stage", "index", "lecture", "number"]

FONT = "Helvetica,Arial,sans-serif"
HIDDEN = "transparent"

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
    labels, folded = symbols(graph)
    theme, bad = THEMES[graph.theme], faults(graph)
    sums = _sums(graph, theme, stage) if graph.grads else {}
    outputs = {edge.source for edge in graph.edges if edge.target is None}
    if not graph.constants:
        folded |= {i for i, vertex in enumerate(graph.vertices) if vertex.constant}
    paper = "" if theme.background == "#ffffff" else f', bgcolor="{theme.background}"'
    ink = f'color="{theme.line}", fontcolor="{theme.text}"'
    lines = [
        "digraph {",
        f"  graph [rankdir={graph.direction}, ranksep=0.2, nodesep=0.2, pad=0.15, ordering=in{paper}]",
        f'  node [fontname="{FONT}", fontsize=14, margin="0.06,0.04", {ink}]',
        f'  edge [color="{theme.line}", arrowsize=0.7]',
        *([_legend(graph, theme)] if graph.legend and stage is None else []),
        *([] if stage is None else [_caption(stage, theme)]),
    ]
    for i, vertex in enumerate(graph.vertices):
        below = sums.get(i, "") + _fault(bad.get(i, ()), theme)
        loud = i in bad and stage is None
        if vertex.op is not None:
            name = None if i in outputs else vertex.name  # outputs have their name at the end of the line
            lines.append(f"  v{i} {_step(labels[i], name, below, theme, loud)}")
        elif i not in folded:
            lines.append(f"  v{i} {_input(vertex, below)}")
    for i, edge in enumerate(graph.edges):
        if edge.target is None:
            vertex = graph.vertices[edge.source]
            lines.append(f"  o{i} {_end(vertex.name if vertex.op is not None else None)}")
        if edge.source not in folded:
            lines += _edge(graph, edge, i, theme, stage)
    return "\n".join([*lines, "}", ""])


def _sums(graph: Graph, theme: Theme, stage: Stage | None) -> dict[int, str]:
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
                color = HIDDEN if i in pending else theme.grad
                sums[i] = f'<BR/><FONT COLOR="{color}" POINT-SIZE="11">Σ {text(number(sum(grads)))}</FONT>'
    return sums


def _legend(graph: Graph, theme: Theme) -> str:
    """What the two numbers on a line are."""
    here, there = ("above", "below") if graph.direction == "LR" else ("left of", "right of")
    said = (
        f'{here} the line the <FONT COLOR="{theme.value}">value</FONT>, {there} it the '
        f'<FONT COLOR="{theme.grad}">gradient</FONT> of the output by it'
    )
    return f'  label=<{said}>; labelloc=b; fontname="{FONT}"; fontsize=11; fontcolor="{theme.faint}"'


def _fault(said: Sequence[str], theme: Theme) -> str:
    """The mark at the first step that makes a NaN or inf."""
    first = [s for s in said if s.startswith("first")]
    return "".join(f'<BR/><FONT COLOR="{theme.loud}" POINT-SIZE="11"><B>{text(s)}</B></FONT>' for s in first)


def _caption(stage: Stage, theme: Theme) -> str:
    """Lines of text in a box of one size, so that the pictures of a walk are of one size too."""
    lines = "".join(f'{text(line)}<BR ALIGN="LEFT"/>' for line in stage.caption)
    size = f'WIDTH="{stage.width}" HEIGHT="{18 * len(stage.caption)}"'
    cell = f'<TD {size} ALIGN="LEFT" BALIGN="LEFT">{lines}</TD>'
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0"><TR>{cell}</TR></TABLE>'
    return f'  label=<{table}>; labelloc=b; fontname="{FONT}"; fontsize=14; fontcolor="{theme.text}"'


def _step(symbol: str, name: str | None, below: str, theme: Theme, loud: bool) -> str:
    plain = len(symbol) <= 4 and not name and not below
    shape = "circle, fixedsize=true, width=0.58" if plain else "ellipse"
    label = text(symbol) + (f'<BR/><FONT POINT-SIZE="11"><I>{text(name)}</I></FONT>' if name else "")
    rim = f', color="{theme.loud}", penwidth=3' if loud else ""
    return f'[shape={shape}, style=filled, fillcolor="{theme.step}"{rim}, label=<{label}{below}>]'


def _input(vertex: Vertex, total: str) -> str:
    label = text(number(vertex.value)) if vertex.name is None else f"<I>{text(vertex.name)}</I>"
    return f"[shape=plaintext, width=0.3, height=0.3, label=<{label}{total}>]"


def _end(name: str | None) -> str:
    if not name:
        return '[shape=none, width=0.1, height=0.1, label=""]'
    return f"[shape=plaintext, width=0.3, height=0.3, label=<<I>{text(name)}</I>>]"


def _edge(graph: Graph, edge: Edge, i: int, theme: Theme, stage: Stage | None) -> list[str]:
    source, target = f"v{edge.source}", f"o{i}" if edge.target is None else f"v{edge.target}"
    if not (graph.values or graph.grads):
        return [f"  {source} -> {target}"]
    green = theme.value if stage is None or i in stage.values else HIDDEN
    red = theme.grad if stage is None or i in stage.grads else HIDDEN
    value = _number(edge.value, graph.values, green, theme)
    grad = _number(edge.grad, graph.values or True, red, theme) if graph.grads else _Shown()
    new = stage is not None and i in stage.new
    new_value, new_grad = new and red is HIDDEN, new and red is not HIDDEN  # gradients come after values
    # Cells of one even size: the rule lies in the middle, and the lines meet it without a gap.
    size = f'WIDTH="{max(46, value.width, grad.width)}" HEIGHT="{max(20, value.height, grad.height)}"'
    if graph.direction == "LR":
        above, below = _cell(value, size, new_value, theme), _cell(grad, size, new_grad, theme)
        rows, entry, leave = f"<TR>{above}</TR><HR/><TR>{below}</TR>", "w", "e"
    else:
        left = _cell(value, f'{size} ALIGN="RIGHT"', new_value, theme)
        right = _cell(grad, f'{size} ALIGN="LEFT"', new_grad, theme)
        rows, entry, leave = f"<TR>{left}<VR/>{right}</TR>", "n", "s"
    border = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"'
    table = f'<TABLE {border} COLOR="{theme.line}">{rows}</TABLE>'
    return [
        f"  e{i} [shape=plain, label=<{table}>]",
        f"  {source} -> e{i}:{entry} [arrowhead=none]",
        f"  e{i}:{leave} -> {target}",
    ]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A cell's content, and the room that it takes, in points."""

    markup: str = '<FONT POINT-SIZE="12">\N{NO-BREAK SPACE}</FONT>'
    width: int = 0
    height: int = 0


def _number(value: Any, mode: bool | str, color: str, theme: Theme) -> _Shown:
    """One number or array as the option `values` asks for it."""
    if mode is False:
        return _Shown()
    if color is not HIDDEN and nonfinite(value):
        color = theme.loud
    body = block(value, mode, color, theme)
    if body is not None:
        return _Shown(*body)
    said = statistics(value) if isinstance(mode, str) and np.size(value) > 4 else number(value)
    markup = f'<FONT COLOR="{color}" POINT-SIZE="12">{text(said)}</FONT>'
    return _Shown(markup, 2 * math.ceil(3.5 * len(said) + 4))


def _cell(shown: _Shown, size: str, new: bool, theme: Theme) -> str:
    behind = f' BGCOLOR="{theme.new}"' if new else ""
    return f"<TD {size}{behind}>{shown.markup}</TD>"


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
    "total": "Σ",
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


def symbols(graph: Graph) -> tuple[dict[int, str], set[int]]:
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
