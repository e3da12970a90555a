"""What the code of a function names: globals, attributes, imports, and what no plan can watch."""

from __future__ import annotations

import builtins
import dis
import os
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .entries import CELL, Entry
from .traced import Traced

__all__ = ["LIBRARIES", "asks", "imported", "names_in"]

LIBRARIES = frozenset({"numpy", "autograd_lite", "nn", "visualize"}) | sys.stdlib_module_names
"""Packages whose functions and classes are not walked through."""

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

KINDS = (Traced, np.ndarray, np.float32, np.float64, np.int64, np.bool_, float, int, complex)
"""Classes of arguments, and what stands for all of them while a plan is made."""


def names_in(code: types.CodeType) -> Iterator[str]:
    """The names in the code of a function, and of the functions in its body."""
    for inner in _codes(code):
        yield from inner.co_names


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function, and of the functions in its body."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def imported(f: types.FunctionType) -> Iterator[dict[str, Any]]:
    """The contents of modules that the body of a function imports."""
    package = f.__globals__.get("__package__") or ""
    for code in _codes(f.__code__):
        for op, i in zip(code.co_code[::2], code.co_code[1::2], strict=True):
            names = (code.co_names[i], f"{package}.{code.co_names[i]}") if op == IMPORTS else ()
            for full in names:
                if (module := sys.modules.get(full)) is not None and full.partition(".")[0] not in LIBRARIES:
                    yield vars(module)


def asks(f: types.FunctionType, names: list[str]) -> str | None:
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
