"""A call is done or not done: what it may change is kept before the call, and put back after an exception.

A step replaces the values of Tensors and gradients: a reference to the old array is enough. Arrays that a
plan writes into are copied. So is the state of an optimizer, whose `update` may write into it. An `update`
that wrote the new state into other arrays would save the copies, and lose the time again: those arrays are
not in the cache. A call pays a quarter of a microsecond for each Tensor, half a microsecond for each array of
the state, and the copies: for Adam, two numbers for each parameter.

The copies are made just before the first step that may write into arrays, in most programs the step of the
optimizer, and freed after the call. By then the results of the forward pass are gone. At its end the call
holds two versions of all that it changes, for Adam 8 numbers for each parameter: values, gradients and two
means, old and new. No way to put everything back needs less. An eager step holds 5.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from ..box import PLAIN, Box
from ..segments import preserved_states, restore_states
from .entries import Reached
from .memory import writes
from .places import Data, Grad
from .trace import Step, Trace

__all__ = ["Undo", "draws", "first_write", "surely", "whole", "written_by"]


ENDS = frozenset({float, int, bool, str, type(None)})
"""Classes of values that hold nothing; nor is there a look into Tensors, which the walk has found."""


class Undo:
    """What a call may change, as it was before the call.

    Args:
        found: what the function reaches.
        written: functions of the leaves of the arguments; each returns an array that the call writes into,
            or None.
        draws: whether the call may draw random numbers.
        links: whether the call may put other objects into the containers that the walk has passed.
    """

    def __init__(
        self, found: Reached, written: list[Callable[[list[Any]], Any]], draws: bool, links: bool = False
    ) -> None:
        self._found, self._written, self._draws, self._links = found, written, draws, links
        self._arrays: list[Any] = []
        self.before: tuple[Any, ...] = ()

    def keep(self, leaves: list[Any]) -> None:
        """Keep the state before a call, except for the entries of arrays: `copy` keeps them.

        Args:
            leaves: the leaves of the arguments.
        """
        found = self._found
        tensors = []
        for t in found.tensors:
            n = t.node
            g = None if n is None else getattr(n, "grad", None)
            tensors.append((t, t._data, n, g, None if g is None else g._data))
        entries = []
        for entry in [*found.arrays, *found.held]:
            value = entry.get()
            entries.append((entry, value, value._data if isinstance(value, Box) else None))
        contents: list[tuple[Any, Any]] = []
        self._arrays = [read(leaves) for read in self._written]
        seen: set[int] = set()
        for item in found.outside:
            self._look(item, contents, seen)
        if self._links:
            for holder, _ in found.sizes:
                contents.append((holder, holder.copy()))
            contents += [(value, copy.copy()) for value, copy in found.fixed]
        states = preserved_states() if self._draws else {}
        self.before = tensors, entries, contents, states

    def copy(self) -> None:
        """Copy the arrays that a call may write into, unless they are copied."""
        contents = self.before[2]
        while self._arrays:
            array = self._arrays[-1]
            if array.__class__ is np.ndarray and not array.dtype.hasobject:
                contents.append((array, array.copy("K")))
            self._arrays.pop()

    def forget(self) -> None:
        """Free what was kept."""
        self.before, self._arrays = (), []

    def restore(self) -> None:
        """Put everything back."""
        surely(self._restore)

    def _restore(self) -> None:
        tensors, entries, contents, states = self.before
        if self._links:
            for entry, value in self._found.links:
                if entry.get() is not value:
                    entry.put(value)
        for t, data, node, grad, of_grad in tensors:
            t.node, t._data = node, data
            if node is not None and node.op is None:
                node.value, node.grad, node.adjoint = data, grad, None
                if grad is not None:
                    grad._data = of_grad
        for entry, value, data in entries:
            if entry.get() is not value:
                entry.put(value)
            if data is not None:
                value._data = data
        for holder, copy in contents:
            _fill(holder, copy)
        restore_states(states)

    # -- contents ----------------------------------------------------------------------------------

    def _look(self, value: Any, contents: list[tuple[Any, Any]], seen: set[int]) -> None:
        """Keep an object whose methods are steps: its attributes, and the containers and arrays in them."""
        kind = value.__class__
        if kind is np.ndarray:
            self._arrays.append(value)
            return
        if id(value) in seen:
            return
        seen.add(id(value))
        items: Any = ()
        if isinstance(value, dict):
            contents.append((value, value.copy()))
            items = value.values()
        elif isinstance(value, (list, tuple)):
            if kind is not tuple:
                contents.append((value, value.copy()))  # type: ignore[union-attr]
            items = value
        elif getattr(kind, "__plan_outside__", False):
            items = (vars(value),)
        for item in items:
            if item.__class__ not in ENDS and item.__class__ not in PLAIN:
                self._look(item, contents, seen)


def surely(restore: Callable[[], object]) -> None:
    """Put something back. An interrupt may end that too: then it is put back once more."""
    try:
        restore()
    except BaseException:
        restore()
        raise


def _fill(holder: Any, copy: Any) -> None:
    """Give a container or an array the contents that it had."""
    if isinstance(holder, dict):
        holder.clear()
        holder.update(copy)
    elif isinstance(holder, list):
        holder[:] = copy
    elif isinstance(holder, deque):
        holder.clear()
        holder.extend(copy)
    elif isinstance(holder, set):
        holder.clear()
        holder.update(copy)
    elif holder.flags.writeable:
        np.copyto(holder, copy)


# -- what a call writes into -----------------------------------------------------------------------


def written_by(trace: Trace) -> list[Callable[[list[Any]], Any]]:
    """Functions that read the arrays that a run has written into: those of places, and of arguments."""
    found: list[Callable[[list[Any]], Any]] = []
    for step in trace.steps:
        if step.kind in ("load", "input"):
            value = trace.values[step.result.slot]
            if isinstance(value, np.ndarray) and any(np.may_share_memory(value, w) for w in trace.written):
                found.append(
                    _of_argument(*step.args) if step.kind == "input" else _ignoring(step.function.place.get)
                )
    return found


def first_write(steps: list[Step]) -> int | None:
    """The index of the first step that may write into arrays that outlive the call; None if there is none.

    A function under `ag.replayed` says if it writes no more than gradients: those it replaces.
    """
    for i, step in enumerate(steps):
        if writes(step) and getattr(step.function, "__plan_writes__", "all") == "all":
            return i
    return None


def draws(steps: list[Step]) -> bool:
    """Whether a step may draw random numbers: it calls a function, and no method of an optimizer."""
    return any(
        step.kind == "effect"
        and isinstance(step.function, FunctionType)
        and not (step.args and getattr(type(step.args[0]), "__plan_outside__", False))
        for step in steps
    )


def _of_argument(i: int, tensor: bool) -> Callable[[list[Any]], Any]:
    return (lambda leaves: leaves[i]._data) if tensor else (lambda leaves: leaves[i])


def whole(found: Reached) -> Undo:
    """All that a function reaches: what a call may change of which nothing is known."""
    places: list[Any] = [*map(Data, found.tensors), *map(Grad, found.tensors)]
    readers = [place.get for place in places] + [entry.get for entry in [*found.arrays, *found.held]]
    return Undo(found, [_ignoring(read) for read in readers], draws=True, links=True)


def _ignoring(read: Callable[[], Any]) -> Callable[[list[Any]], Any]:
    """A function of the leaves of a call that reads a place."""

    def values(leaves: list[Any]) -> Any:
        value = read()
        return value._data if isinstance(value, Box) else value

    return values
