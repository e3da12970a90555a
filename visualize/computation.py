"""A computation as frozen data: what was computed, from what, and which gradients came back.

A backward pass releases the values of the engine's `Node`s. A `Computation` keeps copies of these values,
which no later step can change. The look of its picture is decided elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

__all__ = ["Call", "Computation", "Edge", "Kind", "Step", "Vertex", "added"]


@dataclass(frozen=True, slots=True)
class Kind:
    """The shape and dtype of a value that is not known, as in a plan.

    >>> print(Kind((8, 3), np.dtype("float32")))
    float32 (8, 3)
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}" if self.shape else str(self.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class Vertex:
    """An input, a constant, or a step of the computation.

    Attributes:
        op: the name of the function; None for inputs and constants.
        name: the user's name. Inputs without a name are called x1, x2, ..., and constant arrays c1, c2, ...
            None for steps without a name, and for numbers in the code.
        value: the result of the step, or the value of the input.
        constant: whether this is an input without a gradient.
        index: the index of an indexing step, e.g. the 0 of `x[0]`.
        call: the module call that recorded the step, as an index into `Graph.calls`; None outside of calls.
        given: whether this is an argument of `draw`.
        line: the file and line of a step that was recorded under `ag.detect_anomaly()`.
        function: the op, since two ops may have one name; None for inputs and constants.
        fault: the error that the step raised, or how its value differs from another run; else None.
        buffer: the number of the buffer that the result of a step of a plan is in; None for its own memory.
        role: of a vertex of a plan: "place" (it outlives the call), "register" (it exists only inside of its
            group), "store", "update", "draw", "check", or "again" (the end of a line that was cut); None for
            an argument and for a result in memory.
    """

    op: str | None
    name: str | None
    value: Any
    constant: bool = False
    index: Any = None
    call: int | None = None
    given: bool = False
    line: str | None = None
    function: Callable[..., Any] | None = None
    fault: str | None = None
    buffer: int | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """The use of a value by a step, and the gradient that the step sent back.

    Attributes:
        source: the vertex that has the value, as an index into `Graph.vertices`.
        target: the step that uses the value; None for an output of the graph.
        position: the position of the value among the step's arguments.
        value: the value that the step received.
        grad: the contribution of this use to d(output)/d(value); None if no gradient came back.
        local: d(result)/d(value), if the step's arguments and result are single numbers; else None.
        rounding: how far the rounding of the value may move the output, if the picture shows this; for an
            output the sum over all steps. None for an input, which is exact, and without a gradient.
    """

    source: int
    target: int | None
    position: int
    value: Any
    grad: Any
    local: Any = None
    rounding: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a module.

    Attributes:
        path: the path of the module in the model, e.g. "encoder.0"; empty for the model itself.
        kind: the name of the module's class.
        settings: the module's options, e.g. "in_features=784, out_features=100".
        parent: the call around this one, as an index into `Graph.calls`; None for the outermost.
        parameters: the number of entries of all parameters, those of submodules included.
        inner: whether the module has submodules.
        result: the returned array, if it carries no gradient (as behind a threshold); else None.
    """

    path: str
    kind: str
    settings: str
    parent: int | None
    parameters: int
    inner: bool
    result: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of the walk forward and backward through a computation.

    Attributes:
        phase: "forward" or "backward".
        title: the new quantity: `f = 1/v6`, `df/dv6`.
        rule: its computation, in words and numbers.
        values, grads: the edges with a new value or gradient, as indices into `Steps.graph.edges`.
        parts: the new parts of the diagram of the style "neurons", as (what, layer, neuron).
    """

    phase: str
    title: str
    rule: str
    values: tuple[int, ...] = ()
    grads: tuple[int, ...] = ()
    parts: tuple[tuple[str, int, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.title}: {self.rule}"


@dataclass(frozen=True, eq=False, repr=False)
class Computation:
    """The graph of a computation: steps and inputs are its vertices, uses of values its edges.

    Attributes:
        vertices: in the order of the computation.
        edges: sorted by target, then by argument; the edges of outputs come last.
        calls: the module calls that recorded steps; an outer call comes before its inner ones.
    """

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    calls: tuple[Call, ...] = ()

    def outputs(self) -> set[int]:
        """The vertices whose values are outputs."""
        return {edge.source for edge in self.edges if edge.target is None}

    def arguments(self) -> dict[int, list[Edge]]:
        """The edges into each step that has arguments, in their order."""
        found: dict[int, list[Edge]] = {}
        for edge in self.edges:
            if edge.target is not None:
                found.setdefault(edge.target, []).append(edge)
        return found

    def with_fault(self, i: int, fault: str, line: str | None = None) -> Self:
        """A copy whose i-th vertex has a fault, and a line if the vertex has none."""
        vertex = replace(self.vertices[i], fault=fault, line=self.vertices[i].line or line)
        return replace(self, vertices=(*self.vertices[:i], vertex, *self.vertices[i + 1 :]))

    def around(self, call: int | None) -> list[int]:
        """A module call and the calls around it, outermost first."""
        path: list[int] = []
        while call is not None:
            path.append(call)
            call = self.calls[call].parent
        return path[::-1]

    def totals(self, partly: bool = False) -> dict[int, Any]:
        """The gradient of each vertex: the sum of the contributions of its uses.

        Args:
            partly: add up what is there, if no gradient has reached some of the uses. By default such a
                vertex has no gradient.
        """
        shares: dict[int, list[Any]] = {}
        for edge in self.edges:
            if self.vertices[edge.source].constant or (partly and edge.grad is None):
                continue
            if edge.target is None:
                shares[edge.source] = [edge.grad]  # an output's edge has the whole gradient, and comes last
            else:
                shares.setdefault(edge.source, []).append(edge.grad)
        return {i: added(parts) for i, parts in shares.items() if all(part is not None for part in parts)}


def added(shares: list[Any]) -> Any:
    """The sum of contributions to a gradient; with several results, the sum for each result."""
    with np.errstate(all="ignore"):
        return functools.reduce(_plus, shares)


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, tuple):
        return tuple(y if x is None else x if y is None else x + y for x, y in zip(a, b, strict=True))
    return a + b
