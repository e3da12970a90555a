"""Fusion: runs of elementwise steps of one shape become groups, each of them one step.

A group is convex: no path leads out of it and back, so that it can run at once. Steps with an effect and
guards are barriers, which no step crosses.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import numpy as np

from .executors import COPIES, Executor, executor
from .groups import REALS, Group, Instruction, Kind
from .slots import Ref
from .trace import Step

__all__ = ["fused"]

_BOOL = np.dtype(bool)
NEAR = 8
"""How many groups a step or a group is compared with; a long program has thousands."""

EXACT = 1 << 24
"""Up to this number every integer is a float."""


class _Unit:
    """What runs at once: a step, or a group that still grows.

    Attributes:
        steps: the steps, each with its position.
        shape, dtype: those of a group; a dtype of None, if all is boolean so far; a shape of None for a step
            that belongs to no group.
        before: the units that must run before, as a set of bits.
        sums: the slots that are known at the end only.
    """

    def __init__(self, shape: tuple[int, ...] | None, dtype: Any) -> None:
        self.steps: list[tuple[int, Step]] = []
        self.shape, self.dtype = shape, dtype
        self.before = 0
        self.sums: set[int] = set()


def fused(
    steps: list[Step], outputs: Iterable[int], kinds: Mapping[int, Kind], ordered: Set[int]
) -> list[Step]:
    """The steps, with groups in place of elementwise steps.

    Args:
        steps: in an order in which they can run.
        outputs: the slots that are needed after the steps.
        kinds: the shape and the dtype of each slot that holds an array or a number.
        ordered: the slots whose entries lie in memory in the order of the axes, as in the results of a group.
    """
    runner = executor()
    own = {slot: kind for slot, kind in kinds.items() if slot in ordered}
    made: list[Step] = []
    readers: dict[int, list[Step]] = {}
    for step in steps:
        for slot in step.uses:
            readers.setdefault(slot, []).append(step)
    for slot in outputs:
        readers.setdefault(slot, []).append(_AFTER)
    for barrier, segment in groupby(steps, lambda step: step.kind in ("effect", "guard")):
        if barrier:
            made += segment
        else:
            for unit in _grown(list(segment), kinds, own, runner):
                made += _steps(unit, kinds, readers, runner)
    return made


_AFTER: Any = object()

# -- growing groups --------------------------------------------------------------------------------


class _Units:
    """The units of a segment. A unit is known by its index, which is a bit in the `before` of others."""

    def __init__(self) -> None:
        self.all: list[_Unit] = []
        self.maker: dict[int, int] = {}
        self._readers: dict[int, set[int]] = {}

    def add(self, at: int, step: Step, key: tuple[Any, Any]) -> None:
        """Put a step into a group, or into a unit of its own."""
        shape, dtype = key
        used = step.uses
        direct = {self.maker[slot] for slot in used if slot in self.maker}
        home = None
        if shape is not None:
            fit = [i for i in sorted(direct, reverse=True) if self._alike(self.all[i], shape, dtype)]
            for i, j in pairwise(fit):
                if self.may_merge(i, j):
                    self.merge(j, i)
            direct = {self.maker[slot] for slot in used if slot in self.maker}
            home = self._home(used, direct, shape, dtype)
        if step.function is np.sum and (home is None or self.maker.get(used[0]) != home):
            shape = home = None
        if home is None:
            home = len(self.all)
            self.all.append(_Unit(shape, dtype))
        group = self.all[home]
        group.steps.append((at, step))
        group.dtype = dtype if group.dtype is None else group.dtype
        self._wait(home, direct - {home})
        for slot in step.makes:
            self.maker[slot] = home
        if shape is not None:
            for slot in used:
                self._readers.setdefault(slot, set()).add(home)
            if step.function is np.sum:
                group.sums.update(step.makes)

    def _alike(self, unit: _Unit, shape: Any, dtype: Any) -> bool:
        same = dtype is None or unit.dtype is None or unit.dtype == dtype
        return unit.shape is not None and unit.shape == shape and same and bool(unit.steps)

    def _home(self, used: Iterable[int], direct: set[int], shape: Any, dtype: Any) -> int | None:
        """A group that makes or reads what the step reads, and would not wait for itself with the step."""
        readers = {i for slot in used for i in self._readers.get(slot, ())} - direct
        for i in [*sorted(direct, reverse=True), *sorted(readers, reverse=True)[:NEAR]]:
            group = self.all[i]
            outside = any(j != i and self.all[j].before >> i & 1 for j in direct)
            if self._alike(group, shape, dtype) and group.sums.isdisjoint(used) and not outside:
                return i
        return None

    def _wait(self, i: int, others: Iterable[int]) -> None:
        """Let a unit, and those that wait for it, run after others."""
        unit, before = self.all[i], 0
        for j in others:
            before |= self.all[j].before | 1 << j
        new = before & ~unit.before
        unit.before |= before
        if new and len(unit.steps) > 1:  # nobody waits for a new unit
            for other in self.all:
                if other.before >> i & 1:
                    other.before |= before

    def may_merge(self, i: int, j: int) -> bool:
        """Whether neither of two groups waits for the other."""
        a, b = self.all[i], self.all[j]
        alike = a.shape is not None and self._alike(b, a.shape, a.dtype) and bool(a.steps)
        return alike and not a.before >> j & 1 and not b.before >> i & 1

    def merge(self, i: int, j: int) -> None:
        """Move the steps of group j to group i; an empty unit is left."""
        a, b = self.all[i], self.all[j]
        a.sums |= b.sums
        a.dtype = b.dtype if a.dtype is None else a.dtype
        before, b.before = a.before | b.before, 0
        for unit in self.all:
            if unit.before >> j & 1:
                unit.before = (unit.before & ~(1 << j)) | 1 << i
            if unit is a or unit.before >> i & 1:
                unit.before |= before
        for _, step in b.steps:
            self.maker.update(dict.fromkeys(step.makes, i))
            for slot in step.uses:
                self._readers[slot].add(i)
        a.steps, b.steps = a.steps + b.steps, []

    def in_order(self) -> Iterator[_Unit]:
        """The units in an order in which they can run; otherwise as in the segment."""
        after: list[set[int]] = [set() for _ in self.all]
        for i, unit in enumerate(self.all):
            for _, step in unit.steps:
                for slot in step.uses:
                    after[self.maker.get(slot, i)].add(i)
        waits = [0 for _ in self.all]
        for i, others in enumerate(after):
            others.discard(i)
            for j in others:
                waits[j] += 1
        ready = [i for i, n in enumerate(waits) if not n]
        while ready:
            i = heapq.heappop(ready)
            if self.all[i].steps:
                yield self.all[i]
            for j in after[i]:
                waits[j] -= 1
                if not waits[j]:
                    heapq.heappush(ready, j)


def _grown(
    segment: list[Step], kinds: Mapping[int, Kind], own: Mapping[int, Kind], runner: Executor
) -> Iterator[_Unit]:
    """The groups and the other steps of a segment. Small groups that may run together save a call."""
    units = _Units()
    for at, step in enumerate(segment):
        units.add(at, step, _key(step, kinds, own, runner))
    few = [i for i, u in enumerate(units.all) if u.steps and u.shape is not None and runner.unites(u.shape)]
    for k, i in enumerate(few):
        for j in few[max(0, k - NEAR) : k]:
            if units.may_merge(j, i):
                units.merge(j, i)
    return units.in_order()


# -- which steps -----------------------------------------------------------------------------------


def _key(step: Step, kinds: Mapping[int, Kind], own: Mapping[int, Kind], runner: Executor) -> tuple[Any, Any]:
    """The shape and the floating-point dtype of a group for a step; (None, None) if it belongs to none."""
    nothing = None, None
    if step.kind != "pure" or step.kwargs or step.result.__class__ is not Ref:
        return nothing
    kind = own.get(step.result.slot)
    if kind is None or not step.args or not runner.takes(step.function, kind[1]):
        return nothing
    shape, result = kind
    operands = _operands(step)
    if step.function is np.sum:
        shape = kinds.get(operands[0].slot, ((), None))[0] if operands[0].__class__ is Ref else ()
        if len(step.args) != 1 or not shape:
            return nothing
    elif not shape and not isinstance(step.function, np.ufunc):
        return nothing  # such a function may return an array of shape ()
    found = None if result == _BOOL else result
    dtypes = [_dtype_of(x, kinds) for x in operands]
    arrays = {d for d in dtypes if isinstance(d, np.dtype) and d != _BOOL}
    found = next(iter(arrays), None) if found is None else found
    if any(d is None for d in dtypes) or (found is not None and found not in REALS) or arrays - {found}:
        return nothing
    if step.function in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert) and arrays:
        return nothing
    if not step.uses and step.function not in COPIES:
        return nothing
    return shape, found


def _operands(step: Step) -> tuple[Any, ...]:
    return tuple(step.args[:1] if step.function in COPIES else step.args)


def _dtype_of(x: Any, kinds: Mapping[int, Kind]) -> Any:
    """The dtype of an operand; "any" for a number of Python's, and None for what no group takes."""
    if x.__class__ is np.ndarray:
        return x.dtype if x.ndim else None
    if x.__class__ is Ref:
        return kinds.get(x.slot, (None, None))[1]
    if x.__class__ in (bool, int, float):
        return "any" if x.__class__ is not int or abs(x) <= EXACT else None
    return x.dtype if isinstance(x, np.generic) and x.dtype.kind in "fb" else None


