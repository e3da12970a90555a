"""Indexing: what is read sends its cotangent back to where it was read from."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..backward import unbroadcast
from ..rules import defvjp
from ..tensor import primitive, setitem

__all__: list[str] = []


def is_basic(index: Any) -> bool:
    """Whether an index is made of integers, slices, `...` and None alone: it reads no entry twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, (int, slice, np.integer))
        for part in parts
        if not isinstance(part, (bool, np.bool_))
    ) and not any(isinstance(part, (bool, np.bool_)) for part in parts)


@primitive
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `g` added in at `index`; entries that are named twice add up."""
    result = np.zeros(shape, g.dtype)
    if is_basic(index):
        result[index] = g
    else:
        _add_at(result, index, g)
    return result


def _add_at(result: Any, index: Any, g: Any) -> None:
    """`np.add.at`, through a sum over flat places that is faster for many of them.

    The places are found by indexing an array of them, so every form of indexing that NumPy knows
    is covered. `bincount` sums in float64, so float32 loses nothing.
    """
    if g.dtype not in (np.float64, np.float32) or np.size(g) < 64:
        np.add.at(result, index, g)
        return
    places = np.arange(math.prod(result.shape)).reshape(result.shape)[index]
    sums = np.bincount(places.ravel(), np.ravel(g), minlength=result.size)
    result[...] = sums.reshape(result.shape)


def _winners(shape: tuple[int, ...], index: Any) -> Any:
    """Which of the assigned entries are still there: of a place named twice the last one is."""
    order = np.full(shape, -1)
    chosen = order[index]
    ranks = np.arange(chosen.size).reshape(chosen.shape)
    order[index] = ranks
    return order[index] == ranks


def _assigned(g: Any, y: Any, x: Any, value: Any, index: Any) -> Any:
    """What arrives at the assigned places, summed back to the shape of the value."""
    read = g[index]
    if not is_basic(index):
        read = np.where(_winners(y.shape, index), read, 0)
    shape = value.shape
    while len(shape) > len(read.shape):  # x[i] = v accepts a v with leading axes of size 1
        read = np.expand_dims(read, 0)
    return unbroadcast(read, shape)


defvjp(operator.getitem, lambda g, y, x, index: scatter(g, index, x.shape), flow="selects")
defvjp(scatter, lambda g, y, x, index, shape: g[index], flow="moves")
defvjp(
    setitem,
    lambda g, y, x, value, index: setitem(g, 0, index),
    _assigned,
    flow="selects",
)
