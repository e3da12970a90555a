"""Picture -> a tree in plain text, for terminals."""

from __future__ import annotations

from collections.abc import Iterator

from ..fold import homes
from ..words.values import amount, counted
from ..words.wording import Wording, named
from .look import Picture

__all__ = ["text"]

DEEPEST = 30  # deeper levels become a tree of their own below


def text(graph: Picture) -> str:
    """The tree of a model's modules and their steps, or of each result and its inputs."""
    graph = named(graph)
    lines = _modules(graph) if graph.calls else _expressions(graph)
    return "\n".join(lines)


def _said(graph: Picture, words: Wording, totals: dict[int, object], i: int) -> str:
    """One vertex: its formula, its value, its gradient."""
    vertex = graph.vertices[i]
    computed = f" = {words.step(i)}" if vertex.op is not None else ""
    value = (
        f" = {amount(vertex.value)}" if graph.look.values and (vertex.op is not None or vertex.name) else ""
    )
    fault = f"    {vertex.fault}" if vertex.fault else ""
    gradient = "" if vertex.constant or not graph.look.grads else f"    gradient {amount(totals.get(i))}"
    return f"{words.name(i)}{computed}{value}{gradient}{fault}"


# -- results and their inputs ----------------------------------------------------------------------


def _expressions(graph: Picture) -> Iterator[str]:
    """The outputs, and below each step its arguments; a repeated step is only named."""
    words = Wording(graph)
    totals = graph.totals()
    roots = list(dict.fromkeys(edge.source for edge in graph.edges if edge.target is None))
    roots += [i for i, vertex in enumerate(graph.vertices) if vertex.fault and i not in roots]
    told: set[int] = set()
    for root in roots:  # grows by the steps below the deepest level
        if root in told:
            continue
        todo = [(root, "", "", 0)]
        while todo:
            i, branch, indent, level = todo.pop()
            if i in told:
                yield f"{branch}{words.name(i)}{', see above' if words.arguments.get(i) else ''}"
                continue
            if level > DEEPEST and words.arguments.get(i):
                roots.append(i)
                yield f"{branch}{words.name(i)}, see below"
                continue
            told.add(i)
            yield branch + _said(graph, words, totals, i)
            sources = [edge.source for edge in words.arguments.get(i, ()) if not words.is_number(edge)]
            sources = list(dict.fromkeys(sources))
            for n, source in enumerate(reversed(sources)):
                mark, rest = ("├─ ", "│  ") if n else ("└─ ", "   ")
                todo.append((source, indent + mark, indent + rest, level + 1))


# -- modules and their steps -----------------------------------------------------------------------


def _modules(graph: Picture) -> Iterator[str]:
    """The module calls, and below each its inner calls and steps in the order of the tape."""
    words = Wording(graph)
    totals = graph.totals()
    inside: dict[int | None, list[tuple[str, int]]] = {None: []}
    home = homes(graph)
    placed: set[int] = set()

    def place(call: int | None) -> None:
        """Add a call to the call around it, at its first step."""
        chain = []
        while call is not None and call not in placed:
            placed.add(call)
            chain.append(call)
            call = graph.calls[call].parent
        for call in reversed(chain):
            inside.setdefault(graph.calls[call].parent, []).append(("call", call))

    for i in range(len(graph.vertices)):
        vertex = graph.vertices[i]
        if vertex.constant and vertex.name is None:
            continue
        place(home[i])
        inside.setdefault(home[i], []).append(("vertex", i))
    todo = [(item, "", "") for item in reversed(inside[None])]
    while todo:
        (kind, n), branch, indent = todo.pop()
        if kind == "vertex":
            yield branch + _said(graph, words, totals, n)
            continue
        call = graph.calls[n]
        parameters = f", {counted(call.parameters, 'parameter')}" if call.parameters else ""
        yield f"{branch}{call.path + ': ' if call.path else ''}{call.kind}{parameters}"
        items = inside.get(n, [])
        for k, item in enumerate(reversed(items)):
            todo.append((item, indent + ("├─ " if k else "└─ "), indent + ("│  " if k else "   ")))
