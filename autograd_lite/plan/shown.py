"""A plan in words: its lines, the names that the user knows, and the bytes of its results.

A plan is printed and drawn from its lines. A slot is `v3`. What exists only inside of a group, block by block, is
a register `r3`: the values of a register are never in memory at once.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import tree
from ..box import Box
from ..notebook import table
from ..tape import MOST_ROWS, show
from .groups import Group, Kind
from .memory import needs
from .places import Data, Get, Grad, Put
from .sending import Sending
from .slots import Ref, refs, walk
from .trace import Step

__all__ = ["Line", "Name", "Names", "html", "lines_of", "memory_of", "text", "viewing"]

Plan = Any
"""A plan; `schedule.py` stands on this file."""

WIDEST = 60
"""A longer call does not push the columns beside it aside."""


class Name(str):
    """The name of a slot or a register among the operands of a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A step of a plan, or an instruction of a group.

    Attributes:
        what: "argument", "place" (a value is read from a Tensor or an array that outlives the call), "step",
            "store" (the reverse), "effect" (it draws or updates), "guard", or "group".
        function: what is called; None for an argument and a place.
        name: its name, or the user's name of the argument or place.
        operands: names of slots, and constants.
        results: names of slots that others use.
        kinds: the shape and the dtype of each result that is an array or a number.
        buffer: the number of the buffer that takes the result; None for memory of its own.
        group: the number of the group that this is, or belongs to, counted from 1.
        step: the index of the step.
        line: the user's line.
    """

    what: str
    function: Any
    name: str
    operands: tuple[Any, ...]
    results: tuple[str, ...]
    kinds: tuple[Kind | None, ...]
    buffer: int | None
    group: int | None
    step: int
    line: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def call(self) -> str:
        """The call in words: `v3 = multiply(v1, v2)`."""
        made = ", ".join(self.results)
        if self.what in ("argument", "place"):
            return f"{made} = {self.name}"
        if self.what == "store":
            return f"{self.name} = {show_operand(self.operands[0])}"
        if self.what == "guard":
            return f"{self.operands[0]} must be {show_operand(self.operands[1])}"
        if self.what == "group":
            return self.name
        words = [*map(show_operand, self.operands), *(f"{k}={show(v)}" for k, v in self.options.items())]
        return f"{f'{made} = ' if made else ''}{self.name}({', '.join(words)})"

    @property
    def kind(self) -> str:
        """The dtype and shape of the result, or of the first of several."""
        return "" if not self.kinds or self.kinds[0] is None else worded(self.kinds[0])


def worded(kind: Kind) -> str:
    """A shape and a dtype in words: `float64 (8,)`; a number has only a dtype."""
    shape, dtype = kind
    return f"{dtype} {shape}" if shape else str(dtype)


def show_operand(x: Any) -> str:
    """An operand: a name, a number, or the dtype and shape of a constant array."""
    if isinstance(x, Name):
        return str(x)
    if isinstance(x, np.ndarray):
        return worded((x.shape, x.dtype)) if x.size > 1 else show(x)
    if isinstance(x, slice):
        return f"{_end(x.start)}:{_end(x.stop)}" + (f":{_end(x.step)}" if x.step is not None else "")
    if isinstance(x, tuple):
        return f"({', '.join(map(show_operand, x))}{',' * (len(x) == 1)})"
    if x is None or x is Ellipsis or isinstance(x, (bool, int, float, complex, np.generic, str, np.dtype)):
        return "..." if x is Ellipsis else show(x)
    return named(x)


def _end(x: Any) -> str:
    return "" if x is None else show_operand(x)


def named(function: Any) -> str:
    """The name of a function or an object."""
    found = getattr(function, "__name__", None) or type(function).__name__
    return found.lstrip("_") or found


# -- the user's names ------------------------------------------------------------------------------


class Names:
    """What the user calls the arguments of a function and what it reaches.

    Args:
        f: the function.
        arguments: the names of its arguments, in the order of the leaves.
    """

    def __init__(self, f: Any = None, arguments: Iterable[str] = ()) -> None:
        self.arguments = list(arguments)
        self.objects: dict[int, str] = {}
        self._keep: list[Any] = []  # so that no other object gets the id
        for name, value in _variables(f):
            self._name(name, value)

    def argument(self, i: int) -> str:
        return self.arguments[i] if i < len(self.arguments) else f"argument {i}"

    def place(self, place: Any) -> str:
        """The name of a place: `model.0.weight`, `model.0.weight.grad`."""
        if isinstance(place, Data):
            tensor = place.tensor
            name = self.objects.get(id(tensor)) or getattr(tensor, "name", None) or "a Tensor"
            return f"{name}.grad" if isinstance(place, Grad) else name
        entry = place.entry
        around = self.objects.get(id(entry.holder))
        if around is not None:
            return around if not isinstance(entry.holder, (dict, list)) else f"{around}.{entry.key}"
        known = self.objects.get(id(entry.get()))
        return known or (entry.key if isinstance(entry.key, str) else f"[{entry.key!r}]")

    def _name(self, name: str, value: Any) -> None:
        """Name a variable, and what is in it."""
        self._keep.append(value)
        if hasattr(value, "named_modules"):
            for path, module in value.named_modules():
                around = f"{name}.{path}" if path else name
                self.objects.setdefault(id(module._buffers), around)
                for key, p in module._parameters.items():
                    self.objects.setdefault(id(p), f"{around}.{key}")
            return
        if isinstance(value, types.CellType):
            self.objects.setdefault(id(value), name)
            return
        containers = isinstance(value, (tuple, list, dict))
        leaves = tree.flatten(value)[0] if containers else [value]
        for path, leaf in zip(tree.paths(value) if containers else [""], leaves, strict=True):
            if isinstance(leaf, (Box, np.ndarray)):
                self.objects.setdefault(id(leaf), f"{name}{path}")
            elif hasattr(leaf, "named_modules"):
                self._name(f"{name}{path}", leaf)


def _variables(f: Any) -> Iterator[tuple[str, Any]]:
    """The variables that a function names, and those of the functions among them."""
    todo, seen = [f], set()
    while todo:
        f = todo.pop()
        if isinstance(f, types.MethodType):
            yield "self", f.__self__
            f = f.__func__
        if isinstance(f, functools.partial):
            todo += [f.func, *f.args]
            continue
        if hasattr(f, "named_modules"):
            yield type(f).__name__.lower(), f
        if not isinstance(f, types.FunctionType) or id(f) in seen:
            continue
        seen.add(id(f))
        cells = zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
        held = [(name, cell) for name, cell in cells if _filled(cell)]
        yield from held
        found = [(name, cell.cell_contents) for name, cell in held]
        found += [(name, f.__globals__[name]) for name in _named_in(f.__code__) if name in f.__globals__]
        for name, value in found:
            yield name, value
            if isinstance(value, (types.FunctionType, types.MethodType, functools.partial)):
                todo.append(value)


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _named_in(code: types.CodeType) -> list[str]:
    inner = [name for x in code.co_consts if isinstance(x, types.CodeType) for name in _named_in(x)]
    return [*code.co_names, *inner]


# -- lines -----------------------------------------------------------------------------------------


def lines_of(plan: Plan) -> list[Line]:
    """The lines of a plan; the instructions of a group follow it."""
    used = {slot for step in plan.steps for slot in needs(step)} | set(plan.outputs)
    found: list[Line] = []
    groups = 0
    for i, step in enumerate(plan.steps):
        if isinstance(step.function, Group):
            groups += 1
            found += _group(plan, step, i, groups)
        else:
            found.append(_line(plan, step, i, used))
    return found


def _line(plan: Plan, step: Step, i: int, used: set[int]) -> Line:
    made = step.makes[:1] + [slot for slot in step.makes[1:] if slot in used]
    what, name, function, options = "step", named(step.function), step.function, dict(step.kwargs)
    operands = list(step.args)
    if step.kind == "input":
        what, name, function, operands = "argument", plan.names.argument(step.args[0]), None, []
    elif step.function.__class__ is Get:
        what, name, function = "place", plan.names.place(step.function.place), None
    elif step.function.__class__ is Put:
        what, name = "store", plan.names.place(step.function.place)
    elif step.kind == "guard":
        what, operands = "guard", [operands[0], step.expected]
    elif step.kind == "effect":
        what = "effect"
    if isinstance(step.function, Sending):  # the gradient, the result, the inputs; options are the op's
        operands, options = _flat([*operands, options]), {}
    elif name == "method":
        name, operands = operands[0], operands[1:]
    number = plan.buffers.of.get(made[0]) if made else None
    return Line(
        what,
        function,
        name,
        tuple(walk(x, _operand) for x in operands),
        tuple(f"v{slot}" for slot in made),
        tuple(plan.kinds.get(slot) for slot in made),
        number,
        None,
        i,
        step.line,
        {k: walk(v, _operand) for k, v in options.items() if k[0] != "_"},
    )


def _operand(leaf: Any) -> Any:
    return Name(f"v{leaf.slot}") if leaf.__class__ is Ref else leaf


def _flat(args: Any) -> list[Any]:
    """The slots in nested arguments, each once."""
    return [Ref(slot) for slot in dict.fromkeys(refs(args))]


def _group(plan: Plan, step: Step, i: int, number: int) -> Iterator[Line]:
    """The lines of a group: one for itself, one for each instruction."""
    group: Group = step.function
    first = len(group.inputs)
    made = dict(zip(group.outputs, step.makes, strict=True))
    names: list[Any] = [Name(f"v{x.slot}") if x.__class__ is Ref else x for x in step.args]
    names += [Name(f"v{made[r]}" if r in made else f"r{r}") for r in range(first, first + len(group.code))]
    results = tuple(f"v{slot}" for slot in step.makes)
    dtype = group.dtype if group.shape or group.code else None
    head = f"{group.__name__}, {worded((group.shape, dtype))}" if dtype is not None else group.__name__
    kinds = tuple(plan.kinds.get(slot) for slot in step.makes)
    yield Line("group", group, head, tuple(names[:first]), results, kinds, None, number, i, step.line)
    for r, code in enumerate(group.code, first):
        operands = tuple(names[x.slot] if x.__class__ is Ref else x for x in code.operands)
        buffer = plan.buffers.of.get(made.get(r))
        name = named(code.function)
        yield Line(
            "step", code.function, name, operands, (names[r],), (code.kind,), buffer, number, i, step.line
        )


# -- bytes -----------------------------------------------------------------------------------------


def viewing(steps: Iterable[Step], values: dict[int, Any]) -> dict[int, int]:
    """For each result that is a view of an argument of its step, the slot of this argument."""
    found: dict[int, int] = {}
    for step in steps:
        for slot in step.makes if step.kind == "pure" else ():
            value = values.get(slot)
            if isinstance(value, np.ndarray) and value.base is not None:
                for source in step.uses:
                    other = values.get(source)
                    if isinstance(other, np.ndarray) and np.may_share_memory(value, other):
                        found[slot] = source
                        break
    return found


def memory_of(plan: Plan) -> tuple[int, int]:
    """The bytes of all results, each with memory of its own; and the most at once, with buffers shared.

    Results without a buffer are free after their last use. Arguments and places are not counted.
    """
    own = {
        slot: _nbytes(plan.kinds[slot])
        for step in plan.steps
        if step.kind not in ("input", "load")
        for slot in step.makes
        if slot in plan.kinds and slot not in plan.views
    }
    inside = sum(
        _nbytes(code.kind)
        for step in plan.steps
        if isinstance(step.function, Group)
        for r, code in enumerate(step.function.code, len(step.function.inputs))
        if r not in step.function.outputs
    )
    last: dict[int, int] = {}
    for i, step in enumerate(plan.steps):
        end = len(plan.steps) if step.function.__class__ is Put else i
        for slot in [*needs(step), *step.makes]:
            while slot in plan.views:
                slot = plan.views[slot]
            last[slot] = max(end, last.get(slot, 0))
    last |= dict.fromkeys(plan.outputs, len(plan.steps))
    now = most = 0
    for i, step in enumerate(plan.steps):
        alone = {slot: own[slot] for slot in step.makes if slot in own and slot not in plan.buffers.of}
        now += sum(alone.values())
        most = max(most, now)
        now -= sum(own[s] for s, end in last.items() if end == i and s in own and s not in plan.buffers.of)
    return sum(own.values()) + inside, sum(plan.buffers.sizes) + most


def _nbytes(kind: Kind) -> int:
    shape, dtype = kind
    return math.prod(shape) * dtype.itemsize


# -- words -----------------------------------------------------------------------------------------


def headline(plan: Plan) -> str:
    """How many steps, groups, buffers and bytes a plan has."""
    before, after = memory_of(plan)
    groups = sum(isinstance(step.function, Group) for step in plan.steps)
    counts = [
        _counted(n, what)
        for n, what in ((len(plan), "step"), (groups, "group"), (len(plan.buffers.sizes), "buffer"))
    ]
    return f"{', '.join(counts)}; {before:,} bytes of results, {after:,} with shared buffers"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def rows(plan: Plan) -> list[tuple[str, str, str]]:
    """Of each line its call, the kind of its result, and its buffer."""
    found = []
    for line in plan.lines:
        indent = "    " if line.group is not None and line.what != "group" else ""
        buffer = "" if line.buffer is None else f"buffer {line.buffer}"
        kind = "" if line.what == "group" else line.kind
        found.append((indent + line.call, kind, buffer))
    found.append((f"return {', '.join(f'v{slot}' for slot in plan.outputs) or None}", "", ""))
    return found


def text(plan: Plan) -> str:
    """A line for the whole, then one for each step, and for each instruction of a group."""
    told = rows(plan)
    columns = [
        max((len(row[k]) for row in told if len(row[k]) <= WIDEST), default=0) for k in range(2)
    ]
    lines = (
        f"{call:<{columns[0]}}   {kind:<{columns[1]}}   {buffer}".rstrip() for call, kind, buffer in told
    )
    return "\n".join([headline(plan), *lines])


def html(plan: Plan) -> str:
    """The same as a table for notebooks."""
    told = rows(plan)
    more = len(told) - MOST_ROWS
    note = f"and {more:,} more lines; print(plan) shows all" if more > 0 else headline(plan)
    return table(("step", "result", "memory"), told[:MOST_ROWS], "lll", note)
