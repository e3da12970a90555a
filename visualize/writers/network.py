"""Picture -> DOT text of the styles `model` (a box for each layer) and `ops` (a box for each step)."""

from __future__ import annotations

import math
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..computation import Kind, Vertex
from ..faults import faults, nonfinite
from ..fold import Box, Folding, Link, fold
from ..words.label import index, number, text
from ..words.values import counted, kind, norm, shape, statistics
from .look import Picture
from .tables import block
from .themes import FONT, THEMES, flow_colour

__all__ = ["dot", "folding"]


def folding(graph: Picture) -> Folding:
    """The boxes and arrows of a graph in its style."""
    return fold(graph, graph.look.depth, leaves=graph.look.style == "model", unroll=graph.look.unroll)


def dot(graph: Picture) -> str:
    """The DOT text: modules as boxes and frames, or, in the style `ops`, steps with numbers."""
    return _Writer(graph).write()


class _Writer:
    """The DOT text of one graph."""

    def __init__(self, graph: Picture) -> None:
        self.graph, self.look, self.theme = graph, graph.look, THEMES[graph.look.theme]
        self.detailed = graph.look.style == "ops"
        self.folding = folding(graph)
        self.faults = faults(graph)
        self.failed = any(vertex.fault for vertex in graph.vertices)
        self.norms = [_norm(e.grad) for e in graph.edges] if graph.look.grads else [None] * len(graph.edges)
        self.totals = _gradients(graph) if self.look.grads else {}
        self.flows = [_together(self.norms[e] for e in link.edges) for link in self.folding.links]
        sizes = [n for n in self.flows if n is not None and 0 < n < math.inf]
        self.largest = max(sizes, default=1.0)
        self.smallest = min([*sizes, self.largest * 1e-4])

    # -- the whole ---------------------------------------------------------------------------------

    def write(self) -> str:
        theme, graph = self.theme, self.graph
        lines: dict[int | None, list[str]] = defaultdict(list)
        shown = [self._is_shown(box) for box in self.folding.boxes]
        for i, box in enumerate(self.folding.boxes):
            if shown[i]:
                lines[box.frame].append(self._box(i, box))
        for i in reversed(self.folding.frames):
            lines[self.folding.frames[i].parent].append(self._frame(i, lines.pop(i)))
        arrows = [self._link(i, link) for i, link in enumerate(self.folding.links) if shown[link.source]]
        head = [
            "digraph {",
            f'  graph [rankdir={graph.look.direction}, bgcolor="{theme.background}", pad=0.2, nodesep=0.3, '
            f'ranksep=0.35, fontname="{FONT}", fontsize=12, fontcolor="{theme.text}"]',
            f'  node [shape=box, style="rounded,filled", fontname="{FONT}", fontsize=12, '
            f'fontcolor="{theme.text}", color="{theme.line}", fillcolor="{theme.step}", '
            'margin="0.12,0.06", height=0.3]',
            f'  edge [fontname="{FONT}", fontsize=10, fontcolor="{theme.faint}", color="{theme.line}", '
            "arrowsize=0.7]",
        ]
        legend = [self._legend()] if graph.look.legend is not False else []
        return "\n".join([*head, *legend, *lines[None], *arrows, "}", ""])

    def _is_shown(self, box: Box) -> bool:
        return (
            self.look.constants or not self.graph.vertices[box.vertices[0]].constant or box.call is not None
        )

    def _frame(self, i: int, inside: list[str]) -> str:
        call = self.graph.calls[i]
        fill, border = self.theme.frame
        count, faint = _times(self.folding.frames[i].count), self.theme.faint
        what = text(call.kind) + count
        said = [f"<B>{text(call.path)}</B>", _small(what, faint, escape=False)] if call.path else [what]
        said.append(_small(_parameters(call.parameters), faint))
        # The empty cell makes the frame so wide that arrows in the middle pass beside the title.
        width = 8 * max(len(call.path), len(call.kind), 14) if self.look.direction == "TB" else 0
        cells = f'<TD ALIGN="LEFT" BALIGN="LEFT">{_stacked(said)}</TD><TD WIDTH="{width}"></TD>'
        opening = [
            f"  subgraph cluster_{i} {{",
            f"  graph [label=<{_TABLE}<TR>{cells}</TR></TABLE>>, labelloc=t, labeljust=l, "
            f'style="rounded,filled", fillcolor="{fill}", color="{border}", margin=12]',
        ]
        return "\n".join([*opening, *inside, "  }"])

    def _title(self, i: int, count: int) -> str:
        """The title of a module's box: `encoder.0 Linear ×3`; the model itself has no path."""
        call = self.graph.calls[i]
        path = f"<B>{text(call.path)}</B>  " if call.path else ""
        return f"{path}{text(call.kind)}{_times(count)}"

    # -- boxes -------------------------------------------------------------------------------------

    def _box(self, i: int, box: Box) -> str:
        vertices = self.graph.vertices
        attributes = []
        if box.call is not None:
            lines, (fill, border) = self._module(box), self.theme.module
        elif vertices[box.vertices[0]].op is not None:
            lines, fill, border = self._step(box), self.theme.step, self.theme.line
        else:
            lines, (fill, border) = self._input(box)
            if vertices[box.vertices[0]].constant:
                attributes.append('style="rounded,filled,dashed"')
        said = [s for v in box.vertices for s in self.faults.get(v, ())]
        if said:
            border = self.theme.grad if self._is_offender(box) else self.theme.loud
            attributes.append("penwidth=3")
            worst = [s for s in dict.fromkeys(said) if s.startswith(("first", "raised"))] or said[:1]
            lines += [_small(f"<B>{_in_lines(s)}</B>", border, escape=False) for s in worst]
        attributes += [f'fillcolor="{fill}"', f'color="{border}"', f"label=<{_stacked(lines)}>"]
        return f"  b{i} [{', '.join(attributes)}]"

    def _is_offender(self, box: Box) -> bool:
        return any(self.graph.vertices[v].fault for v in box.vertices)

    def _module(self, box: Box) -> list[str]:
        assert box.call is not None
        call = self.graph.calls[box.call]
        lines = [self._title(box.call, box.count)]
        if call.settings:
            lines += [_small(line, self.theme.faint) for line in _options(call.settings)]
        if call.parameters:
            lines.append(_small(_parameters(call.parameters), self.theme.faint))
            own = [v for v in box.vertices if self.graph.vertices[v].op is None and v in self.totals]
            if own:
                lines.append(self._gradient(norm([self.totals[v] for v in own]), "their gradient: "))
        return lines

    def _step(self, box: Box) -> list[str]:
        vertex = self.graph.vertices[box.vertices[0]]
        which = f" {index(vertex)}" if vertex.index is not None and box.count == 1 else ""
        lines = [f"<B>{text(f'{vertex.op}{which}')}</B>{_times(box.count)}"]
        if vertex.name:
            lines.append(_small(f"<I>{text(vertex.name)}</I>", self.theme.text, escape=False))
        if self.detailed:
            lines += self._numbers(box)
            if vertex.line:
                file, _, line = vertex.line.replace("\\", "/").rpartition("/")[2].rpartition(":")
                lines.append(_small(f"{file}, line {line}", self.theme.faint))
        return lines

    def _input(self, box: Box) -> tuple[list[str], tuple[str, str]]:
        vertex = self.graph.vertices[box.vertices[0]]
        colours = self.theme.input if self._is_data(vertex) else self.theme.parameter
        if vertex.constant:
            colours = (self.theme.step, self.theme.faint)
        title = f"<B>{text(vertex.name)}</B>" if vertex.name else text(number(vertex.value))
        lines = [title + _times(box.count)]
        if self.detailed:
            lines += self._numbers(box) if vertex.name else []
        elif vertex.name and np.ndim(vertex.value):
            lines.append(_small(shape(vertex.value), self.theme.faint))
        return lines, colours

    def _numbers(self, box: Box) -> list[str]:
        """The dtype, shape, value and gradient of a step or input."""
        i, theme = box.vertices[0], self.theme
        value, grad = self.graph.vertices[i].value, self.totals.get(i)
        if value is None:  # the step failed
            return []
        lines = [_small(kind(value), theme.faint)]
        if self.look.values:
            lines += self._shown(value, theme.value, "")
        if self.look.grads and grad is not None:
            lines += self._shown(grad, theme.grad, "gradient ")
        return lines

    def _shown(self, value: Any, colour: str, prefix: str) -> list[str]:
        """An array in the form of the option `values`."""
        body = block(value, self.look.values, colour, self.theme)
        if body is None:
            return [_small(prefix + statistics(value), colour)]
        return [_small(prefix.strip(), colour), body[0]]

    # -- arrows ------------------------------------------------------------------------------------

    def _link(self, i: int, link: Link) -> str:
        graph, theme = self.graph, self.theme
        edges = [graph.edges[e] for e in link.edges]
        attributes, lines, flow = [], [], self.flows[i]
        if not self.detailed or self.failed:
            shapes = list(dict.fromkeys(shape(e.value) for e in edges))
            many = shapes[:2] + ["…"] * (len(shapes) > 2)
            lines.append(_small(", ".join(many), theme.faint) + _times(len(edges)))
            if isinstance(graph.look.values, str):
                lines += self._shown(edges[0].value, theme.value, "")
        if flow is not None:
            finite = math.isfinite(flow)
            if graph.look.flow or not finite or not self.detailed:
                lines.append(self._gradient(flow, "gradient: "))
            if not finite:
                attributes += [f'color="{theme.loud}"', "penwidth=4"]
            elif graph.look.flow:
                attributes += self._width(flow)
        if lines:
            # The space keeps the text off the arrow.
            aside = [line if "<TABLE" in line else f"\N{NO-BREAK SPACE}{line}" for line in lines if line]
            attributes.append(f"label=<{_stacked(aside)}>")
        target = f"b{link.target}"
        end = ""
        if link.target is None:
            target = f"o{link.source}"
            end = f'  {target} [shape=plaintext, style="", label=<<I>output</I>>]\n'
        return f"{end}  b{link.source} -> {target}" + (f" [{', '.join(attributes)}]" if attributes else "")

    def _gradient(self, size: float, whose: str) -> str:
        if math.isfinite(size):
            return _small(f"{whose}norm {number(size)}", self.theme.grad)
        return _small(whose + ("NaN" if math.isnan(size) else "inf"), self.theme.loud)

    def _width(self, flow: float) -> list[str]:
        """The width and colour of an arrow, on a logarithmic scale; a gradient of 0 is a dotted line."""
        if flow == 0:
            return ["style=dotted", f'color="{self.theme.faint}"']
        share = math.log(flow / self.smallest) / math.log(self.largest / self.smallest)
        return [f'color="{flow_colour(self.theme, share)}"', f"penwidth={0.8 + 5.2 * share:.2f}"]

    # -- legend ------------------------------------------------------------------------------------

    def _legend(self) -> str:
        """The meaning of the colours and lines of this picture."""
        theme, boxes = self.theme, self.folding.boxes
        frame = "a group of fused steps" if self._is_plan() else "a frame: a module, and what happens in it"
        single = [self.graph.vertices[b.vertices[0]] for b in boxes if b.call is None]
        signs = [
            (theme.module[1], "■", "a layer: a module with all that happens in it", len(single) < len(boxes)),
            (theme.frame[1], "□", frame, bool(self.folding.frames)),
            (theme.line, "□", "a step of the computation", any(v.op for v in single)),
            (theme.input[1], "■", "an input", any(self._is_data(v) for v in single)),
            (theme.parameter[1], "■", "a parameter", any(self._is_parameter(v) for v in single)),
            (
                theme.faint,
                "□",
                "dashed: a constant",
                self.look.constants and any(v.constant for v in single),
            ),
            (theme.faint, "×3", "three calls with the same parameters", any(b.count > 1 for b in boxes)),
            (theme.value, "1.5", "values", self.detailed and bool(self.look.values)),
            (theme.grad, "1.5", "gradients", bool(self.totals)),
            (
                theme.faint,
                "▦",
                "white is 0, orange positive, blue negative",
                self.look.values == "pictures",
            ),
            (theme.loud, "NaN", "not a number, or infinite", any(map(nonfinite, self._all_numbers()))),
            (theme.grad, "□", "red: what is wrong", self.failed),
        ]
        rows = [f'<FONT COLOR="{c}"><B>{sign}</B></FONT>  {said}' for c, sign, said, there in signs if there]
        if self.look.flow and self.totals:
            ramp = "".join(f'<FONT COLOR="{c}">━</FONT>' for c in theme.flow)
            ends = number(self.smallest), number(self.largest)
            rows.append(f"arrows by the norm of the gradient:  {ends[0]} {ramp} {ends[1]}; dotted: 0")
        lines = "".join(f'{row}<BR ALIGN="LEFT"/>' for row in rows)
        label = f'<FONT POINT-SIZE="10" COLOR="{theme.faint}"><BR/>{lines}</FONT>'
        return f"  label=<{label}>; labelloc=b; labeljust=l"

    def _is_plan(self) -> bool:
        return any(isinstance(vertex.value, Kind) for vertex in self.graph.vertices)

    def _all_numbers(self) -> Iterator[Any]:
        yield from (vertex.value for vertex in self.graph.vertices)
        yield from (edge.grad for edge in self.graph.edges)

    def _is_parameter(self, vertex: Vertex) -> bool:
        return vertex.op is None and not vertex.constant and not self._is_data(vertex)

    def _is_data(self, vertex: Vertex) -> bool:
        """Whether a vertex is an input, not a parameter; without a model all are inputs."""
        return vertex.op is None and not vertex.constant and (vertex.given or not self.graph.calls)


