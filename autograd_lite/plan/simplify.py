"""Simpler steps with the same bits.

Operators on arrays become ufuncs. Steps of constants are computed once, equal steps run once, copies that
nobody could tell from the original are left out, and so are steps whose results nobody needs.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..ops.selection import relu
from .memory import Memory, is_packed, own, writes
from .slots import Ref, walk
from .trace import Step
from .traced import method

__all__ = ["living", "simplified"]

UFUNCS: dict[Any, np.ufunc] = {
    **{operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply},
    **{operator.truediv: np.divide, operator.floordiv: np.floor_divide, operator.mod: np.remainder},
    **{operator.matmul: np.matmul, operator.neg: np.negative, operator.pos: np.positive},
    **{operator.abs: np.absolute, operator.invert: np.invert, operator.and_: np.bitwise_and},
    **{operator.or_: np.bitwise_or, operator.xor: np.bitwise_xor, operator.lt: np.less},
    **{operator.le: np.less_equal, operator.gt: np.greater, operator.ge: np.greater_equal},
    **{operator.eq: np.equal, operator.ne: np.not_equal},
}
"""The ufunc that NumPy's arrays call for an operator. A power is none of them: its exponent decides."""

SMALL = 1 << 16
"""Larger results of constants, in bytes, are computed at each call, for they would be kept between calls."""


def simplified(steps: list[Step], values: dict[int, Any], outputs: list[int]) -> list[Step]:
    """The steps of a trace, made simpler.

    Args:
        steps: in the order of the plan.
        values: the value of each slot in the run.
        outputs: the slots in the result.
    """
    steps = _without_copies_of_numbers([_as_ufunc(step, values) for step in steps], values)
    steps = living(steps, outputs)
    return living(_Once(steps, values, outputs).steps, outputs)


def living(steps: list[Step], outputs: list[int]) -> list[Step]:
    """The steps whose results are needed, and those with effects."""
    needed, kept = set(outputs), []
    for step in reversed(steps):
        if step.kind in ("effect", "guard") or not needed.isdisjoint(step.makes):
            needed.update(step.uses)
            kept.append(step)
    return kept[::-1]


def _without_copies_of_numbers(steps: list[Step], values: dict[int, Any]) -> list[Step]:
    """Numbers that were copied into an array and read out again, as the numbers themselves."""
    copied = {
        step.result.slot: step.args[0]
        for step in steps
        if step.function is np.copy
        and step.args[0].__class__ is Ref
        and values[step.args[0].slot].__class__ in (float, np.float64)
    }
    return [
        step.changed(np.float64, (copied[step.uses[0]],)) if _reads_number(step, copied) else step
        for step in steps
    ]


def _reads_number(step: Step, arrays: dict[int, Any]) -> bool:
    """Whether a step is x[()] of one of the arrays."""
    if step.function is not operator.getitem or step.args[1].__class__ is not tuple:
        return False
    return not step.args[1] and step.args[0].__class__ is Ref and step.args[0].slot in arrays


# -- operators -------------------------------------------------------------------------------------


def _as_ufunc(step: Step, values: dict[int, Any]) -> Step:
    """An operator on arrays, or on numbers of NumPy's in floating point, as the ufunc that it calls."""
    function = step.function
    if function is _RELU and not step.kwargs:
        return step.changed(np.maximum, (*step.args, 0))
    if step.kind != "pure" or function.__class__ is not _BUILTIN or step.kwargs:
        return step
    operands = [values[x.slot] if x.__class__ is Ref else x for x in step.args]
    if not all(isinstance(x, _NUMERIC) for x in operands) or not any(map(_is_numpys, operands)):
        return step
    ufunc = UFUNCS.get(function)
    if function is operator.pow and _is_square(operands[0], step.args[1]):
        return step.changed(np.square, step.args[:1])
    return step if ufunc is None else step.changed(ufunc, step.args)


_BUILTIN = type(operator.add)
_RELU = relu.__wrapped__  # type: ignore[attr-defined]
_NUMERIC = (np.ndarray, np.generic, int, float, complex)


def _is_numpys(x: Any) -> bool:
    return x.__class__ is np.ndarray or (isinstance(x, np.generic) and x.dtype.kind in "fcb")


def _is_square(base: Any, exponent: Any) -> bool:
    """Whether NumPy computes the power as a square."""
    return (
        base.__class__ is np.ndarray
        and base.ndim > 0
        and base.dtype.char in "fd"
        and exponent.__class__ in (int, float)
        and exponent == 2
    )


# -- constants, equal steps, copies ----------------------------------------------------------------


