"""Picture -> an HTML page that works without a network.

This file writes the page's data as JSON. The program in `page/` lays out and draws in the reader's browser.
Names come from users, so the page shows them as text, never as markup.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import numpy as np

from autograd_lite.errors import OptionError

from ..computation import Computation, Edge, Step
from ..faults import faults
from ..fold import homes
from ..words.kinds import FAMILIES, family
from ..words.label import number, rounding
from ..words.symbols import symbols
from ..words.values import counted, is_array, kind, norm, shape, statistics
from ..words.wording import Wording, named
from .look import Picture

__all__ = ["filled", "page"]

PROGRAM = (
    *("base", "layout", "nest", "seen", "cards", "draw", "view"),
    *("panel", "search", "walk", "export", "keys", "start"),
)
"""The files of the page's program, in their order."""

SEEN_AT_ONCE = 24  # a page with more boxes begins with folded modules
MOST_STEPS = 10_000
MANY_USES = 6


def page(graph: Picture, steps: Sequence[Step] | None = None) -> str:
    """The page of a graph, or of a walk through the graph.

    Raises:
        OptionError: the graph has more than 10,000 vertices, too many for a browser.
    """
    if len(graph.vertices) > MOST_STEPS:
        raise OptionError(
            f"{len(graph.vertices)} steps and inputs are too many for a page (the limit is {MOST_STEPS:,}); "
            "draw a part of the computation, or save the graph as .dot"
        )
    files = resources.files("visualize") / "page"

    def read(name: str) -> str:
        return (files / name).read_text(encoding="utf-8")

    told = _Told(graph).everything(steps)
    parts = {
        "title": html.escape(f"{told['heading']}: {told['about']}"),
        "heading": html.escape(told["heading"]),
        "about": html.escape(told["about"]),
        "style": read("page.css"),
        "script": "\n".join(read(f"{name}.js") for name in PROGRAM),
    }
    return filled(read("page.html"), parts, told)


def filled(template: str, parts: Mapping[str, str], told: Any) -> str:
    """A template with its parts inserted as markup, and its data as JSON."""
    told = {"data": _inert(json.dumps(told, separators=(",", ":")))}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: {**parts, **told}[match[1]], template)


def _inert(data: str) -> str:
    """JSON that cannot end the script element around it, nor begin a comment."""
    return data.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


# -- the page's data -------------------------------------------------------------------------------


class _Told:
    """The data of the page of one graph, ready for JSON."""

    def __init__(self, graph: Picture) -> None:
        self.graph = graph = named(graph)
        self.words = Wording(graph)
        self.homes = homes(graph)
        self.symbols, self.inside = symbols(graph)
        self.faults, self.copied = faults(graph), _copied(graph)
        self.totals, self.uses = graph.totals(), Counter(edge.source for edge in graph.edges)
        self.outputs = graph.outputs()
        self.wrong = {i for i, vertex in enumerate(graph.vertices) if vertex.fault}
        self.is_network, self.is_plan = graph.look.style == "model", graph.look.style == "plan"
        self.calls = _calls(graph)
        # A dash says that a gradient is missing. A model before its backward pass has no dashes.
        asked = not self.calls or any(edge.grad is not None for edge in graph.edges)
        self.has_dashes = graph.look.grads and graph.look.style == "lecture" and asked

    def title(self, steps: Sequence[Step] | None) -> tuple[str, str]:
        """The heading and the subtitle: the model, or the names of the results."""
        if self.is_plan:
            vertices = self.graph.vertices
            buffers = len({v.buffer for v in vertices if v.buffer is not None})
            counts = [(len(self.graph.calls), "group"), (buffers, "buffer")]
            many = counted(sum(v.op is not None for v in vertices), "step")
            return f"A plan of {many}", ", ".join(counted(n, what) for n, what in counts)
        if self.calls and not self.calls[0].path and not steps:
            return self.calls[0].kind, self.calls[0].about
        names = ", ".join(self.words.name(i) for i in sorted(self.outputs))
        names = names or ", ".join(f"{self.graph.vertices[i].op} failed" for i in self.wrong)
        return names, "backpropagation step by step" if steps else "the graph"

    def everything(self, steps: Sequence[Step] | None) -> dict[str, Any]:
        graph, families = self.graph, {call.family for call in self.calls}
        heading, about = self.title(steps)
        return {
            "heading": heading,
            "about": about,
            "direction": graph.look.direction or "TB",
            "shapes": self.is_network,
            "plan": self.is_plan,
            "families": {
                name: "group of fused steps" if self.is_plan else said
                for name, said in FAMILIES.items()
                if name in families
            },
            "theme": "dark" if graph.look.theme == "dark" else None,
            "vertices": [self.vertex(i) for i in range(len(graph.vertices))],
            "edges": [self.edge(e) for e in graph.edges],
            "calls": [asdict(call) for call in self.calls],
            "folded": _folded(graph, self.homes),
            "steps": steps and list(map(_step, steps)),
        }

    def vertex(self, i: int) -> dict[str, Any]:
        v, look, total = self.graph.vertices[i], self.graph.look, self.totals.get(i)
        is_step = v.op is not None
        what = "step" if is_step else "constant" if v.constant else "input"
        return {
            "kind": what,
            "label": self.symbols[i] if is_step else self.words.name(i),
            "name": v.name,
            "title": f"{v.name} = {self.words.step(i)}" if is_step else self.words.name(i),
            "op": v.op or what,
            "value": None if self.is_plan else full(v.value),
            "brief": self.gradient(total),
            "uses": self.uses[i],
            "copied": i in self.copied,
            "grad": None if self.is_plan else "none, it is a constant" if v.constant else full(total),
            "buffer": v.buffer,
            "role": v.role,
            "shape": kind(v.value),
            "statistics": statistics(v.value) if is_array(v.value) else None,
            "faults": self.faults.get(i, []),
            "failed": i in self.wrong,
            "call": self.homes[i],
            "line": v.line,
            "inside": i in self.inside or (v.constant and not look.constants),
            "output": i in self.outputs,
        }

    def edge(self, e: Edge) -> dict[str, Any]:
        source, look, words = self.graph.vertices[e.source], self.graph.look, self.words
        to = "the result" if e.target is None else words.name(e.target)
        failed = e.target is not None and self.graph.vertices[e.target].value is None
        is_ruled = e.target is not None and not source.constant and not failed and not self.is_plan
        said = shape if self.wrong or self.is_network or self.is_plan else brief
        return {
            "source": e.source,
            "target": e.target,
            "value": said(e.value) if look.values else "",
            "grad": self.gradient(e.grad),
            "rounding": rounding(e.rounding) if look.rounding and source.op is not None else "",
            "fullValue": full(e.value),
            "fullGrad": None if self.is_plan else full(e.grad),
            "title": f"{words.name(e.source)} → {to}",
            "rule": words.rule(e, self.totals.get(e.target or 0)) if is_ruled else None,
            "end": source.name if e.target is None and source.op is not None else None,
        }

    def gradient(self, grad: Any) -> str:
        """A gradient on a line."""
        if not self.graph.look.grads or (grad is None and not self.has_dashes):
            return ""
        return number(grad) if is_short(grad) else f"norm {number(norm(grad))}"


