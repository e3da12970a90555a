"""Buffers: which results share which piece of memory, so that a replay allocates little.

A buffer is kept from call to call. A result of a ufunc goes into a buffer with `out=`, if nobody but the
steps that compute sees its memory: no result of the plan, no place, no step that may keep it. The buffer is
free again after the last use of the value and of its views.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .blocks import EXACT
from .memory import Memory, is_packed, is_view
from .slots import Ref
from .trace import Step

__all__ = ["Buffers"]


class Buffers:
    """The buffers of a plan.

    Attributes:
        of: the number of the buffer, for each slot in one.
        views: the slots of views of buffers, which are made once with the buffers.
        sizes: the number of bytes of each buffer.
    """

    def __init__(self, steps: list[Step], values: dict[int, Any], outputs: list[int]) -> None:
        self.of: dict[int, int] = {}
        self.views: set[int] = set()
        self.sizes: list[int] = []
        self._forms: dict[int, Any] = {}
        memory = Memory(steps, values, outputs)
        last = memory.last_uses(steps)
        ends: dict[int, set[int]] = {}
        for slot, i in last.items():
            ends.setdefault(i, set()).add(slot)
        free: list[int] = []
        for i, step in enumerate(steps):
            over = {self.of[slot] for slot in ends.get(i, ()) if slot in self.of}
            if takes_buffer(step, values) and memory.is_own(slot := step.result.slot):
                value, number = values[slot], self._operand(step, values, last, i)
                number = self._smallest(free, value.nbytes) if number is None else number
                self.of[slot] = number
                self._forms[slot] = value.shape, value.dtype, value.strides
                over = over - {number} if last[slot] != i else over | {number}
            elif is_view(step, values) and self._kept(step):
                self.views.add(step.result.slot)
            free += sorted(over)

    def _operand(self, step: Step, values: dict[int, Any], last: dict[int, int], i: int) -> int | None:
        """The buffer of an operand that is used for the last time, and may take the result."""
        made = values[step.result.slot]
        if step.function not in EXACT:
            return None
        for x in step.args:
            if x.__class__ is Ref and x.slot in self.of and last[x.slot] == i:
                had = values[x.slot]
                if had.shape == made.shape and had.dtype == made.dtype and had.strides == made.strides:
                    return self.of[x.slot]
        return None

    def _smallest(self, free: list[int], nbytes: int) -> int:
        """The smallest free buffer that is large enough, the latest of these; or a new one."""
        fit = [number for number in reversed(free) if self.sizes[number] >= nbytes]
        if not fit:
            self.sizes.append(nbytes)
            return len(self.sizes) - 1
        number = min(fit, key=self.sizes.__getitem__)
        free.remove(number)
        return number

    def _kept(self, step: Step) -> bool:
        source = next(x for x in step.args if x.__class__ is Ref).slot
        return source in self.of or source in self.views

    def arrays(self) -> list[Any]:
        """The arrays of one running call: a new one for each slot in a buffer, in the order of `of`."""
        memory = [np.empty(size, np.uint8) for size in self.sizes]
        return [
            np.ndarray(shape, dtype, memory[self.of[slot]], 0, strides)
            for slot, (shape, dtype, strides) in self._forms.items()
        ]


def takes_buffer(step: Step, values: dict[int, Any]) -> bool:
    """Whether the result of a step can be written into an array that is there already."""
    function = step.function
    if step.kind != "pure" or step.kwargs or step.result.__class__ is not Ref:
        return False
    value = values[step.result.slot]
    return (
        isinstance(function, np.ufunc)
        and function.nout == 1
        and value.__class__ is np.ndarray
        and value.ndim > 0
        and not value.dtype.hasobject
        and is_packed(value)
    )
