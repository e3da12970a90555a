"""From a trace to a plan: guards come first, and steps that nobody needs are left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..notebook import quietly
from .buffers import Buffers
from .footprint import viewing
from .fuse import fused
from .names import Names
from .shown import Line, html, lines_of, text
from .simplify import simplified
from .trace import Step, Trace

__all__ = ["Plan", "late_guard", "scheduled"]


class Plan:
    """A list of steps on numbered slots: what a compiled function does at a call.

    `print` shows a line for each step: the shape of its result, and the buffer that the result is in.

    Attributes:
        steps: in the order of the replay.
        result: the result, with `Ref` for the values of slots.
        outputs: the slots in the result.
        kinds: (shape, dtype) of each slot that holds an array or a number.
        classes: the class of the value of each slot.
        buffers: which results share memory that is kept from call to call.
        views: for each result that is a view of an argument of its step, the slot of this argument.
        names: what the user calls the arguments and places.
        constants: (array, copy) for arrays that the steps read and no place holds; the plan holds as long as
            each array equals its copy.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> print(ag.compile(lambda x: np.tanh(x * x)).plan(np.ones(8)))
        3 steps, 0 groups, 1 buffer; 128 bytes before planning, 128 after
        v1 = x                  float64 (8,)
        v2 = multiply(v1, v1)   float64 (8,)   buffer 0
        v3 = tanh(v2)           float64 (8,)
        return v3
    """

    def __init__(
        self,
        steps: list[Step],
        result: Any,
        outputs: list[int],
        values: dict[int, Any],
        constants: list[tuple[Any, Any]],
    ) -> None:
        self.steps, self.result, self.outputs, self.constants = steps, result, outputs, constants
        slots = {slot for step in steps for slot in step.makes}
        self.classes = {slot: values[slot].__class__ for slot in slots}
        self.buffers = Buffers(steps, values, outputs)
        self.views = viewing(steps, values)
        self.names = Names()
        self.kinds: dict[int, tuple[tuple[int, ...], np.dtype[Any]]] = {
            slot: kind for slot in sorted(slots) if (kind := _kind(values.get(slot))) is not None
        }

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def lines(self) -> list[Line]:
        """What is printed and drawn: the steps, and the instructions of groups."""
        return lines_of(self)

    def __str__(self) -> str:
        """The evaluation trace, one line for each step, and one for each instruction of a group."""
        return text(self)

    @quietly
    def _repr_html_(self) -> str:
        return html(self)

    def __repr__(self) -> str:
        return f"<Plan of {len(self)} steps>"


def scheduled(trace: Trace, result: Any, outputs: list[int], constants: Iterable[tuple[Any, Any]]) -> Plan:
    """The plan of a trace."""
    early = _early(trace)
    first = [step for i, step in enumerate(trace.steps) if i in early]
    rest = [step for i, step in enumerate(trace.steps) if i not in early]
    steps = simplified([*first, *rest], trace.values, outputs)
    kinds = {slot: kind for slot, value in trace.values.items() if (kind := _kind(value)) is not None}
    ordered = {s for s in kinds if not isinstance(v := trace.values[s], np.ndarray) or v.flags.c_contiguous}
    steps = fused(steps, outputs, kinds, ordered)
    return Plan(steps, result, outputs, trace.values, list(constants))


def _kind(value: Any) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    """The shape and the dtype of a value; None for a value that is neither an array nor a number."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.shape, value.dtype
    return ((), np.dtype(value.__class__)) if value.__class__ in (bool, int, float, complex) else None


def _early(trace: Trace) -> set[int]:
    """The indices of guards, and of the steps that they need, which can run before the first effect."""
    effects = [i for i, step in enumerate(trace.steps) if step.kind == "effect"]
    if not effects:
        return set()
    maker = {slot: i for i, step in enumerate(trace.steps) for slot in step.makes}
    written = trace.written
    early: set[int] = set()
    for i, step in enumerate(trace.steps):
        if step.kind != "guard":
            continue
        needed, todo, fits = {i}, list(step.uses), True
        while todo and fits:
            slot = todo.pop()
            j = maker[slot]
            made = trace.steps[j]
            value = trace.values.get(slot)
            fits = made.kind in ("input", "pure") or (made.kind == "load" and j < effects[0])
            if isinstance(value, np.ndarray):
                fits = fits and not any(np.may_share_memory(value, array) for array in written)
            if j not in needed:
                needed.add(j)
                todo.extend(made.uses)
        if fits:
            early |= needed
    return early


def late_guard(plan: Plan) -> Step | None:
    """The first guard that runs after an effect: a call for which it fails could not be run anew."""
    effect = False
    for step in plan.steps:
        if step.kind == "guard" and effect:
            return step
        effect = effect or step.kind == "effect"
    return None
