"""Picture -> DOT text and plain text of a plan: steps in circles, groups as frames, buffers as colours."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ..computation import Edge, Kind, Vertex
from ..words.label import number, text
from ..words.symbols import symbols
from ..words.values import counted
from .look import Picture
from .themes import FONT, THEMES

__all__ = ["boxes", "colour", "dot", "text_of"]

FAR = 4
"""A line through more layers than this is cut: its end repeats the name of the value."""

DEEP = 9
"""A picture with more layers than this runs from top to bottom."""


def dot(graph: Picture) -> str:
    """The DOT text of a plan."""
    return _Writer(graph).write()


def boxes(graph: Picture) -> int:
    """The number of circles and boxes."""
    return len(_Writer(graph).nodes)


def colour(graph: Picture, vertex: Vertex) -> str | None:
    """The colour of the buffer that takes the result of a step; None for memory of its own."""
    palette = THEMES[graph.look.theme].buffers
    return None if vertex.buffer is None else palette[vertex.buffer % len(palette)]


@dataclass(frozen=True, slots=True)
class _Arrow:
    """An arrow between two nodes, cut if it is long.

    Attributes:
        value: the vertex whose value the arrow carries.
        said: the shapes and dtypes.
    """

    start: str
    end: str
    value: int
    said: tuple[str, ...]


class _Writer:
    """The DOT text of one plan."""

    def __init__(self, graph: Picture) -> None:
        self.graph, self.theme = graph, THEMES[graph.look.theme]
        self.labels, self.inside = symbols(graph)
        self.folded = graph.look.depth == 0
        self.nodes = list(
            dict.fromkeys(self._node(i) for i in range(len(graph.vertices)) if i not in self.inside)
        )
        self.arrows = self._arrows()
        self.layer = self._layers()
        self.results = sum(arrow.end[0] == "o" for arrow in self.arrows)
        self.direction = graph.look.direction or (
            "TB" if max(self.layer.values(), default=0) > DEEP else "LR"
        )

    def _node(self, i: int) -> str:
        """The node of a vertex: its own, or that of its folded group."""
        call = self.graph.vertices[i].call
        return f"g{call}" if self.folded and call is not None else f"v{i}"

    def _arrows(self) -> list[_Arrow]:
        """One arrow for all values that one step sends to another."""
        found: dict[tuple[str, str, int], list[str]] = {}
        for k, edge in enumerate(self.graph.edges):
            start = self._node(edge.source)
            end = f"o{k}" if edge.target is None else self._node(edge.target)
            if edge.source not in self.inside and start != end:
                found.setdefault((start, end, edge.source), []).append(self._said(edge))
        arrows = []
        for (start, end, value), kinds in found.items():
            said = list(dict.fromkeys(filter(None, kinds)))
            more = [f"+{len(said) - 2}"] * (len(said) > 3)
            arrows.append(_Arrow(start, end, value, (*said[: 2 if more else 3], *more)))
        return arrows

    def _said(self, edge: Edge) -> str:
        """The shape on an arrow, with the dtype unless it is floating-point; nothing for a number."""
        kind = edge.value
        if not isinstance(kind, Kind):
            return ""
        return str(kind.shape or "") if kind.dtype.kind == "f" else str(kind)

    def _layers(self) -> dict[str, int]:
        """The layer of each node, where each stands after those before it, and inputs near their use."""
        layer = dict.fromkeys([*self.nodes, *(arrow.end for arrow in self.arrows)], 0)
        into: dict[str, list[str]] = defaultdict(list)
        for arrow in self.arrows:
            into[arrow.end].append(arrow.start)
        changed = True
        while changed:  # more than once only for folded groups, which may stand before their first operand
            changed = False
            for end, starts in into.items():
                after = 1 + max(layer[start] for start in starts)
                if after > layer[end]:
                    layer[end], changed = after, True
        for arrow in reversed(self.arrows):
            if arrow.start not in into:
                near = min(layer[a.end] for a in self.arrows if a.start == arrow.start)
                layer[arrow.start] = near - 1
        return layer

    # -- the whole ---------------------------------------------------------------------------------

    def write(self) -> str:
        theme = self.theme
        lines = [
            "digraph {",
            f'  graph [rankdir={self.direction}, bgcolor="{theme.background}", pad=0.2, nodesep=0.2, '
            f'ranksep=0.3, fontname="{FONT}", fontsize=12, fontcolor="{theme.text}"]',
            f'  node [fontname="{FONT}", fontsize=14, margin="0.08,0.04", color="{theme.line}", '
            f'fontcolor="{theme.text}", style="rounded,filled", fillcolor="{theme.step}", height=0.3]',
            f'  edge [fontname="{FONT}", fontsize=10, fontcolor="{theme.faint}", color="{theme.line}", '
            "arrowsize=0.7]",
        ]
        if self.graph.look.legend is not False:
            lines.append(self._legend())
        framed: dict[int | None, list[str]] = defaultdict(list)
        for i, vertex in enumerate(self.graph.vertices):
            if i not in self.inside and self._node(i) == f"v{i}":
                framed[vertex.call].append(f"  v{i} {self._box(i, vertex)}")
        lines += framed.pop(None, [])
        for k, arrow in enumerate(self.arrows):
            if self._is_cut(arrow) and self._stays(arrow):
                framed[self.graph.vertices[arrow.value].call].append(f"  r{k} {self._again(arrow)}")
        for call in range(len(self.graph.calls)):
            lines += self._folded_group(call) if self.folded else self._frame(call, framed[call])
        for k, arrow in enumerate(self.arrows):
            lines += self._arrow(k, arrow)
        return "\n".join([*lines, *self._order(), "}", ""])

    def _frame(self, call: int, inside: list[str]) -> list[str]:
        """A group: a frame around its steps."""
        fill, border = self.theme.frame
        return [
            f"  subgraph cluster_{call} {{",
            f"  graph [label=<{self._head(call)}>, labelloc=t, labeljust=l, "
            f'style="rounded,filled", fillcolor="{fill}", color="{border}", margin=10]',
            *inside,
            "  }",
        ]

    def _folded_group(self, call: int) -> list[str]:
        fill, border = self.theme.module
        look = f'shape=box, fillcolor="{fill}", color="{border}"'
        return [f"  g{call} [{look}, label=<{self._title(call)}>]"]

    def _title(self, call: int) -> str:
        about = self.graph.calls[call]
        return f"<B>{text(about.path)}</B><BR/>{self._small(about.kind)}"

    def _head(self, call: int) -> str:
        """The title of a frame; the empty cell keeps arrows from above out of the title."""
        width = 6 * len(self.graph.calls[call].kind) if self.direction == "TB" else 0
        cell = f'<TD ALIGN="LEFT" BALIGN="LEFT">{self._title(call)}</TD><TD WIDTH="{width}"></TD>'
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1"><TR>{cell}</TR></TABLE>'

    def _small(self, said: str, colour: str | None = None) -> str:
        return f'<FONT POINT-SIZE="10" COLOR="{colour or self.theme.faint}">{text(said)}</FONT>'

    # -- nodes -------------------------------------------------------------------------------------

    def _box(self, i: int, vertex: Vertex) -> str:
        theme = self.theme
        if vertex.op is None:
            return self._input(vertex)
        symbol, name = text(self.labels[i]), vertex.name or ""
        if vertex.effect is not None:
            fill, border = theme.parameter if vertex.effect == "store" else theme.module
            dashed = ', style="rounded,filled,dashed"' if vertex.effect == "check" else ""
            below = f"<BR/>{self._small(name, theme.text)}" if name else ""
            return f'[shape=box, fillcolor="{fill}", color="{border}"{dashed}, label=<{symbol}{below}>]'
        place = "" if vertex.buffer is None else f" in b{vertex.buffer}"
        faint = theme.faint if vertex.buffer is None else theme.text
        below = f"<BR/>{self._small(name + place, faint)}"
        return f'[shape=ellipse, style=filled, fillcolor="{self._fill(vertex)}", label=<{symbol}{below}>]'

    def _fill(self, vertex: Vertex) -> str:
        """The colour of a buffer; that of the paper for a register, which is not in memory."""
        alone = self.theme.background if (vertex.name or "").startswith("r") else self.theme.step
        return colour(self.graph, vertex) or alone

    def _input(self, vertex: Vertex) -> str:
        """An argument, a parameter, or a constant, by its name or its number."""
        if vertex.constant:
            return f'[shape=plaintext, style="", label=<{text(number(vertex.value))}>]'
        fill, border = self.theme.input if vertex.given else self.theme.parameter
        return f'[shape=box, fillcolor="{fill}", color="{border}", label=<<I>{text(vertex.name or "")}</I>>]'

    # -- arrows ------------------------------------------------------------------------------------

    def _is_cut(self, arrow: _Arrow) -> bool:
        far = self.layer[arrow.end] - self.layer[arrow.start] > FAR
        return far and self.graph.vertices[arrow.value].name is not None

    def _arrow(self, k: int, arrow: _Arrow) -> list[str]:
        lines, start = [], arrow.start
        if self._is_cut(arrow):
            start = f"r{k}"
            if not self._stays(arrow):
                lines.append(f"  {start} {self._again(arrow)}")
        if arrow.end.startswith("o"):
            name = "result" if self.results == 1 else f"result {self._result(arrow)}"
            lines.append(f'  {arrow.end} [shape=plaintext, style="", label=<<I>{name}</I>>]')
        small = "<BR/>".join(f"\N{NO-BREAK SPACE}{self._small(said)}" for said in arrow.said)
        return [*lines, f"  {start} -> {arrow.end}" + (f" [label=<{small}>]" if small else "")]

    def _stays(self, arrow: _Arrow) -> bool:
        """Whether an arrow is inside of one frame."""
        call = self.graph.vertices[arrow.value].call
        target = int(arrow.end[1:])
        return arrow.end[0] == "v" and call is not None and self.graph.vertices[target].call == call

    def _result(self, arrow: _Arrow) -> int:
        return 1 + [a.end for a in self.arrows if a.end[0] == "o"].index(arrow.end)

    def _again(self, arrow: _Arrow) -> str:
        """The end of a cut line: the name of the value, in the colour of its memory."""
        vertex = self.graph.vertices[arrow.value]
        if vertex.op is None:
            return self._input(vertex)
        look = f'shape=box, color="{self.theme.faint}", fillcolor="{self._fill(vertex)}", height=0.2'
        return f"[{look}, label=<{self._small(vertex.name or '', self.theme.text)}>]"

    def _order(self) -> list[str]:
        """Dotted lines from what has been stored to the update that follows it."""
        lines: list[str] = []
        before: list[str] = []
        for i, vertex in enumerate(self.graph.vertices):
            if vertex.effect == "update":
                lines += [f"  {start} -> v{i} [style=dotted]" for start in before]
                before = [f"v{i}"] if before else []
            elif vertex.effect == "store":
                before.append(f"v{i}")
        return lines

    # -- legend ------------------------------------------------------------------------------------

    def _legend(self) -> str:
        """The meaning of the boxes and colours of this picture."""
        theme, vertices = self.theme, self.graph.vertices
        steps = [v for v in vertices if v.op is not None and v.effect is None]
        used = sorted({v.buffer for v in steps if v.buffer is not None})
        swatches = "".join(
            f'<FONT COLOR="{theme.buffers[b % len(theme.buffers)]}">■</FONT>'
            for b in used[: len(theme.buffers)]
        )
        effects = {v.effect for v in vertices}
        signs = [
            (f'<FONT COLOR="{theme.input[1]}">■</FONT>', "an argument", any(v.given for v in vertices)),
            (
                f'<FONT COLOR="{theme.parameter[1]}">■</FONT>',
                "what outlives the call: it is read, or a value is stored there",
                "store" in effects or any(v.op is None and not v.given and not v.constant for v in vertices),
            ),
            (
                f'<FONT COLOR="{theme.module[1]}">■</FONT>',
                "an effect: an update, a draw of random numbers, a check",
                bool(effects - {None, "store"}),
            ),
            ("∂", "the backward step of an op", any((v.op or "").startswith("∂") for v in steps)),
            (swatches, "equal colours share memory: b0 is buffer 0", bool(used)),
            (
                "r3",
                "exists only inside of its group, block by block",
                any((v.name or "")[:1] == "r" for v in steps),
            ),
        ]
        rows = [f"{sign}  {said}" for sign, said, there in signs if there]
        lines = "".join(f'{row}<BR ALIGN="LEFT"/>' for row in rows)
        label = f'<FONT POINT-SIZE="10" COLOR="{theme.faint}"><BR/>{lines}</FONT>'
        return f"  label=<{label}>; labelloc=b; labeljust=l"


def text_of(graph: Picture) -> str:
    """A line for each step: its value, the op and its arguments, and the buffer."""
    arguments, lines = graph.arguments(), []
    for i, vertex in enumerate(graph.vertices):
        if vertex.op is None and vertex.constant:
            continue
        sources = (graph.vertices[edge.source] for edge in arguments.get(i, ()))
        operands = ", ".join(v.name or number(v.value) for v in sources)
        call = vertex.name or "" if vertex.op is None else f"{vertex.op}({operands})"
        head = f"{vertex.name} = {call}" if vertex.op is not None and vertex.name else call
        kind = str(vertex.value) if isinstance(vertex.value, Kind) else ""
        buffer = "" if vertex.buffer is None else f"buffer {vertex.buffer}"
        indent = "" if vertex.call is None else "    "
        lines.append("   ".join(filter(None, (indent + head, kind, buffer))))
    groups = counted(len(graph.calls), "group")
    return "\n".join([f"{counted(len(lines), 'line')}, {groups}", *lines])
