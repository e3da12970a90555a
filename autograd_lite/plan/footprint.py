"""The bytes of a plan's results, before and after planning."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .groups import Group, Kind
from .places import Put
from .trace import Step

__all__ = ["footprint", "owner", "viewing"]


def viewing(steps: Iterable[Step], values: dict[int, Any]) -> dict[int, int]:
    """For each result that is a view of an argument of its step, the slot of this argument."""
    found: dict[int, int] = {}
    for step in steps:
        for slot in step.makes if step.kind == "pure" else ():
            value = values.get(slot)
            if isinstance(value, np.ndarray):
                source = next((s for s in step.uses if _shows(value, values.get(s))), None)
                if source is not None:
                    found[slot] = source
    return found


def _shows(value: Any, other: Any) -> bool:
    """Whether an array is another one, or a view of it."""
    if value is other:
        return True
    return value.base is not None and isinstance(other, np.ndarray) and np.may_share_memory(value, other)


def footprint(plan: Any) -> tuple[int, int]:
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
    alone = {slot: size for slot, size in own.items() if slot not in plan.buffers.of}
    ends = _bytes_that_end(plan, alone)
    now = most = 0
    for i, step in enumerate(plan.steps):
        now += sum(alone.get(slot, 0) for slot in step.makes)
        most = max(most, now)
        now -= ends.get(i, 0)
    return sum(own.values()) + inside, sum(plan.buffers.sizes) + most


def _bytes_that_end(plan: Any, sizes: dict[int, int]) -> dict[int, int]:
    """The bytes that are free after each step: of values and views that no later step uses."""
    last: dict[int, int] = {}
    for i, step in enumerate(plan.steps):
        until = len(plan.steps) if step.function.__class__ is Put else i
        for slot in [*step.uses, *step.makes]:
            root = owner(plan, slot)
            last[root] = max(until, last.get(root, 0))
    last |= dict.fromkeys([owner(plan, slot) for slot in plan.outputs], len(plan.steps))
    ends: dict[int, int] = {}
    for slot, i in last.items():
        ends[i] = ends.get(i, 0) + sizes.get(slot, 0)
    return ends


def owner(plan: Any, slot: int) -> int:
    """The slot whose memory a slot shows."""
    while slot in plan.views:
        slot = plan.views[slot]
    return slot


def _nbytes(kind: Kind) -> int:
    shape, dtype = kind
    return math.prod(shape) * dtype.itemsize
