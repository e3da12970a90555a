"""Slots: trees whose leaves are numbers of slots, the comparison of constants, tables of functions."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Container
from typing import Any

import numpy as np

__all__ = ["LEAVES", "Ref", "fill", "is_in", "refs", "same", "walk"]


class Ref:
    """A slot in the arguments or results of a step."""

    __slots__ = ("slot",)

    def __init__(self, slot: int) -> None:
        self.slot = slot

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Ref and other.slot == self.slot

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"v{self.slot}"


LEAVES: set[type] = {Ref, int, float, bool, complex, str, type(None), type, np.ndarray, np.float64}
"""The most common classes of leaves: a lookup here is faster than asking whether an object is a container."""


def walk(tree: Any, change: Callable[[Any], Any]) -> Any:
    """The same nested tuples, lists, dicts and slices with `change(leaf)` in place of each leaf."""
    kind = tree.__class__
    if kind in LEAVES:
        return change(tree)
    if kind is tuple or kind is list:
        return kind([change(x) if x.__class__ in LEAVES else walk(x, change) for x in tree])
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return kind(*[walk(item, change) for item in tree])
    if kind is dict:
        return {key: walk(item, change) for key, item in tree.items()} if tree else tree
    if kind is slice:
        return slice(walk(tree.start, change), walk(tree.stop, change), walk(tree.step, change))
    return change(tree)


def refs(tree: Any) -> list[int]:
    """The slots in a tree, in order."""
    if tree.__class__ is Ref:
        return [tree.slot]
    found: list[int] = []
    todo = [tree]
    while todo:
        item = todo.pop()
        kind = item.__class__
        if kind is Ref:
            found.append(item.slot)
        elif kind in LEAVES:
            continue
        elif isinstance(item, (tuple, list)):
            todo += item
        elif kind is dict:
            todo += item.values()
        elif kind is slice:
            todo += (item.start, item.stop, item.step)
    return found[::-1]


def fill(tree: Any, values: Any) -> Any:
    """A tree with the values of its slots."""
    return walk(tree, lambda leaf: values[leaf.slot] if leaf.__class__ is Ref else leaf)


def is_in(table: Container[Any], function: Any) -> bool:
    """Whether a table has a function, which may be an object without a hash."""
    return getattr(function, "__hash__", None) is not None and function in table


def same(a: Any, b: Any, seen: int = 0) -> bool:
    """Whether two constants are equal to the bit, or two functions have the same code and constants."""
    if a is b:
        return True
    kind = a.__class__
    if kind is not b.__class__ or seen > 8:
        return False
    if kind is Ref:
        return bool(a.slot == b.slot)
    if kind is tuple and len(a) == len(b):
        for x, y in zip(a, b, strict=True):  # written out: most of the time of a comparison of traces
            if x is not y and not (
                x.slot == y.slot if x.__class__ is Ref is y.__class__ else same(x, y, seen + 1)
            ):
                return False
        return True
    if isinstance(a, (np.ndarray, np.generic)):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, (float, complex)):
        return np.asarray(a).tobytes() == np.asarray(b).tobytes()
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(same(x, y, seen + 1) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key], seen + 1) for key in a)
    if isinstance(a, slice):
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step), seen)
    if isinstance(a, types.FunctionType):
        return a.__code__ is b.__code__ and same(_held(a), _held(b), seen + 1)
    if isinstance(a, functools.partial):
        return same((a.func, a.args, a.keywords), (b.func, b.args, b.keywords), seen + 1)
    if isinstance(a, types.MethodType):
        return a.__self__ is b.__self__ and same(a.__func__, b.__func__, seen + 1)
    try:
        return bool(a == b)
    except Exception:
        return False


def _held(function: Any) -> Any:
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return cells, function.__defaults__, function.__kwdefaults__
