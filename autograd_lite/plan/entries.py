"""What a walk from a function finds: places that outlive a call, each an entry with what it held."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from ..box import Box
from .slots import same

__all__ = ["CELL", "CONTAINERS", "MISSING", "VALUES", "Entry", "Reached", "differs"]

MISSING = object()
CELL = "a closure variable"

CONTAINERS = (dict, list, deque)
"""Classes of containers whose items have a key or an index."""

VALUES = (int, float, complex, str, bytes, bool, type(None), np.generic, np.dtype)
"""Classes of objects that lead to no others; an equal one is as good as the same one."""


class Entry:
    """A place in a dict, a list, a closure cell, or an attribute of a class or of an object with slots."""

    __slots__ = ("holder", "key")

    def __init__(self, holder: Any, key: Any) -> None:
        self.holder, self.key = holder, key

    def get(self) -> Any:
        holder = self.holder
        try:
            if isinstance(holder, CONTAINERS):
                return holder[self.key]
            if self.key is CELL:
                return holder.cell_contents
            return vars(holder)[self.key] if isinstance(holder, type) else getattr(holder, self.key)
        except (LookupError, ValueError, TypeError, AttributeError):
            return MISSING

    def put(self, value: Any) -> None:
        if isinstance(self.holder, CONTAINERS):
            self.holder[self.key] = value
        elif self.key is CELL:
            self.holder.cell_contents = value
        else:
            setattr(self.holder, self.key, value)

    def __repr__(self) -> str:
        return "a closure variable" if self.key is CELL else f"{self.key!r}"


class Reached:
    """What the walk has found.

    Attributes:
        tensors: the Tensors.
        arrays: the entries that hold NumPy arrays.
        fixed: (array or set, copy) where no traced array can stand, as in a tuple.
        held: the entries that hold constant Tensors.
        links: (entry, object) for the objects on the way, and (entry, number): while each entry holds it, the
            walk would find the same.
        generators: of random numbers.
        outside: objects whose methods are steps by themselves.
        eager: reasons why calls cannot be replayed.
    """

    def __init__(self) -> None:
        self.tensors: list[Box] = []
        self.arrays: list[Entry] = []
        self.held: list[Entry] = []
        self.links: list[tuple[Entry, Any]] = []
        self.sizes: list[tuple[Any, int]] = []
        self.fixed: list[tuple[Any, Any]] = []
        self.generators: list[Any] = []
        self.outside: list[Any] = []
        self.eager: list[str] = []

    def changed(self) -> Entry | None:
        """The first entry that holds another object."""
        for entry, value in self.links:
            now = entry.get()
            if now is not value and differs(now, value):
                return entry
        for holder, n in self.sizes:
            if len(holder) != n:
                return Entry(holder, f"the length of a {type(holder).__name__}")
        for value, copy in self.fixed:
            if not same(value, copy):
                return Entry([value], f"a {type(value).__name__}")
        return None


def differs(now: Any, before: Any) -> bool:
    """Whether an entry that held one object holds another one now; numbers are compared by their bits."""
    return now.__class__ is not before.__class__ or not _equal(now, before)


def _equal(a: Any, b: Any) -> bool:
    """Whether two numbers are equal to the bit; other objects are equal only if they are the same."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(x is y or _equal(x, y) for x, y in zip(a, b, strict=True))
    if a.__class__ is not b.__class__ or not isinstance(a, VALUES):
        return False
    return bool(a == b and repr(a) == repr(b))
