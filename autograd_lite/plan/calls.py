"""The arguments of a call with traced arrays inside, and what a run returned as a tree of slots."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np

from .. import tree
from ..arrays import on_host, refuse_other_arithmetic, stored
from ..box import PLAIN, Box, in_class, lift, wrap
from ..errors import DTypeError
from ..node import Leaf, Node, tape_order
from ..words.explain import describe
from .entries import Reached
from .places import Places
from .reach import reach
from .trace import Ref, Trace, same, walk
from .traced import Sent, Traced

__all__ = ["Arguments", "Result", "builder", "clean"]

STATIC = (bool, str, bytes, type(None), type(Ellipsis), type, np.dtype)
"""Classes of arguments that are part of the signature."""


# -- arguments -------------------------------------------------------------------------------------


class Arguments:
    """The arguments of one call.

    Attributes:
        leaves: the arguments in the nested containers, in order.
        fixed: the positions of arguments whose values belong to the signature.
        objects: the arguments that the function may look into, such as a module.
        reason: why such a call is not replayed.
    """

    def __init__(self, f: Any, args: Any, kwargs: Any, static: tuple[int, ...]) -> None:
        self.args, self.kwargs = args, kwargs
        self.fixed = {i % len(args) for i in static if -len(args) <= i < len(args)}
        self.open = [None if i in self.fixed else x for i, x in enumerate(args)]
        self.leaves, self.rebuild = tree.flatten((self.open, kwargs))
        self.reason: str | None = None
        self.objects: list[Any] = []
        for x in self.leaves:
            self._look(x)
        for i in sorted(self.fixed):
            _hashed(args[i])
            self.objects.append(args[i])
        names = _names_of(f)
        paths = [_named(path, names) for path in tree.paths(self.open)] + [
            path[2:].replace("']", "", 1) for path in tree.paths(kwargs)
        ]
        self.parts = dict(zip(paths, map(_words, self.leaves), strict=True))
        self.parts |= {_named(f"[{i}]", names): repr(args[i]) for i in sorted(self.fixed)}
        self._swapped: list[tuple[Box, Any, Traced]] = []

    @property
    def words(self) -> str:
        """The arguments in words."""
        return ", ".join(map(_words, self.leaves))

    def _look(self, x: Any) -> None:
        """Refuse an argument that no plan can take."""
        if isinstance(x, Box):
            if x.node is not None and x.node.op is not None:
                self.reason = "an argument is a result on the tape"
            elif not on_host(x._data):
                self.reason = (
                    "an argument is a batch of vmap; compile the outer function: ag.compile(ag.vmap(f))"
                )
        elif isinstance(x, (np.ndarray, np.generic)):
            refuse_other_arithmetic(x, "ag.compile")
        elif not isinstance(x, (int, float, complex)):
            _hashed(x)
            if not isinstance(x, STATIC):
                self.objects.append(x)

    def traced(self, trace: Trace) -> Any:
        """The arguments with traced arrays inside."""
        leaves = []
        for i, x in enumerate(self.leaves):
            tensor = isinstance(x, Box)
            value = x._data if tensor else x
            if isinstance(value, STATIC) or not isinstance(
                value, (np.ndarray, np.generic, int, float, complex)
            ):
                leaves.append(x)
                continue
            made = trace.made(value)
            trace.add(_argument, (i, tensor), {}, made, "input")
            if tensor:
                self._swapped.append((x, value, made))
                _put(x, made)
                leaves.append(x)
            else:
                leaves.append(made)
        given, kwargs = self.rebuild(leaves)
        return [self.args[i] if i in self.fixed else x for i, x in enumerate(given)], kwargs

    def changed(self, trace: Trace) -> str | None:
        """Why the effects on arguments keep the call eager."""
        for x, _, made in self._swapped:
            if x._data is not made or (x.node is not None and x.node.op is not None):
                return "the function assigns to a Tensor among its arguments"
            if x.node is not None and x.node.grad is not None:
                return "an argument keeps its gradient in .grad; take ag.grad, or reach it as a parameter"
        return None

    def restore(self) -> None:
        for x, value, made in self._swapped:
            _put(x, value if x._data is made else walk(x._data, _plain))
            if x.node is not None:
                _clean_tape([x.node])


def _argument(*_: Any) -> None:
    """The function of a step that reads an argument."""


def _put(x: Box, value: Any) -> None:
    x._data = value
    if x.node is not None and x.node.op is None:
        x.node.value = value


def _words(x: Any) -> str:
    """An argument in words: an object by its name or its class."""
    if isinstance(x, float):
        return "float"
    if isinstance(x, (Box, np.ndarray, np.generic, int, complex, *STATIC)):
        return describe(x)
    return getattr(x, "__name__", type(x).__name__)


def _names_of(f: Any) -> list[str]:
    """The names of the positional arguments of a function, as far as its code tells them."""
    code = getattr(inspect.unwrap(f), "__code__", None)
    return list(code.co_varnames[: code.co_argcount])[isinstance(f, MethodType) :] if code is not None else []


def _named(path: str, names: list[str]) -> str:
    """The path of a leaf, "[1][0]", with the name of the argument: "y[0]"."""
    number, _, rest = path[1:].partition("]")
    return (names[int(number)] if int(number) < len(names) else f"argument {number}") + rest


def _hashed(x: Any) -> None:
    """Refuse a static argument that cannot be hashed."""
    try:
        hash(x)
    except TypeError as error:
        raise DTypeError(
            f"ag.compile: the static argument {describe(x)} cannot be hashed; pass a number, a string, or a "
            "tuple"
        ) from error


# -- results ---------------------------------------------------------------------------------------


class _Tensor:
    """A Tensor in a result: its class, its values, and whether a pass has been played from it."""

    def __init__(self, kind: type, data: Any, op: Any) -> None:
        self.kind, self.data, self.op = kind, data, op

    def __eq__(self, other: object) -> bool:
        return other.__class__ is _Tensor and same(self._key(), other._key())

    __hash__ = None  # type: ignore[assignment]

    def _key(self) -> Any:
        return self.kind, self.data, self.op


class Result:
    """What a run returned: as it is, and as a tree of slots."""

    def __init__(self, trace: Trace, out: Any, found: Any) -> None:
        self._trace, self._out = trace, out
        self.reason: str | None = None
        self._captured = {id(t) for t in found.tensors}
        self.outputs: list[int] = []
        self.spec = walk(out, self._spec)

    def _spec(self, leaf: Any) -> Any:
        if isinstance(leaf, Traced):
            self.outputs.append(leaf._slot)
            return Ref(leaf._slot)
        if isinstance(leaf, Box):
            if id(leaf) in self._captured:
                return leaf
            node = leaf.node
            if node is not None and not node.played:
                self.reason = (
                    "the result is on the tape; compile the whole step, with backward() inside, or return "
                    "x.detach()"
                )
            data = leaf._data
            return _Tensor(type(leaf), self._spec(data), node.op if node else None)
        if isinstance(leaf, np.ndarray) and not leaf.dtype.hasobject:
            return leaf.copy("K")
        if not isinstance(leaf, (int, float, complex, str, bytes, type(None), np.generic)):
            self.reason = f"the result holds a {type(leaf).__name__}; return arrays, numbers and Tensors"
        return leaf

    def plain(self) -> Any:
        """What the run returned, with plain values."""
        out, self._out = self._out, None
        clean(reach(out))
        return walk(out, _cleaned)


def _cleaned(leaf: Any) -> Any:
    if isinstance(leaf, Box):
        leaf._data = _plain(leaf._data)
        if leaf.node is not None:
            _clean_tape([leaf.node])
        return leaf
    return _plain(leaf)


def _plain(leaf: Any) -> Any:
    return leaf._value if isinstance(leaf, Traced) else leaf


def clean(found: Reached) -> None:
    """Put plain values into whatever holds traced ones after a run."""
    Places(found).restore()
    for tensor in found.tensors:
        _cleaned(tensor)


def _clean_tape(ends: list[Node]) -> None:
    """Put plain values into the steps of a tape."""
    nodes = tape_order(ends)
    nodes += [p for node in nodes for p in node.inputs if p.__class__ is Leaf] + ends
    for node in nodes:
        node.value, node.args = walk(node.value, _plain), walk(node.args, _plain)
        node.kwargs = walk(node.kwargs, _plain)
        adjoint = node.adjoint
        node.adjoint = (
            adjoint._bare()._value if isinstance(adjoint, Sent) and adjoint._trace.open else _plain(adjoint)
        )


def builder(spec: Any) -> Callable[[Any], Any]:
    """A function that makes the result of a replay of the values of its slots."""
    if spec.__class__ is Ref:
        return operator.itemgetter(spec.slot)
    names: dict[str, Any] = {"given": _given}
    exec(f"def make(values): return {_expression(spec, names)}", names)
    return names["make"]  # type: ignore[no-any-return]


def _expression(tree: Any, names: dict[str, Any]) -> str:
    """A result, or a part of it, as Python text; `names` takes the objects that the text names."""
    kind = tree.__class__
    if kind is Ref:
        return f"values[{tree.slot}]"
    if kind is tuple:
        return f"({''.join(_expression(item, names) + ', ' for item in tree)})"
    if kind is list:
        return f"[{', '.join(_expression(item, names) for item in tree)}]"
    name = f"k{len(names)}"
    names[name] = tree
    if isinstance(tree, (dict, tuple)):
        names[name] = lambda values: walk(tree, lambda leaf: _given(leaf, values))
        return f"{name}(values)"
    return f"given({name}, values)"


def _given(leaf: Any, values: Any) -> Any:
    """A leaf of the result of a replay."""
    kind = leaf.__class__
    if kind is Ref:
        return values[leaf.slot]
    if kind is _Tensor:
        data = values[leaf.data.slot] if leaf.data.__class__ is Ref else leaf.data
        tensor = wrap(stored(data))
        if leaf.op is not None:
            tensor = lift(tensor._data, _played(leaf.op, tensor._data))
        return tensor if leaf.kind in PLAIN else in_class(leaf.kind, tensor)
    return leaf.copy("K") if isinstance(leaf, np.ndarray) else leaf


def _played(op: Any, value: Any) -> Node:
    """A step whose pass has been played inside of the compiled function."""
    node: Node = object.__new__(Node)
    node.op, node.inputs, node.args, node.kwargs, node.value = op, (), (), None, value
    node.adjoint = node.notes = None
    node.played, node.index = True, 0
    return node
