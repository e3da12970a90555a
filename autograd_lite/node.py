"""A step on the tape: its op, its inputs, its result, and its index.

A computation is recorded as one `Node` per step. A node refers to its inputs, but not to the steps that use
its result, so there are no reference cycles. When the last user of a result goes, reference counting frees
its part of the tape, however long it is.

The tape ends in leaves. An input of a step is on the tape if it is a `Node` or a `Leaf`. Loops over all steps
compare the class itself with these two, since `isinstance` is slow.
"""

from __future__ import annotations

import itertools
import operator
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = [
    "FIXED",
    "Leaf",
    "Node",
    "Notes",
    "Op",
    "changing",
    "next_index",
    "op_name",
    "tape_order",
]

Op = Callable[..., Any]
"""A function that can be recorded on the tape, such as `numpy.multiply`."""

next_index = itertools.count().__next__
"""The next index on the tape. All threads share one counter: only the order within a thread matters."""

changing = threading.RLock()
"""A lock around updates of state that threads share, such as the gradients of leaves. The user's code never
runs under this lock, except finalizers and signal handlers, which may acquire it again."""

if hasattr(os, "register_at_fork"):  # in a forked process no other thread could release the lock
    os.register_at_fork(
        before=changing.acquire, after_in_parent=changing.release, after_in_child=changing.release
    )


class Notes:
    """Rare attributes of a node, such as a name and hooks; most nodes have none, so the node stays small."""

    __slots__ = ("grad", "hooks", "line", "name", "on_tape", "seen", "wants_grad", "watched")

    def __init__(self) -> None:
        self.name: str | None = None
        self.grad: Any = None  # the gradient, if wants_grad
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.wants_grad = False  # x.retain_grad() was called
        self.on_tape = False  # a `Tape` holds this node: its value and adjoint are kept
        self.line: str | None = None  # the user's line that recorded it (under detect_anomaly)
        self.watched: Any = ()  # arrays that must not change before the backward pass
        self.seen: Any = None  # the fingerprint of a value that a program may change: see kept.py


class Node:
    """One step on the tape: `value = op(*args, **kwargs)`.

    Attributes:
        op: the function that was called, e.g. `numpy.multiply`; None for a leaf.
        inputs: the `Node` of each argument on the tape; a constant argument itself, so that a
            constant Tensor keeps its name.
        kwargs: the keyword arguments of the call, or None.
        index: the position on the tape; the inputs of a node have smaller indices.
        value: the result, an array (a tuple of arrays for an op with several outputs).
        adjoint: d(output)/d(value), after a backward pass that kept it.
        played: whether a backward pass has released the node.
    """

    __slots__ = ("adjoint", "args", "index", "inputs", "kwargs", "notes", "op", "played", "value")

    op: Op | None
    inputs: tuple[Any, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] | None
    value: Any
    adjoint: Any
    notes: Notes | None
    index: int
    played: bool

    def note(self) -> Notes:
        """The notes of this node, made on first use."""
        notes = self.notes
        if notes is None:
            with changing:
                notes = self.notes = self.notes or Notes()
        return notes

    @property
    def name(self) -> str | None:
        """The name in `print(tape)` and in pictures."""
        return self.notes.name if self.notes is not None else None

    @name.setter
    def name(self, name: str | None) -> None:
        self.note().name = name

    @property
    def grad(self) -> Any:
        """The accumulated gradient, a Tensor; None before the first backward pass."""
        return self.notes.grad if self.notes is not None else None

    @grad.setter
    def grad(self, grad: Any) -> None:
        self.note().grad = grad

    @property
    def hooks(self) -> dict[int, Callable[[Any], Any]]:
        """The functions that are called with the cotangent of the value, by the keys of their handles."""
        return self.note().hooks

    @property
    def released(self) -> bool:
        """Whether a backward pass has freed the value."""
        return self.value is None

    def __repr__(self) -> str:
        return f"<Node {self.index}: {op_name(self.op)}>"


class Leaf(Node):
    """A node that no step has computed; backward passes add to its gradient.

    Args:
        value: an array or a NumPy scalar.
        name: the name in `print(tape)` and in pictures.
    """

    __slots__ = ("grad", "hooks", "name")

    def __init__(self, value: Any, name: str | None = None) -> None:
        self.op = self.kwargs = self.adjoint = self.notes = None
        self.inputs = self.args = ()
        self.value = value
        self.index = next_index()
        self.played = False
        self.name: str | None = name
        self.grad: Any = None
        self.hooks: dict[int, Callable[[Any], Any]] = {}

    def __repr__(self) -> str:
        return f"<Node {self.index}: leaf{f' {self.name!r}' if self.name else ''}>"


FIXED = frozenset(
    {int, float, complex, bool, type(None), str, slice, type(Ellipsis), np.bool_}
    | {np.float16, np.float32, np.float64, np.complex64, np.complex128}
)
"""Classes of arguments that nobody can change."""


def op_name(op: Op | None) -> str:
    """The name of an op: `multiply`, `sum`, `getitem`."""
    return getattr(op, "__name__", None) or repr(op)


# -- the order of the tape -------------------------------------------------------------------------


def tape_order(outputs: Iterable[Node], since: int = -1) -> list[Node]:
    """The steps from which `outputs` were computed, oldest first, without recursion.

    Leaves are left out, and so are steps whose index is `since` or smaller: a nested `grad` plays only the
    steps that its own call recorded.
    """
    nodes = [node for node in dict.fromkeys(outputs) if node.op is not None and node.index > since]
    seen = set(nodes)
    for node in nodes:  # grows while it is being read
        for parent in node.inputs:
            if parent.__class__ is Node and parent not in seen and parent.index > since:
                seen.add(parent)
                nodes.append(parent)
    nodes.sort(key=_by_index)
    return nodes


_by_index = operator.attrgetter("index")
