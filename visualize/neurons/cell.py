"""Computation -> Cell: the gates and states of an LSTM's cell at the last step of the sequence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..computation import Computation, Step
from ..reading import known_as
from ..words.values import amount

__all__ = ["PARTS", "Cell", "cell", "walk_cell"]

AROUND = ("output", "stack", "getitem", "reshape", "swapaxes", "transpose")
"""The other ops of the layer, beside its step `lstm`."""

PARTS = ("x", "h", "c", "f", "i", "g", "o", "c'", "h'")
"""The values of a cell: input, states before, gates in the lecture's order, states after."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """The cell of an LSTM at one step, for the first sample.

    Attributes:
        values: a vector for each of `PARTS`.
        deltas: the gradients of the gates' potentials and of the states after; empty before a backward pass.
        step, steps: the number of the step in the sequence, and the length of the sequence.
        samples: the number of samples in the batch.
        loss: the number computed from the output; None if there is none.
    """

    values: dict[str, Any]
    deltas: dict[str, Any]
    step: int
    steps: int
    samples: int
    loss: Any = None


def cell(graph: Computation) -> Cell | None:
    """The cell in the graph of one LSTM or LSTMCell; None for other graphs."""
    ops = {
        i: known_as(v.function)
        for i, v in enumerate(graph.vertices)
        if v.op is not None and v.call is not None
    }
    found = [i for i, op in ops.items() if op == "lstm"]
    if len(found) != 1 or any(op not in ("lstm", *AROUND) for op in ops.values()):
        return None
    (i,) = found
    given = {edge.position: edge.value for edge in graph.edges if edge.target == i}
    after = _forward(given)
    ends = [edge for edge in graph.edges if edge.target is None and graph.vertices[edge.source].call is None]
    return Cell(
        values=after,
        deltas=_backward(after, graph.totals(partly=True).get(i)),
        step=len(given[0]),
        steps=len(given[0]),
        samples=given[0].shape[1],
        loss=ends[0].value if ends and np.size(ends[0].value) == 1 else None,
    )


def _forward(given: dict[int, Any]) -> dict[str, Any]:
    """c' = f c + i g and h' = o tanh(c') for all steps of the first sample; returns the last step."""
    xs, h, c = given[0][:, 0], given[1][0], given[2][0]
    w, u, b, d = given[3], given[4], given.get(5, 0), given.get(6, 0)
    made: dict[str, Any] = {}
    for x in xs:
        i, f, g, o = np.split(w @ x + b + u @ h + d, 4)
        i, f, g, o = _logistic(i), _logistic(f), np.tanh(g), _logistic(o)
        after = f * c + i * g
        made = {"x": x, "h": h, "c": c, "f": f, "i": i, "g": g, "o": o, "c'": after, "h'": o * np.tanh(after)}
        h, c = made["h'"], made["c'"]
    return made


def _logistic(z: Any) -> Any:
    return (1 + np.tanh(z / 2)) / 2  # exp(-z) would overflow


def _backward(made: dict[str, Any], sent: Any) -> dict[str, Any]:
    """The gradients at the last step, from the cotangents of the layer's outputs."""
    if sent is None or all(part is None for part in sent):
        return {}
    outputs, h, c = (None if part is None else part[..., 0, :] for part in sent)
    zero = np.zeros_like(made["h'"])
    dh = (zero if outputs is None else outputs[-1]) + (zero if h is None else h)
    i, f, g, o, s = (made[name] for name in ("i", "f", "g", "o", "c'"))
    dc = (zero if c is None else c) + dh * o * (1 - np.tanh(s) ** 2)
    return {
        "h'": dh,
        "c'": dc,
        "o": dh * np.tanh(s) * o * (1 - o),
        "f": dc * made["c"] * f * (1 - f),
        "i": dc * g * i * (1 - i),
        "g": dc * i * (1 - g**2),
    }


# -- in words --------------------------------------------------------------------------------------

_FORWARD = (
    ("f", "the forget gate f = σ(W x + U h + b)", "how much of the old state stays"),
    ("i", "the input gate i = σ(W x + U h + b)", "how much of the candidate comes in"),
    ("g", "the candidate g = tanh(W x + U h + b)", "what could come in"),
    ("c'", "the cell state c' = f·c + i·g", "what the cell remembers"),
    ("o", "the output gate o = σ(W x + U h + b)", "how much of the state is shown"),
    ("h'", "the output h' = o·tanh(c')", "what the cell says"),
)
_BACKWARD = (
    ("h'", "∂E/∂h'", "what comes back to the output"),
    ("o", "δ of o", "∂E/∂h' · tanh(c') · o(1 − o)"),
    ("c'", "∂E/∂c'", "what comes back to the state, and ∂E/∂h' · o(1 − tanh(c')²)"),
    ("g", "δ of g", "∂E/∂c' · i · (1 − g²)"),
    ("i", "δ of i", "∂E/∂c' · g · i(1 − i)"),
    ("f", "δ of f", "∂E/∂c' · c · f(1 − f)"),
)


def walk_cell(found: Cell) -> Iterator[Step]:
    """A step for each gate and state of a cell, then for each of their gradients."""
    given = ", ".join(f"{name} = {amount(found.values[name])}" for name in PARTS[:3])
    yield Step("forward", "given", given, parts=tuple(("value", k, 0) for k in range(3)))
    for name, title, why in _FORWARD:
        rule = f"{why}: {amount(found.values[name])}"
        yield Step("forward", title, rule, parts=(("value", PARTS.index(name), 0),))
    for name, title, rule in _BACKWARD if found.deltas else ():
        said = f"{rule} = {amount(found.deltas[name])}"
        yield Step("backward", title, said, parts=(("delta", PARTS.index(name), 0),))
