"""A plan as one Python function: a list of calls on local variables, each deleted after its last use.

The function is written by another one, which makes the buffers of a running call::

    def make():
        v5, v6 = ...                    # arrays in buffers
        v7 = v6.reshape((4, 2))         # a view of a buffer
        def replay(leaves):
            v1 = leaves[0]
            multiply(v1, k3, v5)
            ...
            return {9: v9}
        return replay

Single numbers in double precision are Python's floats inside of the function (see `scalars.py`).
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..sums import SHORT, total
from .blocks import NAMED, PLAIN, as_array
from .entries import CELL
from .groups import Group
from .memory import own
from .places import Data, Item, Put
from .scalars import Scalars, divided
from .schedule import Plan
from .slots import Ref, is_in, refs, same
from .trace import Step
from .traced import attribute, method

__all__ = ["Mismatch", "replay_of", "while_constant"]


class Mismatch(Exception):  # noqa: N818  (caught by `ag.compile`, never seen by a program)
    """A guard failed: the plan does not hold for this call."""


REDUCES = {np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.min: np.minimum}
METHODS = {np.copy: "copy", np.reshape: "reshape", np.transpose: "transpose"}


class _Writer:
    """Writes the source of a replay, and collects the objects that the source names."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.scalars = plan, Scalars(plan)
        self.names: dict[str, Any] = {"__name__": __name__, "same": same, "Mismatch": Mismatch}
        self.names |= {"getrefcount": sys.getrefcount, "ALONE": _alone()}
        self.names |= {
            "errstate": np.errstate,
            "f64": np.float64,
            "divided": divided,
            "arrays": plan.buffers.arrays,
        }
        self._known: dict[Any, str] = {}
        self._kept: list[Any] = []  # so that no other object gets the id

    def name(self, value: Any) -> str:
        """A name for an object."""
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = f"k{len(self.names)}"
            self.names[known] = value
            self._kept.append(value)
        return known

    def text(self, tree: Any) -> str:
        """The expression of an argument, of the class that it has in the eager run."""
        kind = tree.__class__
        if kind is Ref:
            return f"f64(v{tree.slot})" if tree.slot in self.scalars.bare else f"v{tree.slot}"
        if kind is tuple:
            return f"({''.join(self.text(item) + ', ' for item in tree)})"
        if kind is list:
            return f"[{', '.join(map(self.text, tree))}]"
        if kind is dict:
            return f"{{{', '.join(f'{key!r}: {self.text(item)}' for key, item in tree.items())}}}"
        if kind is slice and refs(tree):
            return f"slice({self.text(tree.start)}, {self.text(tree.stop)}, {self.text(tree.step)})"
        if isinstance(tree, tuple) and refs(tree):
            return f"{self.name(kind)}({', '.join(map(self.text, tree))})"
        if kind in (int, bool, str) or tree is None:
            return repr(tree) if kind is not int or tree >= 0 else f"({tree})"
        return self.name(tree)

    # -- calls -------------------------------------------------------------------------------------

    def call(self, step: Step) -> str:
        """The expression of a step."""
        function = step.function
        if self.scalars.computes(step) or self.scalars.hands_on(step):
            return self.scalars.text(step, self.name)
        if self.scalars.compares(step):
            return self.scalars.compared(step, self.text, self.name)
        if step.kind == "load":
            return self._loaded(function.place)
        if function.__class__ is Put:
            return f"{self.name(function.place.store)}({self.text(step.args[0])})"
        if isinstance(function, np.ufunc):
            return self._ufunc(step)
        if function.__class__ is Group:
            return f"{self.name(function.run)}({self._words(step.args, {})})"
        short = self._short(step)
        return f"{self.name(function)}({self._words(step.args, step.kwargs)})" if short is None else short

    def _words(self, args: Any, kwargs: Any) -> str:
        return ", ".join([*map(self.text, args), *(f"{k}={self.text(v)}" for k, v in kwargs.items())])

    def _loaded(self, place: Any) -> str:
        if place.__class__ is Data:
            return f"{self.name(place.tensor)}._data"
        if place.__class__ is Item:
            holder, key = place.entry.holder, place.entry.key
            if isinstance(holder, (dict, list)):
                return f"{self.name(holder)}[{self.text(key)}]"
            if key is CELL:
                return f"{self.name(holder)}.cell_contents"
        return f"{self.name(place.get)}()"

    def _ufunc(self, step: Step) -> str:
        """A call of a ufunc, into a buffer if the result has one."""
        arrays = [x for x in step.args if x.__class__ is Ref and self._is_array(x)]
        kinds = {self.plan.kinds[x.slot][1] for x in arrays}
        args = list(step.args)
        if step.function in PLAIN and len(kinds) == 1 and (dtype := kinds.pop()).char in "fd":
            args = [self._as_array(x, dtype) for x in args]
        words = self._words(args, step.kwargs)
        if step.result.__class__ is Ref and step.result.slot in self.plan.buffers.of:
            named = "out=" if step.function in NAMED else ""
            words += f", {named}v{step.result.slot}"
        return f"{self.name(step.function)}({words})"

    def _as_array(self, x: Any, dtype: Any) -> Any:
        """A Python number as an array of a dtype, one for all steps."""
        if x.__class__ not in (int, float):
            return x
        key = (x.__class__, repr(x), dtype)
        if key not in self._known:
            self._known[key] = self.name(as_array(x, dtype))
        return self.names[self._known[key]]

    def _is_array(self, x: Any) -> bool:
        return x.__class__ is Ref and self.plan.classes[x.slot] is np.ndarray

    def _short(self, step: Step) -> str | None:
        """A shorter way to NumPy's code for the same call; None if there is none."""
        function, args, kwargs = step.function, step.args, step.kwargs
        if function is own and self._is_array(args[0]):
            x = self.text(args[0])
            return f"{x} if {x}.base is None and getrefcount({x}) <= ALONE else {x}.copy('K')"
        if function is operator.getitem:
            return f"{self.text(args[0])}[{self.text(args[1])}]"
        if function is operator.pow and not kwargs:
            return f"{self.text(args[0])} ** {self.text(args[1])}"
        if function is method or function is attribute:
            name, source = (args[0], args[1])
            if source.__class__ is not Ref or not issubclass(
                self.plan.classes[source.slot], (np.ndarray, np.generic)
            ):
                return None
            called = f"{self.text(source)}.{name}"
            return called if function is attribute else f"{called}({self._words(args[2:], kwargs)})"
        if not args or not self._is_array(args[0]):
            return None
        if function is total.__wrapped__:  # type: ignore[attr-defined]
            return self._summed(*args, **kwargs)
        if is_in(REDUCES, function) and len(args) <= 2 and kwargs.keys() <= {"axis", "keepdims"}:
            axis = args[1] if len(args) == 2 else kwargs.get("axis")
            return self._reduced(REDUCES[function], args[0], axis, kwargs.get("keepdims", False))
        if is_in(METHODS, function) and not kwargs:
            words = self._words(args[1:], {}) or ("'K'" if function is np.copy else "")
            return f"{self.text(args[0])}.{METHODS[function]}({words})"
        return None

    def _reduced(self, ufunc: Any, x: Ref, axis: Any, keepdims: Any) -> str | None:
        if refs((axis, keepdims)) or keepdims.__class__ is not bool:
            return None
        return f"{self.name(ufunc.reduce)}({self.text(x)}, {self.text(axis)}, None, None, {keepdims})"

    def _summed(self, x: Ref, axis: Any = None, keepdims: Any = False) -> str | None:
        """`total` of few entries, which NumPy adds."""
        shape, dtype = self.plan.kinds[x.slot]
        if refs((axis, keepdims)) or dtype.char == "e" or math.prod(shape) > SHORT:
            return None
        axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
        return self._reduced(np.add, x, tuple([k % len(shape) for k in axes]), keepdims)

    # -- lines -------------------------------------------------------------------------------------

    def line(self, step: Step) -> list[str]:
        """The lines of a step."""
        result = step.result
        if step.kind == "guard":
            value, expected = self.text(step.args[0]), self.name(step.expected)
            equal = f"{value} == {expected}" if _is_exact(step.expected) else f"same({value}, {expected})"
            return [f"if not {equal}: raise Mismatch"]
        if step.kind == "input":
            expression = f"leaves[{step.args[0]}]{'._data' if step.args[1] else ''}"
        else:
            expression = self.call(step)
        if result.__class__ is Ref:
            if result.slot in self.plan.buffers.of:
                return [expression]
            number = self.scalars.computes(step) or self.scalars.hands_on(step)
            if result.slot in self.scalars.bare and not number:
                expression = f"float({expression})"
            return [f"v{result.slot} = {expression}"]
        if not refs(result):
            return [expression]
        if (targets := _targets(result)) is not None:
            return [f"{targets} = {expression}"]
        return [f"r = {expression}", *(f"v{slot} = r{path}" for path, slot in _paths(result)), "r = None"]

    def is_silent(self, step: Step) -> bool:
        """Whether NumPy's error state does not matter to a step."""
        if step.kind in ("input", "load", "guard") or step.function.__class__ is Put:
            return True
        return self.scalars.is_silent(step) or is_in(METHODS, step.function)


