"""`Tape` keeps recorded steps and prints them as the evaluation trace of the textbooks."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import numpy as np

from .arrays import is_array, unwrap
from .box import GivenAbove
from .errors import DTypeError, package
from .node import Node, Op, op_name
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
        modules: for each step the modules whose `forward` recorded it, the outermost first.

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
        self.modules: list[tuple[Any, ...]] = []
        super().__init__(functools.partial(heard_by, functools.partial(_hold, self.nodes, self.modules)))

    def find(self, op: Op | str | None = None, module: str | None = None) -> list[Node]:
        """The steps of an op, or of a module, oldest first.

        Args:
            op: the function, or its name as it is printed.
            module: where it is in the model that was called, such as "encoder" or "encoder.0". The steps of
                the modules in it count too.

        Raises:
            DTypeError: not a function or a name.

        Example:
            >>> import numpy as np, autograd_lite as ag
            >>> with ag.Tape() as tape:
            ...     y = np.tanh(ag.Tensor(0.5, requires_grad=True) * 2)
            >>> [float(node.value) for node in tape.find(op="multiply")]
            [1.0]
        """
        for given, what in ((op, "op"), (module, "module")):
            if not (given is None or isinstance(given, str) or (what == "op" and callable(given))):
                raise DTypeError(
                    f"tape.find({what}={given!r}): expected a name, as in "
                    "tape.find(op='relu', module='encoder')"
                )
        paths = self.paths() if module is not None else [""] * len(self)
        return [
            node
            for node, path in zip(self.nodes, paths, strict=True)
            if (op is None or op in (op_name(node.op), node.op))
            and (not module or f"{path}.".startswith(f"{module}."))
        ]

    def paths(self) -> list[str]:
        """Where in the outermost model the module of each step is; empty for the model and outside."""
        names: dict[Any, dict[Any, str]] = {}
        for around in self.modules:
            if around and around[0] not in names:
                names[around[0]] = {module: path for path, module in around[0].named_modules()}
        return [names[around[0]].get(around[-1], "") if around else "" for around in self.modules]

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


def _hold(nodes: list[Node], modules: list[tuple[Any, ...]], node: Node) -> None:
    """Add a new node to the list of a tape, and mark the node and its inputs as held.

    The listener holds the lists, not the tape, so that the tape can be freed during the block.
    """
    modules.append(_running())
    node.note().on_tape = True
    for parent in node.inputs:
        if isinstance(parent, Node):
            parent.note().on_tape = True
    nodes.append(node)


def _running() -> tuple[Any, ...]:
    """The modules whose `forward` is running, the outermost first: what has `named_modules`."""
    found: list[Any] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        # Inner functions of operators have this name too, and to read the variables of each costs most.
        if code.co_name == "forward" and code.co_argcount and package(frame) != "autograd_lite":
            first = frame.f_locals.get(code.co_varnames[0])
            if hasattr(first, "named_modules"):
                found.append(first)
        frame = frame.f_back
    return tuple(reversed(found))


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
