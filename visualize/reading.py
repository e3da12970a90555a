"""Tape -> Computation: a frozen copy of what was computed, with a gradient for every edge."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import contributions
from autograd_lite.errors import DTypeError, TapeError
from autograd_lite.tree import flatten

from .computation import Call, Computation, Edge, Vertex

__all__ = ["Failed", "Recorded", "history", "identity", "known_as", "names_of", "op_name", "read", "steps_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """An error, and the op that failed.

    Attributes:
        message: the text beside the failed op.
        line: the file and line of the user's code.
        name: the name of the op; None if a value in the graph caused the error.
        op: the op.
        inputs: the arguments of the op: Tensors, arrays and numbers.
        node: the recorded step, if there is one.
        cotangent: the cotangent of the step's output, if its derivative failed.
    """

    message: str
    line: str
    name: str | None = None
    op: Any = None
    inputs: tuple[Any, ...] = ()
    node: ag.Node | None = None
    cotangent: Any = None


@dataclass
class Recorded:
    """What to read: recorded Tensors or a Tape, and the calls behind them.

    Attributes:
        output: Tensors to draw, or a Tape.
        calls: the module calls.
        call_of: the call that recorded each step, as an index into `calls`.
        given: the inputs by their `identity`.
        failed: the error that ended the computation; `output` is then a list of nodes.
    """

    output: Any
    calls: tuple[Call, ...] = ()
    call_of: Mapping[ag.Node, int] = field(default_factory=dict)
    given: Mapping[Any, Any] = field(default_factory=dict)
    failed: Failed | None = None


def names_of(params: Mapping[str, ag.Tensor] | Iterable[tuple[str, ag.Tensor]] | None) -> dict[Any, str]:
    """The names of Tensors, by their `identity`."""
    pairs = params.items() if isinstance(params, Mapping) else () if params is None else params
    names = {}
    for pair in pairs if isinstance(pairs, Iterable) else [pairs]:
        match pair:
            case (str(name), ag.Tensor() as tensor):
                names[identity(tensor)] = name
            case _:
                raise DTypeError(
                    f"draw(params=...): expected names with Tensors, got {type(pair).__name__}; write "
                    "params=model.named_parameters(), or a dict: params={'w': w}"
                )
    return names


def identity(x: Any) -> Any:
    """The key of an input, equal for all its uses: the node, or for a constant the object's id."""
    node = x if isinstance(x, ag.Node) else getattr(x, "node", None)
    return id(x) if node is None else node


# -- reading the tape ------------------------------------------------------------------------------


def steps_of(output: Any) -> tuple[list[ag.Node], list[ag.Node]]:
    """The steps to draw in the order of the tape, and the nodes of the outputs."""
    if isinstance(output, ag.Tape):
        steps = list(output.nodes)
        used = {parent for node in steps for parent in node.inputs if isinstance(parent, ag.Node)}
        outputs = [node for node in steps if node not in used]
    else:
        tensors = [x for x in flatten(output)[0] if isinstance(x, ag.Tensor)]
        if not tensors:
            raise DTypeError(
                f"draw({type(output).__name__}): expected a recorded Tensor, a Tape, or a function or "
                "module with its inputs: draw(model, x)"
            )
        outputs = list(dict.fromkeys(x.node for x in tensors if x.node is not None))
        steps = history(outputs)
    if not outputs:
        raise TapeError(
            "draw: nothing was recorded, because no input requires a gradient; make one with "
            "ag.Tensor(data, requires_grad=True), outside of no_grad()"
        )
    for node in steps:
        if node.released:
            raise TapeError(
                f"draw: a backward pass has released what {op_name(node)} computed; record "
                "inside 'with ag.Tape() as tape:' and draw again, or draw before backward(), or write "
                "backward(retain_graph=True)"
            )
    return steps, outputs


def _left(nodes: list[ag.Node]) -> tuple[list[ag.Node], list[ag.Node]]:
    """The steps and outputs of a computation that failed, without released ones."""
    steps = [node for node in history(nodes) if not node.released]
    return steps, [node for node in dict.fromkeys(nodes) if not node.released]


def _held(x: Any) -> Any:
    """The value of an op's argument: a Tensor's array, or the argument itself."""
    if not isinstance(x, ag.Tensor):
        return x
    return x.detach().numpy() if x.node is None or x.node.released else x.node.value


def history(outputs: list[ag.Node]) -> list[ag.Node]:
    """The steps from which `outputs` were computed, oldest first; leaves are not steps."""
    found = [node for node in outputs if node.op is not None]
    seen = set(found)
    for node in found:  # grows while it is being read
        for parent in node.inputs:
            if isinstance(parent, ag.Node) and parent.op is not None and parent not in seen:
                seen.add(parent)
                found.append(parent)
    return sorted(found, key=lambda node: node.index)