@dataclass(frozen=True, slots=True)
class _Module:
    """The data of a module call."""

    title: str
    kind: str
    path: str
    settings: str
    about: str
    family: str
    inner: bool
    parent: int | None


def _calls(graph: Computation) -> list[_Module]:
    layers = Counter(i for call in graph.calls if not call.inner for i in graph.around(call.parent))
    found = []
    for i, call in enumerate(graph.calls):
        counts = [(layers[i], "layer"), (call.parameters, "parameter")]
        about = ", ".join(counted(n, what) for n, what in counts if n)
        kind = family(call.kind, call.inner)
        title = call.path or call.kind
        found.append(
            _Module(title, call.kind, call.path, call.settings, about, kind, call.inner, call.parent)
        )
    return found


def _step(step: Step) -> dict[str, Any]:
    return {
        "phase": step.phase,
        "title": step.title,
        "rule": step.rule,
        "values": step.values,
        "grads": step.grads,
    }


def _copied(graph: Computation) -> set[int]:
    """The inputs that are drawn as a copy beside each use, since many long lines would cover the rest.

    These are inputs with many uses, and parameters of a module that is called several times.
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


def _folded(graph: Picture, homes: list[int | None]) -> list[int]:
    """The calls that are folded at first: those at the depth of `draw`, or so many that all boxes fit.

    In the style `model` all layers are folded.
    """
    paths = [graph.around(call) for call in range(len(graph.calls))]
    inner = {call.parent for call in graph.calls}
    is_network = graph.look.style == "model"
    folded = {i for i in range(len(paths)) if is_network and i not in inner and len(paths[i]) > 1}
    if graph.look.depth is not None:
        return sorted(folded | {path[graph.look.depth] for path in paths if len(path) > graph.look.depth})
    for depth in range(max(map(len, paths), default=1) - 1, 0, -1):
        if _seen(graph, homes, folded) <= SEEN_AT_ONCE:
            break
        folded = {path[depth] for path in paths if len(path) > depth}
        folded |= {i for i, path in enumerate(paths) if len(path) <= depth and i not in inner}
    return sorted(folded)


def _seen(graph: Computation, homes: list[int | None], folded: set[int]) -> int:
    """The number of visible boxes."""
    boxes = (next((call for call in graph.around(home) if call in folded), None) for home in homes)
    return len({("vertex", i) if call is None else ("call", call) for i, call in enumerate(boxes)})


# -- values ----------------------------------------------------------------------------------------


def brief(value: Any) -> str:
    """A value on a line: a number, a short list of numbers, or a shape.

    >>> brief(np.float64(0.7310586)), brief(np.ones(2)), brief(np.ones((8, 3)))
    ('0.73', '[1.00, 1.00]', '(8, 3)')
    """
    if isinstance(value, tuple):
        return f"{len(value)} arrays"
    return number(value) if is_short(value) else str(value.shape)


def is_short(value: Any) -> bool:
    """Whether all entries of a value fit on a line."""
    return not is_array(value) or (isinstance(value, np.ndarray) and value.ndim == 1 and 0 < value.size <= 4)


def full(value: Any) -> str:
    """A value in the panel: a number, an array of up to a hundred entries, or the corners of a larger one."""
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return "\n".join(map(full, value))
    if isinstance(value, np.ndarray) and value.ndim:
        with np.printoptions(precision=4, threshold=100, edgeitems=2, linewidth=60):
            return str(value)
    return str(value.item() if isinstance(value, (np.ndarray, np.generic)) else value)
