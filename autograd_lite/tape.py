"""`Tape` keeps recorded steps and prints them as the evaluation trace of the textbooks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .arrays import is_array, unwrap
from .box import GivenAbove
from .node import Node, op_name
from .notebook import quietly, table
from .recording import Mode, heard_by

__all__ = ["Tape", "listening", "show", "trace"]

MOST_ROWS = 500
"""So many steps a notebook shows."""


def listening(listener: Callable[[Node], None]) -> Mode:
    """Call `listener` with every node that is recorded inside of the block."""
    return Mode(functools.partial(heard_by, listener))


class Tape(Mode):
    """Keep the steps recorded inside of a `with` block, in order, with their values and adjoints.

    Attributes:
        nodes: the steps, oldest first.

    Example:
        >>> import autograd_lite as ag
        >>> x, y = ag.Tensor(2.0, requires_grad=True), ag.Tensor(-1.0, requires_grad=True)
        >>> with ag.Tape() as tape:
        ...     f = x * y + x
        >>> f.backward()
        >>> print(tape)
        v1 = 2.0                          adjoint 0.0
        v2 = -1.0                         adjoint 2.0
        v3 = multiply(v1, v2) = -2.0      adjoint 1.0
        v4 = add(v3, v1) = 0.0            adjoint 1.0
    """

    gradient = GivenAbove()

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        super().__init__(functools.partial(heard_by, functools.partial(_hold, self.nodes)))

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        return trace(self.nodes) or "nothing recorded: no input of what was computed requires a gradient"

    def __repr__(self) -> str:
        return f"<Tape of {len(self)} steps>"

    @quietly
    def _repr_html_(self) -> str:
        more = len(self) - MOST_ROWS
        note = f"and {more:,} more steps; print(tape) shows all" if more > 0 else ""
        if not self.nodes:
            note = str(self)
        return table(("", "step", "value", "adjoint"), rows(self.nodes[:MOST_ROWS]), "llrr", note)


def _hold(nodes: list[Node], node: Node) -> None:
    """Add a new node to the list of a tape, and mark the node and its inputs as held.

    The listener holds the list, not the tape, so that the tape can be freed during the block.
    """
    node.note().on_tape = True
    for parent in node.inputs:
        if isinstance(parent, Node):
            parent.note().on_tape = True
    nodes.append(node)


def trace(nodes: Iterable[Node]) -> str:
    """The evaluation trace: one line for each step, with its value and its adjoint."""
    lines = [
        (" = ".join(filter(None, (name, step, value))), f"adjoint {adjoint}" if adjoint else "")
        for name, step, value, adjoint in rows(nodes)
    ]
    width = max((len(left) for left, _ in lines), default=0)
    return "\n".join(f"{left:<{width}}    {right}".rstrip() for left, right in lines)


def rows(nodes: Iterable[Node]) -> list[tuple[str, str, str, str]]:
    """Of each step and each input its name, what it does, its value and its adjoint."""
    names: dict[Node, str] = {}
    found: list[tuple[str, str, str, str]] = []

    def row(node: Node, step: str) -> None:
        names[node] = f"v{len(names) + 1}"
        value = "released" if node.released else show(node.value)
        found.append((names[node], step, value, "" if node.adjoint is None else show(node.adjoint)))

    for node in nodes:
        for parent in node.inputs:
            if isinstance(parent, Node) and parent not in names:
                row(parent, parent.name or "")
        # A constant array is shown with the values that the step has kept, a constant Tensor by its name.
        held = node.args if len(node.args) == len(node.inputs) else node.inputs
        shown = [
            names[x] if isinstance(x, Node) else show(a if isinstance(x, np.ndarray) else x)
            for x, a in zip(node.inputs, held, strict=True)
        ]
        shown += [f"{k}={show(v)}" for k, v in (node.kwargs or {}).items() if k[0] != "_"]
        label = f"{node.name} = " if node.name else ""
        row(node, f"{label}{op_name(node.op)}({', '.join(shown)})")
    return found


def show(value: Any) -> str:
    """A value on one line: numbers with six digits, arrays of up to eight entries, else dtype and shape."""
    name = getattr(value, "name", None)
    if isinstance(name, str):
        return name
    if value.__class__ is tuple and value and all(isinstance(v, np.ndarray) for v in value):
        return f"({', '.join(map(show, value))})"
    value = unwrap(value)
    value = value[()] if isinstance(value, np.ndarray) and not value.ndim else value
    if isinstance(value, (bool, int, str)) or value is None:
        return repr(value)
    if isinstance(value, (float, complex, np.number)):
        number = value.item() if isinstance(value, np.generic) else value
        return repr(float(f"{number:.6g}")) if isinstance(number, float) else f"{number:.6g}"
    if isinstance(value, np.ndarray):
        if value.size <= 8:
            with np.printoptions(precision=4, suppress=True):
                return " ".join(np.array2string(value, separator=", ").split())
        return f"{value.dtype}{list(value.shape)}"
    if is_array(value):
        return f"{type(value).__name__} {value.dtype}{list(value.shape)}"
    return repr(value)
