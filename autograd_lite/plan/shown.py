"""A plan in words: its lines.

A plan is printed and drawn from its lines. A slot is `v3`. What exists only inside of a group is a register
`r3`: a group works block by block, so that the values of a register are never in memory at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..notebook import table
from ..tape import MOST_ROWS, show
from .footprint import footprint, owner
from .groups import Group, Kind
from .places import Get, Put
from .sending import Sending
from .slots import Ref, refs, walk
from .trace import Step

__all__ = ["Line", "Name", "html", "lines_of", "text"]

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
        buffer: the number of the buffer that the result, or the array of which it is a view, is in; None for
            memory of its own.
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
        made = self.result
        if self.what in ("argument", "place"):
            return f"{made} = {self.name}"
        if self.what == "store":
            return f"{self.name} = {show_operand(self.operands[0])}"
        if self.what == "guard":
            return f"{self.operands[0]} must be {show_operand(self.operands[1])}"
        if self.what == "group":
            return f"group {self.group}: {self.name}"
        words = [*_runs(self.operands), *(f"{k}={show_operand(v)}" for k, v in self.options.items())]
        return f"{f'{made} = ' if made else ''}{self.name}({', '.join(words)})"

    @property
    def result(self) -> str:
        """The names of the results: `v3`, `v3..v5`; empty if there is none."""
        return in_ranges(self.results)

    @property
    def values(self) -> list[Any]:
        """The operands that are values: names, constant arrays, and the numbers of a ufunc; no options."""
        found: list[Any] = []
        todo = list(self.operands[:1] if self.what == "guard" else self.operands)
        while todo:
            x = todo.pop(0)
            if isinstance(x, (tuple, list)):
                todo[:0] = x
            elif isinstance(x, (Name, np.ndarray)) or (
                isinstance(self.function, np.ufunc) and isinstance(x, (int, float, complex, np.generic))
            ):
                found.append(x)
        return found

    @property
    def nbytes(self) -> int:
        """The bytes of the results that have memory; an argument and a place have theirs already."""
        if self.what in ("argument", "place"):
            return 0
        return sum(math.prod(kind[0]) * kind[1].itemsize for kind in self.kinds if kind is not None)

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
        return worded((x.shape, x.dtype)) if x.ndim else show_operand(x[()])
    if isinstance(x, slice):
        return f"{_end(x.start)}:{_end(x.stop)}" + (f":{_end(x.step)}" if x.step is not None else "")
    if isinstance(x, tuple):
        return f"({', '.join(map(show_operand, x))}{',' * (len(x) == 1)})"
    if isinstance(x, np.generic):
        x = x.item()
    if x is None or isinstance(x, (bool, int, float, complex, str, np.dtype)):
        return show(x)
    return "..." if x is Ellipsis else named(x)


def _runs(operands: tuple[Any, ...]) -> Iterator[str]:
    """The operands in words; names between constants are shortened."""
    for is_name, items in itertools.groupby(operands, lambda x: isinstance(x, Name)):
        run = list(items)
        yield in_ranges(run) if is_name else ", ".join(map(show_operand, run))


def in_ranges(names: Iterable[str]) -> str:
    """Names of slots; a longer run of numbers is shortened.

    >>> in_ranges(["v2", "v5", "v6", "v7", "v9"])
    'v2, v5..v7, v9'
    """
    found: list[list[str]] = []
    for name in names:
        if found and name[0] == found[-1][-1][0] and int(name[1:]) == int(found[-1][-1][1:]) + 1:
            found[-1].append(name)
        else:
            found.append([name])
    return ", ".join(f"{run[0]}..{run[-1]}" if len(run) > 2 else ", ".join(run) for run in found)


def _end(x: Any) -> str:
    return "" if x is None else show_operand(x)


def named(function: Any) -> str:
    """The name of a function or an object."""
    found = getattr(function, "__name__", None) or type(function).__name__
    return found.lstrip("_") or found


# -- lines -----------------------------------------------------------------------------------------


def lines_of(plan: Plan) -> list[Line]:
    """The lines of a plan; the instructions of a group follow it."""
    used = {slot for step in plan.steps for slot in step.uses} | set(plan.outputs)
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
    made = [slot for k, slot in enumerate(step.makes) if not k or slot in used]
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
    number = plan.buffers.of.get(owner(plan, made[0])) if made else None
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
    native = ["native"] if group.__name__.startswith("native") else []
    head = ", ".join([_counted(len(group.code), "step"), *native, worded((group.shape, group.dtype))])
    kinds = tuple(plan.kinds.get(slot) for slot in step.makes)
    yield Line("group", group, head, tuple(names[:first]), results, kinds, None, number, i, step.line)
    for r, code in enumerate(group.code, first):
        operands = tuple(names[x.slot] if x.__class__ is Ref else x for x in code.operands)
        buffer = plan.buffers.of.get(made.get(r))
        name = named(code.function)
        yield Line(
            "step", code.function, name, operands, (names[r],), (code.kind,), buffer, number, i, step.line
        )


# -- words -----------------------------------------------------------------------------------------


def headline(plan: Plan) -> str:
    """How many steps, groups, buffers and bytes a plan has."""
    before, after = footprint(plan)
    groups = sum(isinstance(step.function, Group) for step in plan.steps)
    counts = [
        _counted(n, what)
        for n, what in ((len(plan), "step"), (groups, "group"), (len(plan.buffers.sizes), "buffer"))
    ]
    return f"{', '.join(counts)}; {before:,} bytes before planning, {after:,} after"


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
    columns = [max((len(row[k]) for row in told if len(row[k]) <= WIDEST), default=0) for k in range(2)]
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
