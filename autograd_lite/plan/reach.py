"""What a function reaches: the Tensors, arrays and numbers that outlive a call, found by a walk from it.

The walk follows closure cells, defaults, the globals that a function's code names, the function's `self`, the
attributes of objects, and the items of containers. It ends at libraries, and at objects that say
`__plan_outside__ = True`, such as optimizers, whose methods are steps of a plan by themselves.
"""

from __future__ import annotations

import argparse
import array
import builtins
import dis
import functools
import gc
import os
import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..box import Box
from .trace import same
from .traced import Traced
from .unheard import GENERATORS

__all__ = ["CELL", "MISSING", "NUMBERS", "Entry", "Reached", "differs", "reach"]

LIBRARIES = frozenset({"numpy", "autograd_lite", "nn", "visualize"}) | sys.stdlib_module_names
"""Packages whose functions and classes are not walked through."""

NUMBERS = (int, float, complex, str, bytes, bool, type(None), np.generic, np.dtype)
FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial)
MISSING = object()


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


CELL = "a closure variable"

ASKS_CLASSES = frozenset({"isinstance", "issubclass", "type", "__class__"})
ASKS_NAMES = frozenset({"hasattr", "getattr"})
"""What would give another answer for a traced array than for the array or the number in its place."""

MATCHES_CLASSES, IMPORTS = dis.opmap["MATCH_CLASS"], dis.opmap["IMPORT_NAME"]

UNWATCHED = (
    open,
    globals,
    os.environ,
    os.getenv,
    np.load,
    np.loadtxt,
    np.genfromtxt,
    np.fromfile,
    np.isscalar,
)
"""What reads values that a plan cannot watch."""

CONTAINERS = (dict, list, deque)
"""Classes of containers whose items have a key or an index."""


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
    if a.__class__ is not b.__class__ or not isinstance(a, NUMBERS):
        return False
    return bool(a == b and repr(a) == repr(b))


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
        if isinstance(value, NUMBERS) or id(value) in seen:
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
    elif kind.__module__.partition(".")[0] in LIBRARIES - {"nn", "collections"} and kind not in (
        types.SimpleNamespace,
        argparse.Namespace,
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
                    isinstance(item, (*NUMBERS, Box, np.ndarray, list, dict, tuple))
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
    names = list(_names(f.__code__))
    if (reason := _asks(f, names)) is not None:
        found.eager.append(f"{f.__qualname__} {reason}")
    spaces = [f.__globals__, *_imported(f)]
    for name in names:
        for space in spaces:
            if name in space and not (name.startswith("__") and name.endswith("__")):
                value = space[name]
                if isinstance(value, types.ModuleType):
                    if value.__name__.partition(".")[0] not in LIBRARIES and vars(value) not in spaces:
                        spaces.append(vars(value))
                else:
                    yield value, Entry(space, name)


def _asks(f: types.FunctionType, names: list[str]) -> str | None:
    """Why a function would run another way on traced arrays, or reads what no plan can watch."""
    named = list(_named(f, names))
    codes = list(_codes(f.__code__))
    asked = min(ASKS_CLASSES.intersection(names), default=None)
    if asked is None and any(MATCHES_CLASSES in code.co_code[::2] for code in codes):
        asked = "match"
    if asked is not None and any(map(_tells_apart, named)):
        return f"calls {asked}; traced arrays have a class of their own"
    if asked := min(ASKS_NAMES.intersection(names), default=None):
        words = {word for code in codes for word in code.co_consts if isinstance(word, str)}
        if any(len({hasattr(kind, word) for kind in KINDS}) > 1 for word in words):
            return f"calls {asked}; traced arrays have attributes of their own"
    for value in UNWATCHED:
        if any(value is other for other in named):
            name = getattr(value, "__name__", "os.environ")
            return f"uses {name}, which no plan can watch; pass as an argument what it reads"
    return None


def _imported(f: types.FunctionType) -> Iterator[dict[str, Any]]:
    """The contents of modules that the body of a function imports."""
    package = f.__globals__.get("__package__") or ""
    for code in _codes(f.__code__):
        for op, i in zip(code.co_code[::2], code.co_code[1::2], strict=True):
            names = (code.co_names[i], f"{package}.{code.co_names[i]}") if op == IMPORTS else ()
            for full in names:
                if (module := sys.modules.get(full)) is not None and full.partition(".")[0] not in LIBRARIES:
                    yield vars(module)


def _named(f: types.FunctionType, names: Iterable[str]) -> Iterator[Any]:
    """What a function names: globals, builtins, attributes of modules, closure variables."""
    spaces = [f.__globals__, vars(builtins)]
    values = [space[name] for name in names for space in spaces if name in space]
    yield from values
    modules = [value for value in values if isinstance(value, types.ModuleType)]
    yield from (vars(module).get(name) for module in modules for name in names)  # wakes no lazy module
    yield from (Entry(cell, CELL).get() for cell in f.__closure__ or ())


def _tells_apart(value: Any) -> bool:
    """Whether a class, or one of a tuple, has arrays or numbers in it, and no traced arrays."""
    if isinstance(value, tuple):
        return any(map(_tells_apart, value))
    return isinstance(value, type) and len({issubclass(kind, value) for kind in KINDS}) > 1


KINDS = (Traced, np.ndarray, np.float32, np.float64, np.int64, np.bool_, float, int, complex)
"""Classes of arguments, and what stands for all of them while a plan is made."""


def _names(code: types.CodeType) -> Iterator[str]:
    for inner in _codes(code):
        yield from inner.co_names


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function, and of the functions in its body."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)
