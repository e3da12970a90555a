"""Plan -> Computation: the steps of a compiled function, whose values are not known.

A value is its shape and dtype. A group of fused steps is a call, as a module's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag

from .computation import Call, Computation, Edge, Kind, Vertex

__all__ = ["read_plan"]


def read_plan(plan: ag.Plan) -> Computation:
    """The computation of a plan.

    Example:
        >>> found = read_plan(ag.compile(lambda x: np.exp(x) * 2).plan(np.ones(3)))
        >>> [vertex.name or vertex.op or vertex.value for vertex in found.vertices]
        ['x', 'v2', 2, 'v3']
    """
    return _Reader(plan).read()


class _Reader:
    """Copies the lines of a plan into vertices and edges."""

    def __init__(self, plan: ag.Plan) -> None:
        self.plan = plan
        self.vertices: list[Vertex] = []
        self.edges: list[Edge] = []
        self.calls: list[Call] = []
        self.makers: dict[str, int] = {}
        self.kinds: dict[str, Kind | None] = {}

    def read(self) -> Computation:
        for line in self.plan.lines:
            self.kinds |= {
                name: None if kind is None else Kind(*kind)
                for name, kind in zip(line.results, line.kinds, strict=True)
            }
            if line.what == "group":
                self.calls.append(
                    Call(f"group {line.group}", line.name.partition(", float")[0], "", None, 0, True)
                )
            else:
                self._add(line)
        for k, slot in enumerate(self.plan.outputs):
            source = self.makers[f"v{slot}"]
            self.edges.append(Edge(source, None, k, self.kinds[f"v{slot}"], None))
        return Computation(tuple(self.vertices), tuple(self.edges), tuple(self.calls))

    def _add(self, line: Any) -> None:
        """Add a line, and the constants among its operands."""
        kind = self.kinds[line.results[0]] if line.results else None
        if line.what in ("argument", "place"):
            role = "place" if line.what == "place" else None
            self._append(Vertex(None, line.name, kind, given=role is None, role=role), line)
            return
        found = [(i, x, self._source(x)) for i, x in enumerate(line.values)]
        role = _role(line)
        end = self._append(
            Vertex(
                _symbol(line),
                line.name if role == "store" else line.result or role,
                kind,
                call=None if line.group is None else line.group - 1,
                line=line.line,
                function=line.function,
                buffer=line.buffer,
                role=role,
            ),
            line,
        )
        for i, x, source in found:
            value = self.kinds.get(x) if isinstance(x, str) else self.vertices[source].value
            self.edges.append(Edge(source, end, i, value, None))

    def _append(self, vertex: Vertex, line: Any) -> int:
        self.vertices.append(vertex)
        end = len(self.vertices) - 1
        self.makers |= dict.fromkeys(line.results, end)
        return end

    def _source(self, x: Any) -> int:
        """The vertex of an operand; a constant is a new one."""
        if isinstance(x, str):
            return self.makers[x]
        value = Kind(x.shape, x.dtype) if isinstance(x, np.ndarray) and x.ndim else x
        self.vertices.append(Vertex(None, None, value, constant=True))
        return len(self.vertices) - 1


def _role(line: Any) -> str | None:
    """What a step is besides a result in memory."""
    if line.what == "effect":
        return "draw" if line.results else "update"
    if line.what == "step":
        return "register" if line.result.startswith("r") else None
    return "check" if line.what == "guard" else str(line.what)


def _symbol(line: Any) -> str:
    """What stands in the circle: the op, `∂op` for the backward step of an op, or what an effect does."""
    if line.what == "store":
        return "store"
    if line.what == "guard":
        return f"must be {line.operands[1]}"
    name = str(line.name)
    if line.what == "effect" and not line.results:
        return f"{name}({', '.join(type(x).__name__ for x in line.operands)})"
    return f"∂{name.removeprefix('pull_')}" if name.startswith("pull_") else name
