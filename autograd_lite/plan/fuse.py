"""Fusion: runs of elementwise steps of one shape become groups, each of them one step.

A group is convex: no path leads out of it and back, so that it can run at once. Steps with an effect and guards
are barriers, which no step crosses.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .executors import COPIES, Executor, executor
from .groups import Group, Instruction, Kind
from .slots import Ref, refs
from .trace import Step

__all__ = ["fused"]

_BOOL = np.dtype(bool)
REALS = (np.dtype(np.float32), np.dtype(np.float64))
EXACT = 1 << 24
"""Up to this number every integer is a float."""


class _Unit:
    """What runs at once: a step, or a group that still grows.

    Attributes:
        steps: the steps.
        shape, dtype: those of a group; a dtype of None, if all is boolean so far; a shape of None for a step
            that belongs to no group.
        before: the units that must run before, as a set of bits.
        sums: the slots that are known at the end only.
    """

    def __init__(self, step: Step, shape: tuple[int, ...] | None, dtype: Any, before: int) -> None:
        self.steps, self.shape, self.dtype, self.before = [step], shape, dtype, before
        self.sums: set[int] = set()


def fused(steps: list[Step], outputs: Iterable[int], kinds: Mapping[int, Kind]) -> list[Step]:
    """The steps, with groups in place of elementwise steps.

    Args:
        steps: in an order in which they can run.
        outputs: the slots that are needed after the steps.
        kinds: the shape and the dtype of each slot that holds an array or a number.
    """
    runner, made = executor(), []
    readers: dict[int, list[Step]] = {}
    for step in steps:
        for slot in refs((step.args, step.kwargs)):
            readers.setdefault(slot, []).append(step)
    for slot in outputs:
        readers.setdefault(slot, []).append(_AFTER)
    segment: list[Step] = []
    for step in [*steps, None]:
        if step is not None and step.kind not in ("effect", "guard"):
            segment.append(step)
            continue
        for unit in _in_order(_units(segment, kinds, runner)):
            made += _steps(unit, kinds, readers, runner)
        made += [step] if step is not None else []
        segment = []
    return made


_AFTER: Any = object()

# -- growing groups --------------------------------------------------------------------------------


def _units(segment: list[Step], kinds: Mapping[int, Kind], runner: Executor) -> list[_Unit]:
    """The groups and the other steps of a segment; a unit has the index of its bit in `before`."""
    units: list[_Unit] = []
    maker: dict[int, int] = {}
    groups: dict[Any, list[int]] = {}
    for step in segment:
        used = refs((step.args, step.kwargs))
        direct = {maker[slot] for slot in used if slot in maker}
        before = 0
        for i in direct:
            before |= units[i].before | 1 << i
        shape, dtype = _kind_of_group(step, kinds, runner)
        found = None
        if shape is not None:
            found = _home(units, groups.get(shape, ()), direct, used, dtype)
        if step.function is np.sum and (found is None or maker.get(used[0]) != found):
            shape = found = None
        if found is None:
            found = len(units)
            units.append(_Unit(step, shape, dtype, before))
            if shape is not None:
                groups.setdefault(shape, []).append(found)
        else:
            _join(units, found, step, dtype, before)
        if step.function is np.sum and shape is not None:
            units[found].sums.update(refs(step.result))
        maker.update(dict.fromkeys(refs(step.result), found))
    return units


def _home(units: list[_Unit], groups: Iterable[int], direct: set[int], used: list[int], dtype: Any) -> int | None:
    """The latest group that a step can join: no unit that the step needs runs after the group."""
    for i in reversed(list(groups)):
        group = units[i]
        if dtype is not None and group.dtype is not None and group.dtype != dtype:
            continue
        if group.sums.isdisjoint(used) and not any(j != i and units[j].before >> i & 1 for j in direct):
            return i
    return None


def _join(units: list[_Unit], i: int, step: Step, dtype: Any, before: int) -> None:
    group = units[i]
    group.steps.append(step)
    group.dtype = dtype if group.dtype is None else group.dtype
    new = before & ~(1 << i) & ~group.before
    if new:
        group.before |= new
        for unit in units:
            if unit.before >> i & 1:
                unit.before |= new


def _in_order(units: list[_Unit]) -> Iterable[_Unit]:
    """The units in an order in which they can run; otherwise as in the segment."""
    waits = [bin(unit.before).count("1") for unit in units]
    after: list[list[int]] = [[] for _ in units]
    for i, unit in enumerate(units):
        rest = unit.before
        while rest:
            last = rest.bit_length() - 1
            after[last].append(i)
            rest ^= 1 << last
    ready = [i for i, n in enumerate(waits) if not n]
    while ready:
        i = heapq.heappop(ready)
        yield units[i]
        for j in after[i]:
            waits[j] -= 1
            if not waits[j]:
                heapq.heappush(ready, j)


# -- which steps -----------------------------------------------------------------------------------


def _kind_of_group(step: Step, kinds: Mapping[int, Kind], runner: Executor) -> tuple[Any, Any]:
    """The shape and the floating-point dtype of a group for a step; (None, None) if it belongs to none."""
    nothing = None, None
    if step.kind != "pure" or step.kwargs or step.result.__class__ is not Ref:
        return nothing
    kind = kinds.get(step.result.slot)
    if kind is None or not step.args or not runner.takes(step.function, kind[1]):
        return nothing
    shape, result = kind
    operands = _operands(step)
    if step.function is np.sum:
        shape = kinds.get(operands[0].slot, ((), None))[0] if operands[0].__class__ is Ref else ()
        if len(step.args) != 1 or not shape:
            return nothing
    elif not shape and not isinstance(step.function, np.ufunc) and step.function not in _NUMBERS:
        return nothing  # such a function may return an array of shape ()
    found = None if result == _BOOL else result
    dtypes = [_dtype_of(x, kinds) for x in operands]
    arrays = {d for d in dtypes if isinstance(d, np.dtype) and d != _BOOL}
    found = next(iter(arrays), None) if found is None else found
    if any(d is None for d in dtypes) or (found is not None and found not in REALS) or arrays - {found}:
        return nothing
    if step.function in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert) and arrays:
        return nothing
    if not any(x.__class__ is Ref for x in operands):
        return nothing
    return shape, found


_NUMBERS: frozenset[Any] = frozenset()


def _operands(step: Step) -> tuple[Any, ...]:
    return step.args[:1] if step.function in COPIES else step.args


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
    work = sum(step.function not in COPIES for step in unit.steps)
    if unit.shape is None or work < runner.least(unit.shape):
        return unit.steps
    mine = set(map(id, unit.steps))
    made = [step.result.slot for step in unit.steps]
    outputs = [slot for slot in made if any(id(reader) not in mine for reader in readers.get(slot, ()))]
    operands = {_name(x): x for step in unit.steps for x in _operands(step) if _name(x) is not None}
    inputs = {name: x for name, x in operands.items() if name not in set(made)}
    register = {name: Ref(r) for r, name in enumerate([*inputs, *made])}
    code = [
        Instruction(
            step.function,
            tuple([x if (name := _name(x)) is None else register[name] for x in _operands(step)]),
            kinds[step.result.slot],
            step.quiet,
        )
        for step in unit.steps
    ]
    given = [kinds[x.slot] if x.__class__ is Ref else (x.shape, x.dtype) for x in inputs.values()]
    group = Group(unit.shape, given, code, [register[slot].slot for slot in outputs])
    runner.prepare(group)
    step = unit.steps[-1].changed(group, tuple(inputs.values()))
    step.result, step.quiet = tuple(map(Ref, outputs)), None
    return [step]


def _name(x: Any) -> Any:
    """What tells the inputs and results of a group apart: a slot, or a constant array; None for a number."""
    return x.slot if x.__class__ is Ref else ("constant", id(x)) if x.__class__ is np.ndarray else None
