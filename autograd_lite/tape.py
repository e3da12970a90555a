"""The tape: what was computed, and in which order.

A computation is recorded as one `Node` per step. A node knows the steps it was
computed from and nothing of the steps computed from it, so there are no
reference cycles: when the last user of a result goes, its part of the tape is
freed by reference counting, however long it is.
"""

from __future__ import annotations

import functools
import itertools
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, ClassVar

import numpy as np

from .arrays import finite, is_array, to_host, unwrap
from .errors import AnomalyError
from .recording import Mode, heard_by

__all__ = ["Node", "Notes", "Tape", "changing", "detect_anomaly", "leaf", "listening", "tape_order"]

next_index = itertools.count().__next__
"""The next place on the tape. One counter for all threads: order within a thread is what matters."""

changing = threading.RLock()
"""Held while something that threads share is read, and written anew from what was read: gradients of leaves.
No code of the user's runs meanwhile, but for finalizers and signal handlers, which may enter it again."""

if hasattr(os, "register_at_fork"):  # a forked process has no thread that would let go of it
    os.register_at_fork(
        before=changing.acquire, after_in_parent=changing.release, after_in_child=changing.release
    )


class Notes:
    """What was pinned to a node by hand: rare, so kept out of the node itself."""

    __slots__ = ("grad", "hooks", "keeps", "line", "name", "retains", "seen", "watched")

    def __init__(self) -> None:
        self.name: str | None = None
        self.grad: Any = None  # the gradient of a leaf, or of a step that retains it
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retains = False  # x.retain_grad() was called
        self.keeps = False  # a Tape keeps value and adjoint of this step
        self.line: str | None = None  # where it was recorded (under detect_anomaly)
        self.watched: Any = ()  # arrays that must not change before the backward pass
        self.seen: Any = None  # what the value was when a program was given its array: see constants.py


class Node:
    """One step on the tape: `value = op(*args, **kwargs)`.

    Attributes:
        op: the function that was called, e.g. `numpy.multiply`; None for a leaf.
        inputs: for each argument the `Node` it came from, or, where nothing was recorded,
            the argument itself (a constant Tensor keeps its name that way).
        kwargs: the keyword arguments of the call, or None.
        index: its place on the tape; inputs always have smaller ones.
        value: the result, an array (a tuple of arrays for an op with several outputs).
        adjoint: d(output)/d(value), once a backward pass has been through and kept it.
        played: whether a backward pass has used the node up.
    """

    __slots__ = ("adjoint", "args", "index", "inputs", "kwargs", "notes", "op", "played", "value")

    op: Callable[..., Any] | None
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
        return self.notes.name if self.notes is not None else None

    @property
    def released(self) -> bool:
        """Whether a backward pass has let go of the value."""
        return self.value is None

    def __repr__(self) -> str:
        if self.op is None:
            return f"<Node {self.index}: leaf{f' {self.name!r}' if self.name else ''}>"
        return f"<Node {self.index}: {op_name(self.op)}>"


def leaf(value: Any, name: str | None = None) -> Node:
    """A node that no step has computed: where gradients arrive."""
    node = Node()
    node.op = node.kwargs = node.adjoint = node.notes = None
    node.inputs = node.args = ()
    node.value = value
    node.index = next_index()
    node.played = False
    if name is not None:
        node.note().name = name
    return node


FIXED = frozenset(
    {int, float, complex, bool, type(None), str, slice, type(Ellipsis), np.bool_}
    | {np.float16, np.float32, np.float64, np.complex64, np.complex128}
)
"""Classes of arguments that nobody can change."""


def op_name(op: Callable[..., Any] | None) -> str:
    """The name of an op as the user knows it: `multiply`, `sum`, `getitem`."""
    return getattr(op, "__name__", None) or repr(op)


# -- what listens ----------------------------------------------------------------------------------


def listening(listener: Callable[[Node], None]) -> Mode:
    """Tell `listener` of every node that is recorded inside the block."""
    return Mode(functools.partial(heard_by, listener))


