"""The members of a batch: one after the other, where an op has no batching rule; and all in one array."""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import shape_of
from ..box import Box
from ..errors import BatchError
from ..known import defvjp
from ..node import op_name
from ..sums import total
from ..words.mistakes import warn_of_mistake
from .batched import Batched, Level, changed, levels_of

__all__ = ["gathered", "laid_out", "mapped_over", "warned"]

# -- one member after the other --------------------------------------------------------------------


def mapped_over(level: Level, function: Any, args: Any, kwargs: Any) -> Any:
    """A function called for each member, and the results as a batch: slow, and right for any function.

    Args:
        level: the map whose members are taken one by one.
        function: takes arrays or Tensors as they are without the map.
        args, kwargs: with Batched arrays, or Tensors of them.
    """
    _warn_once(op_name(function), level.size)
    given = changed(functools.partial(_spread, level), (args, kwargs))
    if not level.size:  # one member of ones tells the shapes
        ones = _Rows.of(given)
        return _stacked(level, [function(*ones[0], **ones[1])], slice(0))
    results = []
    for i in range(level.size):
        own_args, own_kwargs = _Rows.of(given, i)
        results.append(function(*own_args, **own_kwargs))
    return _stacked(level, results)


_named: set[str] = set()
"""The ops that a warning has named."""

warned: ContextVar[bool] = ContextVar("warned", default=True)
"""Whether there are warnings, by thread and task."""


def _warn_once(name: str, size: int) -> None:
    if warned.get() and name not in _named:
        _named.add(name)
        warn_of_mistake(
            f"vmap: {name} has no batching rule for this call, so it is called for each of the {size} "
            "members, one after the other: right, and slow; compute with functions that have one, or move it "
            "out of vmap"
        )


class _Rows:
    """An array, or a Tensor, whose first axis is the batch, among arguments that are to be taken apart."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    @staticmethod
    def of(value: Any, i: int | None = None) -> Any:
        """Arguments with the row of one member in place of the batch; where there is none, with ones."""
        if isinstance(value, _Rows):
            return np.ones(value.rows.shape[1:], value.rows.dtype) if i is None else value.rows[i]
        if isinstance(value, (list, tuple)):
            return type(value)([_Rows.of(item, i) for item in value])
        return {key: _Rows.of(item, i) for key, item in value.items()} if isinstance(value, dict) else value


def _spread(level: Level, x: Any) -> Any:
    if isinstance(x, Box):
        return _Rows(laid_out(x, 0, level)) if level in levels_of(x) else x
    return _Rows(x._array) if level.holds(x) else x


def _stacked(level: Level, results: list[Any], rows: Any = slice(None)) -> Any:
    """What each member gave, as a batch."""
    first = results[0]
    if isinstance(first, (tuple, list)) and len({len(result) for result in results}) == 1:
        parts = [_stacked(level, list(each), rows) for each in zip(*results, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    if first is None or isinstance(first, str):
        return first
    shapes = {shape_of(result) for result in results}
    if len(shapes) > 1:
        raise BatchError(
            f"vmap: the members of the batch give results of shapes {sorted(shapes)}, which are no batch; "
            "write np.where(condition, a, b), which keeps the shape, in place of what leaves entries out",
            None,
        )
    stack = np.stack(results)[rows]
    return gathered(stack, 0, level) if isinstance(stack, Box) else level.make(stack)


# -- into the batch and out of it, as ops ----------------------------------------------------------


@primitive
def gathered(x: Any, axis: int, level: Level) -> Any:
    """An array as a batch of its slices along an axis."""
    if isinstance(x, Batched) and x._level.since > level.since:  # a cotangent of an inner map
        return x._level.make(gathered(x._array, axis + (axis >= 0), level))
    return level.make(np.moveaxis(x, axis, 0))


@primitive
def laid_out(x: Any, axis: int, level: Level) -> Any:
    """A batch as an array with the batch along an axis; what is the same for all members is repeated."""
    if isinstance(x, Batched) and x._level.since > level.since:
        return x._level.make(laid_out(x._array, axis + (axis >= 0), level))
    return np.moveaxis(level.full(x), 0, axis)


@primitive
def _over_members(g: Any, level: Level) -> Any:
    """The sum of cotangents over the members of a batch, each of which sends one to what they share."""
    if isinstance(g, Batched) and g._level.since > level.since:
        return g._level.make(_over_members(g._array, level))
    return total(g._array, 0) if level.holds(g) else g


@primitive
def _repeated(g: Any, level: Level) -> Any:
    """The same for every member, as a batch."""
    if isinstance(g, Batched) and g._level.since > level.since:
        return g._level.make(_repeated(g._array, level))
    return level.make(level.full(g))


defvjp(gathered, lambda g, y, x, axis, level: laid_out(g, axis, level), flow="moves", reads=False)
defvjp(laid_out, lambda g, y, x, axis, level: gathered(g, axis, level), flow="moves", reads=False)
defvjp(_over_members, lambda g, y, x, level: _repeated(g, level), flow="moves", reads=False)
defvjp(_repeated, lambda g, y, x, level: _over_members(g, level), flow="moves", reads=False)


def _summed(self: Batched, g: Any, parent: int, step: int) -> Any:
    """The cotangent of an input that members share: summed over the maps that began between input and step.

    Args:
        g: what a step sends to an input: self, or a Tensor that holds it.
        parent, step: where the input and the step stand on the tape.
    """
    for level in levels_of(self):
        if parent <= level.since < step:
            g = _over_members(g, level)
    return g


Level.looped.give(mapped_over)
Batched.__array_shared__.give(_summed)