def _alone() -> int:
    """The references to an array that one variable holds."""
    x = np.zeros(1)
    return sys.getrefcount(x)


def _is_exact(value: Any) -> bool:
    return value.__class__ in (bool, int, np.bool_)


def _targets(tree: Any) -> str | None:
    """A result as nested targets of an assignment; None if there is more in it than tuples and lists."""
    if tree.__class__ is Ref:
        return f"v{tree.slot}"
    if not isinstance(tree, (tuple, list)):
        return None
    targets = [_targets(item) for item in tree]
    return None if None in targets else f"({''.join(f'{target}, ' for target in targets)})"


def _paths(tree: Any, path: str = "") -> list[tuple[str, int]]:
    """Where each slot stands in a result."""
    if tree.__class__ is Ref:
        return [(path, tree.slot)]
    if isinstance(tree, (tuple, list)):
        return [found for i, item in enumerate(tree) for found in _paths(item, f"{path}[{i}]")]
    if isinstance(tree, dict):
        return [found for key, item in tree.items() for found in _paths(item, f"{path}[{key!r}]")]
    return []


def replay_of(
    plan: Plan,
    clock: Callable[[int], None] | None = None,
    before: Mapping[int | None, Callable[[], None]] = MappingProxyType({}),
) -> Callable[[list[Any]], Any]:
    """The function `replay(leaves)`, which returns the values of the result's slots in a dict.

    Args:
        plan: the plan.
        clock: called after each step with its index; None for a replay that is not timed.
        before: what is called before the step of an index.
    """
    make = _made(plan, clock, before)
    if not plan.buffers.of:
        return make()  # type: ignore[no-any-return]
    spare: list[Any] = []

    def replay(leaves: list[Any]) -> Any:
        try:  # the buffers belong to one running call
            run = spare.pop()
        except IndexError:
            run = make()
        try:
            return run(leaves)
        finally:
            spare.append(run)

    return replay