class Tape(Mode):
    """Keeps the steps recorded inside of a `with` block, in order, with their values and adjoints.

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

    gradient: ClassVar[Callable[..., Any]]  # given in backward.py

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        super().__init__(functools.partial(heard_by, functools.partial(_keep, self.nodes)))

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        return trace(self.nodes) or "nothing recorded: no input of what was computed requires a gradient"

    def __repr__(self) -> str:
        return f"<Tape of {len(self)} steps>"


def _keep(nodes: list[Node], node: Node) -> None:
    """What a tape does with a new node; it does not know the tape, which may go while it listens."""
    node.note().keeps = True
    for parent in node.inputs:
        if parent.__class__ is Node:
            parent.note().keeps = True
    nodes.append(node)


def trace(nodes: Iterable[Node]) -> str:
    """The evaluation trace of the textbooks: one line per step, with its value and its adjoint."""
    names: dict[Node, str] = {}
    rows: list[tuple[str, str]] = []

    def line(node: Node, text: str) -> None:
        names[node] = f"v{len(names) + 1}"
        value = "released" if node.released else show(node.value)
        adjoint = "" if node.adjoint is None else f"adjoint {show(node.adjoint)}"
        rows.append((f"{names[node]} = {text}{value}", adjoint))

    for node in nodes:
        for parent in node.inputs:
            if parent.__class__ is Node and parent not in names:
                line(parent, f"{parent.name} = " if parent.name else "")
        # Of a constant the step has kept what it held; a Tensor is shown by its name.
        held = node.args if len(node.args) == len(node.inputs) else node.inputs
        shown = [
            names[x] if x.__class__ is Node else show(a if isinstance(x, np.ndarray) else x)
            for x, a in zip(node.inputs, held, strict=True)
        ]
        shown += [f"{k}={show(v)}" for k, v in (node.kwargs or {}).items() if k[0] != "_"]
        label = f"{node.name} = " if node.name else ""
        line(node, f"{label}{op_name(node.op)}({', '.join(shown)}) = ")
    width = max((len(left) for left, _ in rows), default=0)
    return "\n".join(f"{left:<{width}}    {right}".rstrip() for left, right in rows)


def show(value: Any) -> str:
    """A value in a line of text: numbers to six digits, arrays up to eight entries, else the shape."""
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


# -- the order of the tape -------------------------------------------------------------------------


def tape_order(outputs: Iterable[Node], since: int = -1) -> list[Node]:
    """The steps that `outputs` were computed from, oldest first, without recursion.

    Leaves are left out, and so is everything recorded at or before the place `since`:
    a nested `grad` plays only what its own call has recorded.
    """
    nodes = [node for node in dict.fromkeys(outputs) if node.op is not None and node.index > since]
    seen = set(nodes)
    for node in nodes:  # grows while it is being read
        for parent in node.inputs:
            if (
                parent.__class__ is Node
                and parent not in seen
                and parent.op is not None
                and parent.index > since
            ):
                seen.add(parent)
                nodes.append(parent)
    nodes.sort(key=_by_index)
    return nodes


_by_index = operator.attrgetter("index")


# -- anomalies -------------------------------------------------------------------------------------


class detect_anomaly(Mode):  # noqa: N801
    """Raise `AnomalyError` at the first op that produces NaN or inf, forward or backward.

    The error names the op, and the file and line where it was called. Every step is looked at, recorded
    or not, which costs time: use it to find a fault, not in production.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x = ag.Tensor(0.0, requires_grad=True)
        >>> with np.errstate(all="ignore"), ag.detect_anomaly():
        ...     y = np.log(x)
        Traceback (most recent call last):
        ...
        autograd_lite.errors.AnomalyError: log produced -inf from finite inputs (0.0); recorded at ...
    """

    def __init__(self) -> None:
        super().__init__(functools.partial(heard_by, check_forward, checks=True))


def check_forward(node: Node) -> None:
    """Raise if a step has made NaN or inf out of finite numbers; note its line."""
    line = node.note().line = user_line()
    check_value(node.op, node.args, node.value, line)


def check_value(op: Callable[..., Any] | None, args: Iterable[Any], value: Any, line: str) -> None:
    """Raise if `op` has made NaN or inf out of finite numbers at a line of the user's."""
    if not finite(value) and all(map(finite, args)):
        raise AnomalyError(
            f"{op_name(op)} produced {nonfinite(value)} from finite inputs "
            f"({', '.join(map(show, args))}); recorded at {line}"
        )


def nonfinite(value: Any) -> str:
    """The first entry that is not finite, and where it stands."""
    if value.__class__ is tuple:
        return next(nonfinite(item) for item in value if not finite(item))
    array = to_host(value)
    if array.ndim == 0:
        return str(array)
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    return f"{array[place]} at index {place}"


_LIBRARIES = ("autograd_lite", "nn", "visualize", "numpy")
"""Packages whose lines are not the user's."""


def package(frame: FrameType) -> str:
    """The top-level package that a frame runs code of."""
    name: str = frame.f_globals.get("__name__") or ""
    return name.partition(".")[0]


def user_line() -> str:
    """File and line of the innermost caller outside of this library and NumPy."""
    frame = sys._getframe(1)
    while frame.f_back is not None and package(frame) in _LIBRARIES:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