# -- from units to steps ---------------------------------------------------------------------------


def _steps(
    unit: _Unit, kinds: Mapping[int, Kind], readers: Mapping[int, list[Step]], runner: Executor
) -> list[Step]:
    """The step of a group, or the steps themselves where a group does not pay."""
    steps = [step for _, step in sorted(unit.steps, key=itemgetter(0))]
    if unit.shape is None or not runner.pays([step.function for step in steps], unit.shape):
        return steps
    mine = set(map(id, steps))
    made = [step.result.slot for step in steps]
    outputs = [slot for slot in made if any(id(reader) not in mine for reader in readers.get(slot, ()))]
    operands = {_name(x): x for step in steps for x in _operands(step) if _name(x) is not None}
    inputs = {name: x for name, x in operands.items() if name not in set(made)}
    register = {name: Ref(r) for r, name in enumerate([*inputs, *made])}
    code = [
        Instruction(
            step.function,
            tuple([x if (name := _name(x)) is None else register[name] for x in step.args]),
            kinds[step.result.slot],
            step.quiet,
        )
        for step in steps
    ]
    given = [kinds[x.slot] if x.__class__ is Ref else (x.shape, x.dtype) for x in inputs.values()]
    group = Group(unit.shape, given, code, [register[slot].slot for slot in outputs])
    runner.prepare(group)
    return [steps[-1].grouped(group, tuple(inputs.values()), tuple(map(Ref, outputs)))]


def _name(x: Any) -> Any:
    """What tells the inputs and results of a group apart: a slot, or a constant array; None for a number."""
    return x.slot if x.__class__ is Ref else ("constant", id(x)) if x.__class__ is np.ndarray else None
