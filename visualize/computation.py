"""A computation as frozen data: what was computed, from what, and which gradients came back.

The engine's `Node`s hold what backward needs and let go of it; a `Computation` holds what a reader wants
to see, as plain values that no later step can change. How it looks is not decided here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Call", "Computation", "Edge", "Step", "Vertex", "added"]


@dataclass(frozen=True, slots=True, eq=False)
class Vertex:
    """An input, a constant, or a step of the computation.

    Attributes:
        op: the name of the function; None for inputs and constants.
        name: the user's name for it. Inputs that have none are called x1, x2, ..., and constant arrays
            c1, c2, ...; None for steps without a name, and for numbers that stand in the code.
        value: what was computed or given.
        constant: whether it is an input that no gradient belongs to.
        index: what an indexing step reads, e.g. the 0 of `x[0]`.
        call: the place in `Graph.calls` of the call of a module that made the step; None outside of all.
        given: whether it is one of the inputs that `draw` was called with.
        line: file and line of a step that was recorded under `ag.detect_anomaly()`.
        function: the op itself, which tells it from another of the same name; None for inputs and constants.
        fault: what is wrong with it: the error that it raised, or that it differs from another run's.
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


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A value on its way into a step, and the gradient that came back along the same way.

    Attributes:
        source: the place of a vertex in `Graph.vertices`.
        target: the place of the step that uses the value; None where the value leaves the graph.
        position: which argument of that step it is.
        value: what the step received.
        grad: this use's share of d(output)/d(value); None where nothing has flown back.
        local: d(result of the step)/d(value) of a step from numbers to a number, else None.
    """

    source: int
    target: int | None
    position: int
    value: Any
    grad: Any
    local: Any = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a module.

    Attributes:
        path: where the module is in the model, e.g. "encoder.0"; empty for the model itself.
        kind: its class.
        settings: what it was made with, e.g. "in_features=784, out_features=100".
        parent: the place in `Graph.calls` of the call that made this one; None for the model's own.
        parameters: how many numbers the module learns, those of the modules in it included.
        inner: whether there are modules in it.
        result: the array that it returned, if no gradient belongs to that, as of a threshold; else None.
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
    """One stage of the walk through a computation and back.

    Attributes:
        phase: "forward" or "backward".
        title: what is found: `f = 1/v6`, `df/dv6`.
        rule: how, in words and numbers.
        values, grads: the edges, by their place in `Steps.graph.edges`, whose value or gradient is new.
        parts: what is new in the diagram of the style "neurons", as (what, layer, neuron).
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
    """Steps and inputs, and the values on their ways between them.

    Attributes:
        vertices: each after those it was computed from.
        edges: sorted by target, and there by argument; the outputs last.
        calls: the calls of modules that steps belong to, each after the one around it.
    """

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    calls: tuple[Call, ...] = ()

    def outputs(self) -> set[int]:
        """The vertices whose values leave the computation."""
        return {edge.source for edge in self.edges if edge.target is None}

    def around(self, call: int | None) -> list[int]:
        """A call of a module and those around it, the outermost first."""
        path: list[int] = []
        while call is not None:
            path.append(call)
            call = self.calls[call].parent
        return path[::-1]

    def totals(self, partly: bool = False) -> dict[int, Any]:
        """The gradient of each vertex: the sum of the shares that its uses have sent.

        Args:
            partly: a vertex some of whose uses have sent nothing, because no gradient has reached them, has
                the sum of the others; else it has none.
        """
        shares: dict[int, list[Any]] = {}
        for edge in self.edges:
            if self.vertices[edge.source].constant or (partly and edge.grad is None):
                continue
            if edge.target is None:
                shares[edge.source] = [edge.grad]  # of an output all of it; these edges are the last
            else:
                shares.setdefault(edge.source, []).append(edge.grad)
        return {i: added(parts) for i, parts in shares.items() if all(part is not None for part in parts)}


def added(shares: list[Any]) -> Any:
    """The sum of the shares of a gradient; of an op with several results, result by result."""
    with np.errstate(all="ignore"):
        return functools.reduce(_plus, shares)


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, tuple):
        return tuple(y if x is None else x if y is None else x + y for x, y in zip(a, b, strict=True))
    return a + b
