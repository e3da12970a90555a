"""The user's names of what a plan reads and writes: arguments, parameters, arrays."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .. import tree
from ..box import Box
from .named import names_in
from .places import Data, Grad

__all__ = ["Names"]


class Names:
    """What the user calls the arguments of a function and what it reaches.

    Args:
        f: the function.
        arguments: the names of its arguments, in the order of the leaves.
    """

    def __init__(self, f: Any = None, arguments: Iterable[str] = ()) -> None:
        self.arguments = list(arguments)
        self.objects: dict[int, str] = {}
        self._keep: list[Any] = []  # so that no other object gets the id
        for name, value in sorted(_variables(f), key=lambda pair: not hasattr(pair[1], "named_modules")):
            self._name(name, value)  # models come first: optimizers hold their parameters too

    def argument(self, i: int) -> str:
        return self.arguments[i] if i < len(self.arguments) else f"argument {i}"

    def place(self, place: Any) -> str:
        """The name of a place: `model.0.weight`, `model.0.weight.grad`."""
        if isinstance(place, Data):
            tensor = place.tensor
            name = self.objects.get(id(tensor)) or getattr(tensor, "name", None) or "a Tensor"
            return f"{name}.grad" if isinstance(place, Grad) else name
        entry = place.entry
        around = self.objects.get(id(entry.holder))
        if around is not None:
            return around if not isinstance(entry.holder, (dict, list)) else f"{around}.{entry.key}"
        known = self.objects.get(id(entry.get()))
        return known or (entry.key if isinstance(entry.key, str) else f"[{entry.key!r}]")

    def _name(self, name: str, value: Any, inside: bool = True) -> None:
        """Name what a variable holds.

        Args:
            inside: also name the attributes of an object.
        """
        self._keep.append(value)
        if isinstance(value, (Box, np.ndarray, types.CellType)):
            self.objects.setdefault(id(value), name)
        elif isinstance(value, (tuple, list, dict)):
            for path, leaf in zip(tree.paths(value), tree.flatten(value)[0], strict=True):
                self._name(f"{name}{path}", leaf)
        elif hasattr(value, "named_modules"):
            for path, module in value.named_modules():
                self._attributes(f"{name}.{path}" if path else name, module)
        elif inside and hasattr(value, "__dict__") and not isinstance(value, _NOT_WALKED):
            self._attributes(name, value)

    def _attributes(self, name: str, value: Any) -> None:
        for key, held in vars(value).items():
            if isinstance(held, dict):  # of a module: its parameters, its buffers
                self.objects.setdefault(id(held), name)
                for inner, x in held.items():
                    if isinstance(x, (Box, np.ndarray)):
                        self._name(f"{name}.{inner}", x)
            elif not hasattr(held, "named_modules"):
                self._name(f"{name}.{key}", held, inside=False)


_NOT_WALKED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType)


def _variables(f: Any) -> Iterator[tuple[str, Any]]:
    """The variables that a function names, and those of the functions among them."""
    todo, seen = [f], set()
    while todo:
        f = todo.pop()
        if isinstance(f, types.MethodType):
            yield "self", f.__self__
            f = f.__func__
        if isinstance(f, functools.partial):
            todo += [f.func, *f.args]
            continue
        if hasattr(f, "named_modules"):
            yield type(f).__name__.lower(), f
        if not isinstance(f, types.FunctionType) or id(f) in seen:
            continue
        seen.add(id(f))
        cells = zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
        held = [(name, cell) for name, cell in cells if _filled(cell)]
        yield from held
        found = [(name, cell.cell_contents) for name, cell in held]
        found += [(name, f.__globals__[name]) for name in names_in(f.__code__) if name in f.__globals__]
        for name, value in found:
            yield name, value
            if isinstance(value, (types.FunctionType, types.MethodType, functools.partial)):
                todo.append(value)


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