def _made(
    plan: Plan, clock: Callable[[int], None] | None, before: Mapping[int | None, Callable[[], None]]
) -> Callable[[], Any]:
    """The function that makes the buffers and the replay."""
    writer, buffers = _Writer(plan), plan.buffers
    writer.names["clock"] = clock
    last = {slot: i for i, step in enumerate(plan.steps) for slot in step.uses}
    kept, quiet = set(plan.outputs), None
    stay = kept | buffers.of.keys() | buffers.views
    stay |= {slot for slot, kind in plan.classes.items() if issubclass(kind, (float, int, np.generic))}
    outer, lines = ["def make():"], ["    def replay(leaves):"]
    if buffers.of:
        outer.append(f"    {', '.join(f'v{slot}' for slot in buffers.of)}, = arrays()")
    for i, step in enumerate(plan.steps):
        if step.result.__class__ is Ref and step.result.slot in buffers.views:
            outer += [f"    {line}" for line in writer.line(step)]
            continue
        if step.quiet != quiet and not writer.is_silent(step):
            quiet = step.quiet
            if quiet is not None:
                lines.append(f"        with errstate(**{writer.name(quiet)}):")
        indent = "        " if quiet is None else "            "
        if i in before:
            lines.append(f"{indent}{writer.name(before[i])}()")
        lines += [indent + line for line in writer.line(step)]
        if clock is not None:
            lines.append(f"{indent}clock({i})")
        made = step.makes
        done = {s for s in step.uses if last[s] == i} | {s for s in made if s not in last}
        if done - stay:
            lines.append(f"{indent}del {', '.join(f'v{slot}' for slot in sorted(done - stay))}")
    values = ", ".join(f"{slot}: {writer.text(Ref(slot))}" for slot in sorted(kept))
    lines.append(f"        return {{{values}}}")
    code = compile("\n".join([*outer, *lines, "    return replay"]), "<a plan>", "exec")
    exec(code, writer.names)
    return writer.names["make"]  # type: ignore[no-any-return]


def while_constant(plan: Plan, replay: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    """A replay that holds only while the arrays that no place holds are as they were."""
    if not plan.constants:
        return replay

    def compared(leaves: list[Any]) -> Any:
        for array, copy in plan.constants:
            if not same(array, copy):
                raise Mismatch
        return replay(leaves)

    return compared
