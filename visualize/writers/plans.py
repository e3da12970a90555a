"""Picture -> DOT text and plain text of a plan: steps in circles, groups as frames, buffers as colours.

Arrows between the same two boxes become one. A long line is cut: its end repeats the name of the value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..computation import Computation, Edge, Kind, Step, Vertex
from ..words.label import number, text
from ..words.symbols import symbols
from ..words.values import counted, shape
from . import html
from .look import Picture
from .themes import FONT, THEMES

__all__ = ["boxes", "dot", "page", "plain"]

FAR = 4
"""A line through more layers than this is cut."""

DEEP = 9
"""A picture with more layers than this runs from top to bottom."""

EFFECTS = ("store", "update", "draw", "check")


def dot(graph: Picture) -> str:
    """The DOT text of a plan."""
    return _Writer(graph).write()


def page(graph: Picture, steps: Sequence[Step] | None) -> str:
    """The page of a plan."""
    return html.page(_cut(graph), steps)


def boxes(graph: Picture) -> int:
    """The number of circles and boxes."""
    return len(_cut(graph).vertices)


# -- long lines ------------------------------------------------------------------------------------


def _cut(graph: Picture) -> Picture:
    """The picture with one edge for all values between two vertices; the end of a cut line is a vertex."""
    inside = symbols(graph)[1]
    values: dict[tuple[int, int | None, int], list[Edge]] = {}
    for edge in graph.edges:
        own = edge.position if edge.source in inside or edge.target is None else 0
        values.setdefault((edge.source, edge.target, own), []).append(edge)
    node = _nodes(graph)
    lines = [(node[a], node[b]) for a, b, _ in values if b is not None and a not in inside]
    layer = _layers(len(graph.vertices), [line for line in lines if line[0] != line[1]])
    vertices, edges = list(graph.vertices), []
    for (source, target, _), same in values.items():
        kinds = tuple({shape(e.value): e.value for e in same if e.value is not None}.values())
        value = same[0].value if len(kinds) < 2 else kinds
        vertex = graph.vertices[source]
        if (
            target is not None
            and vertex.name
            and source not in inside
            and layer[node[target]] - layer[node[source]] > FAR
        ):
            call = graph.vertices[target].call
            role = "place" if vertex.role == "place" else None if vertex.op is None else "again"
            vertices.append(
                replace(vertex, op=None, call=call if call == vertex.call else None, role=role, line=None)
            )
            source = len(vertices) - 1
        edges.append(replace(same[0], source=source, value=value))
    return replace(graph, vertices=tuple(vertices), edges=(*edges, *_order(graph)))


def _order(graph: Picture) -> list[Edge]:
    """Lines without a value, from what has been stored to the update that follows it."""
    edges: list[Edge] = []
    before: list[int] = []
    for i, vertex in enumerate(graph.vertices):
        if vertex.role == "update":
            edges += [Edge(start, i, k, None, None) for k, start in enumerate(before)]
            before = [i] if before else []
        elif vertex.role == "store":
            before.append(i)
    return edges


def _nodes(graph: Picture) -> list[int]:
    """For each vertex itself, or the first of its folded group, whose steps come one after another."""
    first: dict[int, int] = {}
    folded = graph.look.depth == 0
    return [
        i if vertex.call is None or not folded else first.setdefault(vertex.call, i)
        for i, vertex in enumerate(graph.vertices)
    ]


def _layers(n: int, lines: Iterable[tuple[int, int]]) -> list[int]:
    """The layer of each vertex: each stands after those before it, inputs near their use."""
    layer, into = [0] * n, set()
    nearest: dict[int, int] = {}
    for start, end in sorted(lines, key=lambda line: line[1]):
        layer[end] = max(layer[end], layer[start] + 1)
        into.add(end)
    for start, end in lines:
        nearest[start] = min(nearest.get(start, layer[end]), layer[end])
    return [nearest[i] - 1 if i in nearest and i not in into else layer[i] for i in range(n)]


# -- DOT -------------------------------------------------------------------------------------------


class _Writer:
    """The DOT text of one plan."""

    def __init__(self, graph: Picture) -> None:
        self.graph, self.theme = _cut(graph), THEMES[graph.look.theme]
        self.labels, self.inside = symbols(self.graph)
        self.folded = graph.look.depth == 0
        node = _nodes(self.graph)
        inner = [(node[e.source], node[e.target]) for e in self.graph.edges if e.target is not None]
        deep = max(_layers(len(node), [line for line in inner if line[0] != line[1]]), default=0) > DEEP
        self.direction = graph.look.direction or ("TB" if deep else "LR")
        self.results = len([edge for edge in graph.edges if edge.target is None])

    def _node(self, i: int) -> str:
        """The node of a vertex: its own, or that of its folded group."""
        call = self.graph.vertices[i].call
        return f"g{call}" if self.folded and call is not None else f"v{i}"

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
        lines += framed[None]
        for call in range(len(self.graph.calls)):
            lines += self._folded_group(call) if self.folded else self._frame(call, framed[call])
        return "\n".join([*lines, *self._arrows(), "}", ""])

    # -- groups ------------------------------------------------------------------------------------

    def _frame(self, call: int, inside: list[str]) -> list[str]:
        """A group: a frame around its steps. From top to bottom, few arrows pass the title below the steps.

        The empty cell keeps these out of the title.
        """
        fill, border = self.theme.frame
        down = self.direction == "TB"
        cells = f'<TD ALIGN="LEFT" BALIGN="LEFT">{self._title(call)}</TD>'
        cells += '<TD WIDTH="80"></TD>' if down else ""
        return [
            f"  subgraph cluster_{call} {{",
            f"  graph [label=<{_table(cells)}>, labelloc={'b' if down else 't'}, labeljust=l, "
            f'style="rounded,filled", fillcolor="{fill}", color="{border}", margin=10]',
            *inside,
            "  }",
        ]

    def _folded_group(self, call: int) -> list[str]:
        fill, border = self.theme.module
        return [f'  g{call} [shape=box, fillcolor="{fill}", color="{border}", label=<{self._title(call)}>]']

    def _title(self, call: int) -> str:
        about = self.graph.calls[call]
        return f"<B>{text(about.path)}</B><BR/>{self._small(about.kind)}"

    def _small(self, said: str, colour: str | None = None) -> str:
        return f'<FONT POINT-SIZE="10" COLOR="{colour or self.theme.faint}">{text(said)}</FONT>'

    # -- boxes -------------------------------------------------------------------------------------

    def _box(self, i: int, vertex: Vertex) -> str:
        theme, name = self.theme, vertex.name or ""
        if vertex.op is None:
            return self._input(vertex)
        symbol = text(self.labels[i])
        if vertex.role in EFFECTS:
            fill, border = theme.parameter if vertex.role == "store" else theme.module
            dashed = ', style="rounded,filled,dashed"' if vertex.role == "check" else ""
            label = _two(symbol, self._small(name, theme.text))
            return f'[shape=box, fillcolor="{fill}", color="{border}"{dashed}, label=<{label}>]'
        place = "" if vertex.buffer is None else f" in b{vertex.buffer}"
        label = _two(symbol, self._small(name + place, theme.text if place else theme.faint))
        return f'[shape=ellipse, style=filled, fillcolor="{self._fill(vertex)}", label=<{label}>]'

    def _fill(self, vertex: Vertex) -> str:
        """The colour of a buffer; that of the paper for a register, which is not in memory."""
        theme = self.theme
        if vertex.buffer is not None:
            return theme.buffers[vertex.buffer % len(theme.buffers)]
        return theme.background if (vertex.name or "").startswith("r") else theme.step

    def _input(self, vertex: Vertex) -> str:
        """An argument, a parameter, a constant, or the name of a value at the end of a cut line."""
        theme, name = self.theme, text(vertex.name or "")
        if vertex.constant:
            return f'[shape=plaintext, style="", label=<{text(number(vertex.value))}>]'
        if vertex.role == "again":
            look = f'color="{theme.faint}", fillcolor="{self._fill(vertex)}", height=0.2'
            return f"[shape=box, {look}, label=<{self._small(vertex.name or '', theme.text)}>]"
        fill, border = theme.parameter if vertex.role == "place" else theme.input
        return f'[shape=box, fillcolor="{fill}", color="{border}", label=<<I>{name}</I>>]'

    # -- arrows ------------------------------------------------------------------------------------

    def _arrows(self) -> list[str]:
        lines: dict[str, None] = {}
        updates = {i for i, vertex in enumerate(self.graph.vertices) if vertex.role == "update"}
        result = 0
        for k, edge in enumerate(self.graph.edges):
            start = self._node(edge.source)
            end = f"o{k}" if edge.target is None else self._node(edge.target)
            if edge.source in self.inside or start == end:
                continue
            if edge.target is None:
                result += 1
                name = "result" if self.results == 1 else f"result {result}"
                lines[f'  {end} [shape=plaintext, style="", label=<<I>{name}</I>>]'] = None
            said = self._said(edge)
            look = f"label=<{said}>" if said else "style=dotted" if edge.target in updates else ""
            lines[f"  {start} -> {end}" + (f" [{look}]" if look else "")] = None
        return list(lines)

    def _said(self, edge: Edge) -> str:
        """The shapes on an arrow; a constant shows what it is by itself."""
        source = self.graph.vertices[edge.source]
        if source.constant and source.name is None:
            return ""
        values = edge.value if isinstance(edge.value, tuple) else (edge.value,)
        said = [shape(value) for value in values if value is not None and shape(value)]
        if len(said) > 3:
            said[2:] = [f"+{len(said) - 2}"]
        return "<BR/>".join(f"\N{NO-BREAK SPACE}{self._small(line)}" for line in said)

    # -- legend ------------------------------------------------------------------------------------

    def _legend(self) -> str:
        """The meaning of the boxes and colours of this picture."""
        theme, vertices = self.theme, self.graph.vertices
        roles = {vertex.role for vertex in vertices}
        palette = theme.buffers
        used = sorted({v.buffer for v in vertices if v.buffer is not None})[: len(palette)]
        swatches = "".join(_coloured("■", palette[b % len(palette)]) for b in used)
        signs = [
            (_coloured("■", theme.input[1]), "an argument", any(v.given for v in vertices)),
            (
                _coloured("■", theme.parameter[1]),
                "what outlives the call: it is read, or a value is stored there",
                bool(roles & {"place", "store"}),
            ),
            (
                _coloured("■", theme.module[1]),
                "an effect: an update, a draw of random numbers, a check",
                bool(roles & {"update", "draw", "check"}),
            ),
            ("∂", "the backward step of an op", any((v.op or "").startswith("∂") for v in vertices)),
            (swatches, "equal colours share memory: b0 is buffer 0", bool(used)),
            ("r3", "exists only inside of its group, block by block", "register" in roles),
            ("▭", "the end of a line that is cut: the value of this name", "again" in roles),
        ]
        rows = [f"{sign}  {said}" for sign, said, there in signs if there]
        lines = "".join(f'{row}<BR ALIGN="LEFT"/>' for row in rows)
        label = f'<FONT POINT-SIZE="10" COLOR="{theme.faint}"><BR/>{lines}</FONT>'
        return f"  label=<{label}>; labelloc=b; labeljust=l"


def _coloured(sign: str, colour: str) -> str:
    return f'<FONT COLOR="{colour}">{sign}</FONT>'


def _two(above: str, below: str) -> str:
    """Two lines; rows of a table keep small letters clear of the line above."""
    return _table(f"<TD>{above}</TD></TR><TR><TD>{below}</TD>") if below else above


def _table(cells: str) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cells}</TR></TABLE>'


# -- text ------------------------------------------------------------------------------------------


def plain(graph: Picture) -> str:
    """A line for each step: its value, the op and its arguments, and the buffer."""
    arguments = graph.arguments()
    lines = [
        _line(graph, i, arguments.get(i, []))
        for i, vertex in enumerate(graph.vertices)
        if vertex.op is not None or not vertex.constant
    ]
    return "\n".join([f"{counted(len(lines), 'line')}, {counted(len(graph.calls), 'group')}", *lines])


def _line(graph: Computation, i: int, edges: list[Edge]) -> str:
    vertex, operands = graph.vertices[i], []
    for edge in edges:
        name = graph.vertices[edge.source].name or number(graph.vertices[edge.source].value)
        if ".." not in name or name not in operands:  # several results of one step
            operands.append(name)
    said = vertex.name or ""
    if vertex.role in ("update", "check"):
        said = f"{vertex.op}" if vertex.role == "update" else f"{', '.join(operands)} {vertex.op}"
    elif vertex.op is not None:
        said = f"{said} = {vertex.op}({', '.join(operands)})"
    indent = "" if vertex.call is None else "    "
    kind = str(vertex.value) if isinstance(vertex.value, Kind) else ""
    buffer = "" if vertex.buffer is None else f"buffer {vertex.buffer}"
    return indent + "   ".join(filter(None, (said, kind, buffer)))
