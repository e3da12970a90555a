"""What a function reaches: the Tensors, arrays and numbers that outlive a call, found by a walk from it.

The walk follows closure cells, defaults, the globals that a function's code names, the function's `self`, the
attributes of objects, and the items of containers. It ends at libraries, and at objects that say
`__plan_outside__ = True`, such as optimizers, whose methods are steps of a plan by themselves.
It goes into an object of this library that says `__plan_inside__ = True`: a model of `autograd_lite.tiny`.
"""

from __future__ import annotations

import argparse
import array
import functools
import gc
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..box import Box
from .entries import CELL, CONTAINERS, MISSING, VALUES, Entry, Reached
from .named import LIBRARIES, asks, imported, names_in
from .traced import Traced
from .unheard import GENERATORS

__all__ = ["reach"]

FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial)


def reach(*roots: Any) -> Reached:
    """Walk from objects. The stack is a list: depth is no limit."""
    found, seen = Reached(), set()
    todo: list[tuple[Any, Entry | None]] = [(root, None) for root in reversed(roots)]
    alive = [roots]
    while todo:
        value, entry = todo.pop()
        if isinstance(value, (np.ndarray, Traced)):
            if entry is None and isinstance(value, np.ndarray):  # in a tuple: nothing can take its place
                found.fixed.append((value, value.copy()))
            elif entry is not None and not value.dtype.hasobject:
                found.arrays.append(entry)
            elif entry is not None:
                found.links.append((entry, value))
                found.fixed.append((value, value.copy()))
            continue
        if isinstance(value, Box) and value.node is None and entry is not None:
            found.held.append(entry)
            continue
        if entry is not None:
            found.links.append((entry, value))
        if isinstance(value, VALUES) or id(value) in seen:
            continue
        seen.add(id(value))
        alive.append(value)
        if isinstance(value, Box):
            found.tensors.append(value)
            hooks = getattr(value.node, "hooks", None) or {}
            todo.extend((hook, None) for hook in hooks.values())
            continue
        if hasattr(type(value), "__plan_eager__") and (reason := value.__plan_eager__):
            found.eager.append(reason)
        todo.extend(reversed(list(_next(value, found))))
    return found


def _next(value: Any, found: Reached) -> Iterator[tuple[Any, Entry | None]]:
    """The objects that an object leads to, each with its place."""
    kind = type(value)
    if getattr(kind, "__plan_outside__", False):
        found.outside.append(value)
        for group in getattr(value, "param_groups", ()):
            yield from ((p, None) for p in group["params"])
        yield getattr(value, "optimizer", None), None
    elif isinstance(value, types.FunctionType):
        yield from _of_function(value, found)
    elif isinstance(value, types.MethodType):
        yield value.__func__, None
        yield value.__self__, None
    elif isinstance(value, functools.partial):
        yield value.func, None
        yield value.args, None
        yield value.keywords, None
    elif isinstance(value, CONTAINERS):
        found.sizes.append((value, len(value)))
        keys = list(value) if isinstance(value, dict) else range(len(value))
        yield from ((value[key], Entry(value, key)) for key in keys)
        if isinstance(value, dict):
            yield from ((key, None) for key in value if isinstance(key, Box))
    elif isinstance(value, (tuple, set, frozenset)):
        if isinstance(value, set):
            found.fixed.append((value, set(value)))
        yield from ((item, None) for item in value)
    elif isinstance(value, type):  # a class as a namespace, or the first argument of a class method
        if not _is_installed(value):
            yield from _of_class(value, found)
    elif isinstance(value, (types.ModuleType, types.BuiltinFunctionType, np.ufunc)) or value is Ellipsis:
        return
    elif (
        kind.__module__.partition(".")[0] in LIBRARIES - {"nn", "collections"}
        and kind not in (types.SimpleNamespace, argparse.Namespace)
        and not getattr(kind, "__plan_inside__", False)
    ):
        if isinstance(value, GENERATORS):
            found.generators.append(value)
        if isinstance(value, (array.array, bytearray)):
            found.fixed.append((value, value[:]))
        own = vars(value).values() if hasattr(value, "__dict__") else ()
        yield from ((item, None) for item in own if isinstance(item, FUNCTIONS))  # a custom_vjp, a wrapper
    else:
        yield from _of_object(value, found)


def _of_object(value: Any, found: Reached) -> Iterator[tuple[Any, Entry | None]]:
    kind = type(value)
    own = getattr(value, "__dict__", None)
    if isinstance(own, dict):
        found.sizes.append((own, len(own)))
        yield from ((own[key], Entry(own, key)) for key in list(own))
    slots = {name for cls in kind.__mro__ for name in _slots(cls)}
    for name in sorted(slots):
        if (item := Entry(value, name).get()) is not MISSING:
            yield item, Entry(value, name)
    if own is None and not slots:
        yield from ((item, None) for item in gc.get_referents(value) if item is not kind)
    yield from _of_class(kind, found)


def _is_installed(kind: type) -> bool:
    """Whether a class belongs to an installed package, whose methods lead to all of the package."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


def _of_class(kind: type, found: Reached) -> Iterator[tuple[Any, Entry | None]]:
    for cls in kind.__mro__:
        if cls.__module__.partition(".")[0] not in LIBRARIES:
            for name, item in list(vars(cls).items()):
                method = getattr(item, "__func__", getattr(item, "fget", item))
                if isinstance(method, types.FunctionType):
                    found.links.append((Entry(cls, name), item))
                    yield method, None
                elif not name.startswith("__") and (
                    isinstance(item, (*VALUES, Box, np.ndarray, list, dict, tuple))
                    if _is_installed(cls)
                    else not hasattr(type(item), "__get__")
                ):
                    yield item, Entry(cls, name)


def _slots(cls: type) -> list[str]:
    slots = vars(cls).get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else slots
    return [name for name in slots if not name.startswith("__")]


def _of_function(f: types.FunctionType, found: Reached) -> Iterator[tuple[Any, Entry | None]]:
    for cell in f.__closure__ or ():
        entry = Entry(cell, CELL)
        if (value := entry.get()) is not MISSING:
            yield value, entry
    yield f.__defaults__, Entry(f, "__defaults__")
    yield f.__kwdefaults__, Entry(f, "__kwdefaults__")
    if hasattr(f, "__wrapped__"):
        yield f.__wrapped__, None
    if (f.__module__ or "").partition(".")[0] in LIBRARIES:
        return
    found.links.append((Entry(f, "__code__"), f.__code__))
    yield from ((item, Entry(vars(f), key)) for key, item in vars(f).items())
    names = list(names_in(f.__code__))
    if (reason := asks(f, names)) is not None:
        found.eager.append(f"{f.__qualname__} {reason}")
    spaces = [f.__globals__, *imported(f)]
    for name in names:
        for space in spaces:
            if name in space and not (name.startswith("__") and name.endswith("__")):
                value = space[name]
                if isinstance(value, types.ModuleType):
                    if value.__name__.partition(".")[0] not in LIBRARIES and vars(value) not in spaces:
                        spaces.append(vars(value))
                else:
                    yield value, Entry(space, name)