class _Once:
    """Goes through the steps once, in their order, and puts simpler values in place of slots.

    Attributes:
        steps: those that are left.
    """

    def __init__(self, steps: list[Step], values: dict[int, Any], outputs: list[int]) -> None:
        self.steps: list[Step] = []
        self._values, self._outputs = values, frozenset(outputs)
        self._memory = Memory(steps, values, outputs)
        self._instead: dict[int, Any] = {}
        self._made: dict[Any, Step] = {}
        self._given = {slot for step in steps if step.kind in ("load", "input") for slot in step.makes}
        last = self._memory.last_uses(steps)
        writers = [i for i, step in enumerate(steps) if writes(step)]
        for i, step in enumerate(steps):
            if not self._instead.keys().isdisjoint(step.uses):
                args, kwargs = walk((step.args, step.kwargs), self._now)
                step = step.changed(step.function, args, kwargs)
            if writes(step):
                self._made.clear()
            elif step.kind == "pure" and step.result.__class__ is Ref:
                slot = step.result.slot
                written = any(i < k <= last[slot] for k in writers)
                if slot not in self._outputs and self._spared(step, written):
                    continue
            self.steps.append(self._owning(step, i, last))

    def _owning(self, step: Step, i: int, last: dict[int, int]) -> Step:
        """A copy of a value that is used for the last time: the value itself, where nobody else holds it."""
        if step.function is not np.copy or len(step.uses) != 1 or step.args[0].__class__ is not Ref:
            return step
        source = step.args[0].slot
        if last[source] != i or source in self._given or not self._is_copied(source, step.result.slot):
            return step
        return step.changed(own, step.args[:1])

    def _now(self, leaf: Any) -> Any:
        return self._instead.get(leaf.slot, leaf) if leaf.__class__ is Ref else leaf

    def _spared(self, step: Step, written: bool) -> bool:
        """Whether the result of a step is there already.

        Args:
            step: a step with one result, which is not returned.
            written: whether a later step writes into arrays while the result is in use.
        """
        slot, value = step.result.slot, self._values[step.result.slot]
        if not self._memory.is_own(slot):
            return False
        if not step.uses or step.function is np.ones_like or step.function is np.zeros_like:
            if value.__class__ is np.ndarray and value.nbytes > SMALL and any(value.strides):
                return False
            if not isinstance(value, (np.ndarray, np.generic, int, float)):
                return False
            self._instead[slot] = value
            return True
        source = self._copied(step)
        if source is not None and not written:
            self._instead[slot] = source
            return True
        key = _key(step)
        if key is None:
            return False
        first = self._made.setdefault(key, step)
        if first is not step:
            self._instead[slot] = first.result
        return first is not step

    def _copied(self, step: Step) -> Any:
        """The value that a step copies in the same order of memory; None for a step that is no copy."""
        args, function = step.args, step.function
        if function is method:
            name, source = args[:2]
            if name == "astype" and self._same_object(step, source):
                return source
            if name != "copy" or step.kwargs:
                return None
        elif function is np.copy:
            source = args[0]
        elif function is operator.getitem and self._same_object(step, args[0]):
            return args[0]
        elif function is np.multiply and not step.kwargs:
            ones = [_is_ones(x) for x in args]
            if not any(ones):
                return None
            source = args[0] if ones[1] else args[1]
        else:
            return None
        return source if source.__class__ is Ref and self._is_copied(source.slot, step.result.slot) else None

    def _is_copied(self, source: int, slot: int) -> bool:
        """Whether a result has the class, the dtype, the shape and the order in memory of an operand."""
        old, new = self._values[source], self._values[slot]
        if old.__class__ is not new.__class__:
            return False
        if (old.dtype, old.shape) != (new.dtype, new.shape):
            return False
        return not old.ndim or (old.strides == new.strides and is_packed(old))

    def _same_object(self, step: Step, source: Any) -> bool:
        return source.__class__ is Ref and self._values[source.slot] is self._values[step.result.slot]


def _is_ones(x: Any) -> bool:
    """Whether x holds a real 1 in every entry, as the cotangent of a sum does."""
    if x.__class__ is not np.ndarray or x.dtype.kind != "f" or not x.size or x.flat[0] != 1:
        return False
    return not any(x.strides) or bool(np.all(x == 1))


def _key(step: Step) -> Any:
    """What equal steps have in common; None for a step that no other equals."""
    try:
        quiet = None if step.quiet is None else tuple(step.quiet.values())
        key = step.function, quiet, _part(step.args), _part(step.kwargs) if step.kwargs else None
        hash(key)
    except TypeError:
        return None
    return key


def _part(tree: Any) -> Any:
    kind = tree.__class__
    if kind is Ref:
        return kind, tree.slot
    if isinstance(tree, (tuple, list)):
        return kind, *map(_part, tree)
    if kind is dict:
        return kind, *[(key, _part(item)) for key, item in tree.items()]
    if kind is slice:
        return kind, _part(tree.start), _part(tree.stop), _part(tree.step)
    if isinstance(tree, np.ndarray):
        return kind, id(tree)
    return kind, repr(tree) if isinstance(tree, (float, complex, np.generic)) else tree