def _gradients(graph: Picture) -> dict[int, Any]:
    """The gradient of each vertex that any gradient has reached; ops with several results have none."""
    return {i: grad for i, grad in graph.totals(partly=True).items() if not isinstance(grad, tuple)}


def _norm(grad: Any) -> float | None:
    return None if grad is None or isinstance(grad, tuple) else norm(grad)


def _together(norms: Any) -> float | None:
    known = [n for n in norms if n is not None]
    return norm(known) if known else None


def _in_lines(said: str, wide: int = 50, most: int = 4) -> str:
    """The first lines of a long text."""
    lines = textwrap.wrap(said, wide, max_lines=most, placeholder=" …")
    return "<BR/>".join(map(text, lines))


def _times(count: int) -> str:
    return f" ×{count}" if count > 1 else ""


def _parameters(n: int) -> str:
    return counted(n, "parameter") if n else ""


def _options(settings: str, limit: int = 46) -> list[str]:
    """The options of a module as lines; a line breaks between two options."""
    lines = [""]
    for option in re.split(r", (?![^(]*\))", settings):
        longer = f"{lines[-1]} {option}," if lines[-1] else f"{option},"
        lines[-1:] = [longer] if len(longer) <= limit or not lines[-1] else [lines[-1], f"{option},"]
    return [*lines[:-1], lines[-1].removesuffix(",")]


def _small(said: str, colour: str, escape: bool = True) -> str:
    """A line of small letters."""
    return f'<FONT POINT-SIZE="10" COLOR="{colour}">{text(said) if escape else said}</FONT>' if said else ""


def _stacked(lines: list[str]) -> str:
    """The lines of a label below each other; with a table among them, all become rows of a table."""
    lines = [line for line in lines if line]
    if not any("<TABLE" in line for line in lines):
        return "<BR/>".join(lines)
    rows = "".join(f"<TR><TD>{line}</TD></TR>" for line in lines)
    return f"{_TABLE}{rows}</TABLE>"


_TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
