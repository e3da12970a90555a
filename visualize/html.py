"""Graph -> one page that works by itself: no network, no installation, a browser is enough.

The page is put together from the files in `page/`: the layout and the drawing are done there, in the reader's
browser. Here is decided what it has to say, as JSON. Names come from users and are only ever shown as text.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.errors import OptionError

from . import content, dot
from .faults import faults
from .wording import Wording, around, is_array, named

if TYPE_CHECKING:
    from .calls import Call
    from .graph import Edge, Graph
    from .steps import Step

__all__ = ["page"]

SEEN_AT_ONCE = 24  # boxes; a model with more begins with its modules folded
MOST_STEPS = 10_000
MANY_USES = 6


def page(graph: Graph, steps: Sequence[Step] | None = None) -> str:
    """The page of a graph, or of the walk through it.

    Raises:
        OptionError: too many steps for a browser.
    """
    if len(graph.vertices) > MOST_STEPS:
        raise OptionError(
            f"{len(graph.vertices)} steps and inputs are too many for a page, {MOST_STEPS} is the most; draw "
            "a smaller part of the computation"
        )
    files = resources.files(__package__) / "page"
    read = {name: (files / f"page.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
    layout = (files / "layout.js").read_text(encoding="utf-8")
    told = _told(graph, steps)
    parts = {
        "title": html.escape(told["title"]),
        "style": read["css"],
        "script": f"{layout}\n{read['js']}",
        "data": _inert(json.dumps(told, separators=(",", ":"))),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], read["html"])


def _inert(data: str) -> str:
    """JSON that cannot end the script element it stands in, nor begin a comment."""
    return data.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


# -- what the page says ----------------------------------------------------------------------------


def _told(graph: Graph, steps: Sequence[Step] | None) -> dict[str, Any]:
    graph = named(graph)
    words = Wording(graph)
    homes = words.homes()
    symbols, inside = dot.symbols(graph)
    found, copied = faults(graph), _copied(graph)
    totals, uses = words.totals(), Counter(edge.source for edge in graph.edges)
    outputs = {edge.source for edge in graph.edges if edge.target is None}
    names = ", ".join(words.name(i) for i in sorted(outputs))

    def vertex(i: int) -> dict[str, Any]:
        v = graph.vertices[i]
        is_step = v.op is not None
        kind = "step" if is_step else "constant" if v.constant else "input"
        return {
            "kind": kind,
            "label": symbols[i] if is_step else words.name(i),
            "name": v.name,
            "title": f"{v.name} = {words.step(i)}" if is_step else words.name(i),
            "op": v.op or kind,
            "value": full(v.value),
            "brief": _brief_gradient(totals.get(i)) if graph.grads else "",
            "uses": uses[i],
            "copied": i in copied,
            "grad": "none, it is a constant" if v.constant else full(totals.get(i)),
            "shape": content.kind(v.value),
            "statistics": content.statistics(v.value) if is_array(v.value) else None,
            "faults": found.get(i, []),
            "call": homes[i],
            "line": v.line,
            "inside": i in inside or (v.constant and not graph.constants),
            "output": i in outputs,
        }

    def edge(e: Edge) -> dict[str, Any]:
        end = graph.vertices[e.source].name if e.target is None else None
        constant = graph.vertices[e.source].constant
        to = "the result" if e.target is None else words.name(e.target)
        return {
            "source": e.source,
            "target": e.target,
            "value": brief(e.value) if graph.values else "",
            "grad": _brief_gradient(e.grad) if graph.grads else "",
            "fullValue": full(e.value),
            "fullGrad": full(e.grad),
            "title": f"{words.name(e.source)} → {to}",
            "rule": None if e.target is None or constant else words.rule(e, totals.get(e.target)),
            "end": end if graph.vertices[e.source].op is not None else None,
        }

    return {
        "title": f"{names}: {'backpropagation step by step' if steps else 'the graph'}",
        "direction": graph.direction,
        "theme": "dark" if graph.theme == "dark" else None,
        "vertices": [vertex(i) for i in range(len(graph.vertices))],
        "edges": [edge(e) for e in graph.edges],
        "calls": [
            {
                "title": call.path or call.kind,
                "kind": call.kind,
                "about": ", ".join(_call_facts(call)),
                "parent": call.parent,
            }
            for call in graph.calls
        ],
        "folded": _folded(graph, homes),
        "steps": steps
        and [
            {"phase": s.phase, "title": s.title, "rule": s.rule, "values": s.values, "grads": s.grads}
            for s in steps
        ],
    }


def _copied(graph: Graph) -> set[int]:
    """The inputs that have a copy beside each use, as lines to all would cover the rest.

    These are inputs of many uses, and parameters of a module that is called several times.
    """
    calls: dict[int, list[int | None]] = {}
    for edge in graph.edges:
        if edge.target is not None and graph.vertices[edge.source].op is None:
            calls.setdefault(edge.source, []).append(graph.vertices[edge.target].call)
    return {
        i
        for i, uses in calls.items()
        if len(uses) > MANY_USES or (len(set(uses)) > 1 and not graph.vertices[i].given)
    }


def _call_facts(call: Call) -> Iterator[str]:
    if call.path:
        yield call.kind
    if call.parameters:
        yield f"{call.parameters:,} parameters"


def _folded(graph: Graph, homes: list[int | None]) -> list[int]:
    """The calls that are folded at first: those at `draw`'s depth, or as many as to see all at once."""
    paths = [around(graph, call) for call in range(len(graph.calls))]
    if graph.depth is not None:
        return sorted({path[graph.depth] for path in paths if len(path) > graph.depth})
    inner = {call.parent for call in graph.calls}
    folded: set[int] = set()
    for depth in range(max(map(len, paths), default=1) - 1, 0, -1):
        if _seen(graph, homes, folded) <= SEEN_AT_ONCE:
            break
        folded = {path[depth] for path in paths if len(path) > depth}
        folded |= {i for i, path in enumerate(paths) if len(path) <= depth and i not in inner}
    return sorted(folded)


def _seen(graph: Graph, homes: list[int | None], folded: set[int]) -> int:
    """How many boxes there are to be seen."""
    boxes = (next((call for call in around(graph, home) if call in folded), None) for home in homes)
    return len({("vertex", i) if call is None else ("call", call) for i, call in enumerate(boxes)})


# -- values ----------------------------------------------------------------------------------------


def brief(value: Any) -> str:
    """A value on a line: the number, a row of few numbers, or the shape.

    >>> brief(np.float64(0.7310586)), brief(np.ones(2)), brief(np.ones((8, 3)))
    ('0.73', '[1.00, 1.00]', '(8, 3)')
    """
    if isinstance(value, tuple):
        return f"{len(value)} arrays"
    return dot.number(value) if is_short(value) else str(value.shape)


def _brief_gradient(grad: Any) -> str:
    return dot.number(grad) if is_short(grad) else f"norm {dot.number(content.norm(grad))}"


def is_short(value: Any) -> bool:
    """Whether all the numbers of a value fit on a line."""
    return not is_array(value) or (isinstance(value, np.ndarray) and value.ndim == 1 and 0 < value.size <= 4)


def full(value: Any) -> str:
    """A value in the panel: numbers in full, arrays up to a hundred entries, of longer ones the corners."""
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return "\n".join(map(full, value))
    if isinstance(value, np.ndarray) and value.ndim:
        with np.printoptions(precision=4, threshold=100, edgeitems=2, linewidth=60):
            return str(value)
    return str(value.item() if isinstance(value, (np.ndarray, np.generic)) else value)
