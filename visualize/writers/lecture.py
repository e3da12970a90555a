"""Picture -> DOT text of the style `lecture`: ops in circles, a value and a gradient on every line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..computation import Edge, Vertex
from ..faults import faults, nonfinite
from ..words.label import number, rounding, text
from ..words.symbols import symbols
from ..words.values import statistics
from .look import Picture
from .tables import block
from .themes import FONT, THEMES, Theme

__all__ = ["Stage", "dot"]

HIDDEN = "transparent"


@dataclass(frozen=True, slots=True)
class Stage:
    """The state of the picture at one step of a walk.

    Numbers of later steps are transparent, so nothing moves from one step to the next.

    Attributes:
        values, grads: the edges whose value or gradient is shown, as indices into the graph's edges.
        new: the edges with a new number.
        caption: the lines of text below the picture.
        width: the width of the caption in points, the same for all steps.
    """

    values: Set[int]
    grads: Set[int]
    new: Set[int]
    caption: tuple[str, ...]
    width: int


def dot(graph: Picture, stage: Stage | None = None) -> str:
    """The DOT text: ops in circles, the value above and the gradient below each line.

    DOT cannot write below an edge. So every edge is two edges with a small table between them; the rule of
    the table is the middle of the line.
    """
    labels, folded = symbols(graph)
    theme, bad = THEMES[graph.look.theme], faults(graph)
    sums = _sums(graph, theme, stage) if graph.look.grads else {}
    outputs = graph.outputs()
    if not graph.look.constants:
        folded |= {i for i, vertex in enumerate(graph.vertices) if vertex.constant}
    paper = "" if theme.background == "#ffffff" else f', bgcolor="{theme.background}"'
    ink = f'color="{theme.line}", fontcolor="{theme.text}"'
    lines = [
        "digraph {",
        f"  graph [rankdir={graph.look.direction or 'LR'}, ranksep=0.2, nodesep=0.2, pad=0.15, "
        f"ordering=in{paper}]",
        f'  node [fontname="{FONT}", fontsize=14, margin="0.06,0.04", {ink}]',
        f'  edge [color="{theme.line}", arrowsize=0.7]',
        *([_legend(graph, theme)] if graph.look.legend and stage is None else []),
        *([] if stage is None else [_caption(stage, theme)]),
    ]
    for i, vertex in enumerate(graph.vertices):
        below = sums.get(i, "") + _fault(bad.get(i, ()), theme)
        loud = i in bad and stage is None
        if vertex.op is not None:
            name = None if i in outputs else vertex.name  # an output's name is at the end of its line
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


def _sums(graph: Picture, theme: Theme, stage: Stage | None) -> dict[int, str]:
    """The gradient below each vertex with several uses: the sum of the gradients on its lines.

    The line of an output shows the sum already. Long arrays have none.
    """
    pending = {e.source for i, e in enumerate(graph.edges) if stage is not None and i not in stage.grads}
    uses, outputs = Counter(edge.source for edge in graph.edges), graph.outputs()
    sums = {}
    for i, total in graph.totals().items():
        if uses[i] > 1 and i not in outputs and not isinstance(total, tuple) and np.size(total) <= 4:
            color = HIDDEN if i in pending else theme.grad
            sums[i] = f'<BR/><FONT COLOR="{color}" POINT-SIZE="11">Σ {text(number(total))}</FONT>'
    return sums


def _legend(graph: Picture, theme: Theme) -> str:
    """The meaning of the numbers on a line."""
    here, there = ("above", "below") if graph.look.direction != "TB" else ("left of", "right of")
    said = (
        f'{here} the line the <FONT COLOR="{theme.value}">value</FONT>, {there} it the '
        f'<FONT COLOR="{theme.grad}">gradient</FONT> of the output by it'
    )
    if graph.look.rounding:
        said += (
            f'; <FONT COLOR="{theme.rounding}">±</FONT> how far the rounding of the value may move the output'
        )
    return f'  label=<{said}>; labelloc=b; fontname="{FONT}"; fontsize=11; fontcolor="{theme.faint}"'


def _fault(said: Sequence[str], theme: Theme) -> str:
    """The text at the first step that makes a NaN or inf."""
    first = [s for s in said if s.startswith("first")]
    return "".join(f'<BR/><FONT COLOR="{theme.loud}" POINT-SIZE="11"><B>{text(s)}</B></FONT>' for s in first)


def _caption(stage: Stage, theme: Theme) -> str:
    """The caption in a box of fixed size, so that all pictures of a walk have one size."""
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


def _edge(graph: Picture, edge: Edge, i: int, theme: Theme, stage: Stage | None) -> list[str]:
    source, target = f"v{edge.source}", f"o{i}" if edge.target is None else f"v{edge.target}"
    if not (graph.look.values or graph.look.grads):
        return [f"  {source} -> {target}"]
    green = theme.value if stage is None or i in stage.values else HIDDEN
    red = theme.grad if stage is None or i in stage.grads else HIDDEN
    value = _number(edge.value, graph.look.values, green, theme)
    grad = _number(edge.grad, graph.look.values or True, red, theme) if graph.look.grads else _Shown()
    lost = _rounding(graph, edge, HIDDEN if red is HIDDEN else theme.rounding)
    new = stage is not None and i in stage.new
    new_value, new_grad = new and red is HIDDEN, new and red is not HIDDEN  # gradients come after values
    # Cells of one even size: the rule lies in the middle and meets the lines without a gap.
    wide = max(46, value.width, grad.width, lost.width if lost else 0)
    size, low = (f'WIDTH="{wide}" HEIGHT="{high}"' for high in (max(20, value.height, grad.height), 16))
    blank = _cell(_Shown(), low, False, theme)
    if graph.look.direction != "TB":
        above, below = _cell(value, size, new_value, theme), _cell(grad, size, new_grad, theme)
        rows, entry, leave = f"<TR>{above}</TR><HR/><TR>{below}</TR>", "w", "e"
        if lost:  # a row above, too: the rule stays in the middle
            rows = f"<TR>{blank}</TR>{rows}<TR>{_cell(lost, low, False, theme)}</TR>"
    else:
        left = _cell(value, f'{size} ALIGN="RIGHT"', new_value, theme)
        right = _cell(grad, f'{size} ALIGN="LEFT"', new_grad, theme)
        rows, entry, leave = f"<TR>{left}<VR/>{right}</TR>", "n", "s"
        if lost:
            left, right = blank, _cell(lost, f'{low} ALIGN="LEFT"', False, theme)
            rows += f"<TR>{left}<VR/>{right}</TR>"
    border = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"'
    table = f'<TABLE {border} COLOR="{theme.line}">{rows}</TABLE>'
    return [
        f"  e{i} [shape=plain, label=<{table}>]",
        f"  {source} -> e{i}:{entry} [arrowhead=none]",
        f"  e{i}:{leave} -> {target}",
    ]


@dataclass(frozen=True, slots=True)
class _Shown:
    """The content of a cell, and its size in points."""

    markup: str = '<FONT POINT-SIZE="12">\N{NO-BREAK SPACE}</FONT>'
    width: int = 0
    height: int = 0


def _number(value: Any, mode: bool | str, color: str, theme: Theme) -> _Shown:
    """A number or array in the form of the option `values`."""
    if mode is False:
        return _Shown()
    if color is not HIDDEN and nonfinite(value):
        color = theme.loud
    body = block(value, mode, color, theme)
    if body is not None:
        return _Shown(*body)
    size = sum(map(np.size, value)) if isinstance(value, tuple) else np.size(value)
    said = statistics(value) if isinstance(mode, str) and size > 4 else number(value)
    markup = f'<FONT COLOR="{color}" POINT-SIZE="12">{text(said)}</FONT>'
    return _Shown(markup, 2 * math.ceil(3.5 * len(said) + 4))


def _rounding(graph: Picture, edge: Edge, color: str) -> _Shown | None:
    """The third number on a line, if the picture has one; an input is exact and has none."""
    if not graph.look.rounding:
        return None
    if graph.vertices[edge.source].op is None:
        return _Shown()
    said = rounding(edge.rounding)
    markup = f'<FONT COLOR="{color}" POINT-SIZE="11">{text(said)}</FONT>'
    return _Shown(markup, 2 * math.ceil(3.5 * len(said) + 4))


def _cell(shown: _Shown, size: str, new: bool, theme: Theme) -> str:
    behind = f' BGCOLOR="{theme.new}"' if new else ""
    return f"<TD {size}{behind}>{shown.markup}</TD>"