def op_name(node: ag.Node) -> str:
    """The name of a step's op."""
    return getattr(node.op, "__name__", "op")


class _Copies:
    """Makes one read-only copy of each array, so that a picture shows the values of its time."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self, value))
        value = value.numpy() if isinstance(value, ag.Tensor) else value
        if not isinstance(value, np.ndarray):
            return value
        if id(value) not in self._made:
            copy = np.array(value)
            copy.flags.writeable = False
            self._made[id(value)] = value, copy  # holding the original keeps its id from being reused
        return self._made[id(value)][1]


def read(recorded: Recorded, names: dict[Any, str], rounding: bool = False) -> Computation:
    """The computation of a recorded output.

    Args:
        recorded: what was recorded.
        names: override the names of inputs.
        rounding: also read how far the rounding of each value may move the output.
    """
    return _Reader(recorded, names, rounding).read()


class _Reader:
    """Copies steps and inputs into vertices and edges."""

    def __init__(self, recorded: Recorded, names: dict[Any, str], rounding: bool) -> None:
        self.recorded, self.names, self.failed = recorded, names, recorded.failed
        self.rounding, self.roundings = rounding, dict[int, float | None]()  # by the place of the step
        output = recorded.output
        self.steps, self.outputs = steps_of(output) if self.failed is None else _left(output)
        self.copy = _Copies()
        self.vertices: list[Vertex] = []
        self.edges: list[Edge] = []
        self.places: dict[Any, int] = {}
        parents = [x for node in self.steps for x in node.inputs if isinstance(x, (ag.Node, ag.Tensor))]
        self.uses = Counter(x for x in parents if isinstance(x, ag.Node))
        taken = {*names.values(), *(x.name for x in (*parents, *self.outputs))}
        self.fresh = {"x": _fresh("x", taken), "c": _fresh("c", taken)}

    def read(self) -> Computation:
        for node in self.steps:
            self._add_step(node)
        if self.failed is not None and self.failed.node is None and self.failed.name is not None:
            self._add_offender(self.failed)
        else:
            for node in self.outputs:
                source, adjoint = self._place_of(node, node.value), self._adjoint(node)
                value, grad = self.copy(node.value), self.copy(adjoint)
                self.edges.append(Edge(source, None, 0, value, grad, rounding=self._whole(source)))
        return Computation(tuple(self.vertices), tuple(self.edges), self.recorded.calls)

    def _add_input(self, x: Any, value: Any) -> int:
        constant, given = not isinstance(x, ag.Node), identity(x) in self.recorded.given
        name = self.names.get(identity(x)) or getattr(x, "name", None)
        if not name and not (constant and np.ndim(value) == 0):
            name = next(self.fresh["c" if constant else "x"])
        self.vertices.append(Vertex(None, name or None, self.copy(value), constant, given=given))
        return len(self.vertices) - 1

    def _place_of(self, x: Any, value: Any) -> int:
        if not isinstance(x, (ag.Node, ag.Tensor, np.ndarray)):
            return self._add_input(x, value)  # a number in the code: one for each use
        key = identity(x)
        if key not in self.places:
            self.places[key] = self._add_input(x, value)
        return self.places[key]

    def _add_step(self, node: ag.Node) -> None:
        received = node.args or [getattr(x, "value", x) for x in node.inputs]
        sent, slopes = self._sent(node), _slopes(node)
        positions = list(_operands(node))
        sources = [self._place_of(node.inputs[i], received[i]) for i in positions]
        at = _INDEXED.get(known_as(node.op))
        index = None if at is None else node.inputs[at]
        looked_up = _given_index(index, self.recorded.given)
        if at is not None and looked_up is not None:
            positions.append(at)
            sources.append(self._place_of(looked_up, index))
        self.places[node] = len(self.vertices)
        blamed = self.failed if self._is_to_blame(node) else None
        line = node.notes.line if node.notes else None
        vertex = Vertex(
            op_name(node),
            node.name,
            self.copy(node.value),
            index=index,
            call=self.recorded.call_of.get(node),
            line=line or (blamed.line if blamed else None),
            function=node.op,
            fault=blamed.message if blamed else None,
        )
        self.vertices.append(vertex)
        if self.rounding:
            known = node.adjoint is not None and node.args
            self.roundings[self.places[node]] = ag.roundoff.contribution(node) if known else None
        for i, source in zip(positions, sources, strict=True):
            grad, value = self.copy(_flown_back(node, i, sent[i], self.uses)), self.copy(received[i])
            lost = self.roundings.get(source)
            self.edges.append(Edge(source, self.places[node], i, value, grad, slopes[i], lost))

    def _whole(self, output: int) -> float | None:
        """The rounding at an output: the sum over all steps; of several outputs, that of the step alone."""
        found = list(self.roundings.values()) if len(self.outputs) == 1 else [self.roundings.get(output)]
        return sum(x for x in found if x is not None) if found and None not in found else None

    # -- the failed op -----------------------------------------------------------------------------

    def _is_to_blame(self, node: ag.Node) -> bool:
        return self.failed is not None and self.failed.node is node

    def _adjoint(self, node: ag.Node) -> Any:
        return self.failed.cotangent if self.failed and self._is_to_blame(node) else node.adjoint

    def _sent(self, node: ag.Node) -> tuple[Any, ...]:
        """The cotangents that a step sent to its inputs; None for a failed step whose rule raises."""
        if not self._is_to_blame(node):
            return contributions(node)
        arrived = self._adjoint(node)
        if arrived is not None:
            with contextlib.suppress(Exception):
                return contributions(node, arrived)
        return (None,) * len(node.inputs)

    def _add_offender(self, failed: Failed) -> None:
        """Add the failed op, which was not recorded: it has inputs, but no value."""
        values = [_held(x) for x in failed.inputs]
        nodes = [x.node if isinstance(x, ag.Tensor) and x.node is not None else x for x in failed.inputs]
        sources = [self._place_of(x, value) for x, value in zip(nodes, values, strict=True)]
        end = len(self.vertices)
        self.vertices.append(
            Vertex(failed.name, None, None, line=failed.line, function=failed.op, fault=failed.message)
        )
        for i, (source, value) in enumerate(zip(sources, values, strict=True)):
            self.edges.append(Edge(source, end, i, self.copy(value), None))


def _slopes(node: ag.Node) -> tuple[Any, ...]:
    """The local derivatives of a step, if its arguments and result are single numbers; else None for each.

    A step without a rule, or with a rule that raises, is drawn without them.
    """
    if all(map(_is_number, (node.value, *node.args))):
        with contextlib.suppress(Exception):
            return contributions(node, np.ones_like(node.value)[()])
    return (None,) * len(node.inputs)


def _is_number(x: Any) -> bool:
    return not isinstance(x, tuple) and np.ndim(x) == 0


_OURS = ("_operator", "autograd_lite", "nn")


def known_as(op: Any) -> str:
    """The name of an op of NumPy, the engine or nn; empty for a user's op, whatever its name is.

    >>> def tanh(x): ...
    >>> known_as(np.tanh), known_as(tanh)
    ('tanh', '')
    """
    name: str = getattr(op, "__name__", "")
    package = (getattr(op, "__module__", None) or "").partition(".")[0]
    return name if package in _OURS or (op is not None and getattr(np, name, None) is op) else ""


_INDEXED = {"getitem": 1, "table_rows": 1, "setitem": 2, "scatter": 1, "output": 1}
"""The steps that select entries, and the position of the index among their arguments."""


def _given_index(index: Any, given: Mapping[Any, Any]) -> Any:
    """The input with the same entries as an index, e.g. the tokens of an embedding; else None.

    Indexing copies its index, so the two are different objects.
    """
    if not isinstance(index, np.ndarray):
        return None
    for x in given.values():
        array = x.numpy() if isinstance(x, ag.Tensor) else x
        if isinstance(array, np.ndarray) and array.dtype.kind in "iub" and np.array_equal(array, index):
            return x
    return None


def _operands(node: ag.Node) -> Iterator[int]:
    """The positions of the operands; the other arguments are options: axes, shapes, indices.

    A plain int is an operand of a ufunc, but an axis or a shape for other functions.
    """
    numbers: Any = (np.ndarray, np.generic, ag.Node, ag.Tensor, float, complex)
    if isinstance(node.op, np.ufunc):
        numbers = (*numbers, int)
    index = _INDEXED.get(known_as(node.op))
    for i, x in enumerate(node.inputs):
        if isinstance(x, numbers) and i != index:
            yield i


def _fresh(letter: str, taken: set[str | None]) -> Iterator[str]:
    """x1, x2, ... without the names that are taken."""
    return (name for i in itertools.count(1) if (name := f"{letter}{i}") not in taken)


def _flown_back(node: ag.Node, i: int, sent: Any, uses: Counter[ag.Node]) -> Any:
    """The gradient on one edge.

    If the engine cannot compute it, and the parent has no other use, it is the parent's adjoint. A leaf has
    its `grad` in place of an adjoint.
    """
    parent = node.inputs[i]
    if sent is not None or node.adjoint is None or not isinstance(parent, ag.Node) or uses[parent] != 1:
        return sent
    return parent.grad if parent.adjoint is None else parent.adjoint
