"""Functions of large arrays in one pass, where the native library is installed.

NumPy takes a pass over memory for each operation of a formula, and chooses between two formulas entry by
entry. The library keeps all of that in registers. The library belongs to another package, of which only a
name is known here. Its functions have errors of a few units in the last place, below the bound of 8.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np

__all__ = ["NATIVE", "in_one_pass", "installed"]

NATIVE = "nn.kernels.native.groups"

LARGE = 1 << 15
"""From this number of entries on, the library is looked for."""

REALS = {np.dtype(np.float32), np.dtype(np.float64)}

_ARRAY = np.ndarray


def installed(name: str) -> Any:
    """A module outside of the engine; None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def in_one_pass(word: str, *args: Any) -> Any:
    """An elementwise function by the native library; None where NumPy shall compute it.

    Args:
        word: the library's word for the function.
        args: its arguments: arrays of one shape and one dtype, float32 or float64; the last is contiguous.
    """
    x = args[-1]
    if x.size < LARGE or x.dtype not in REALS or not x.flags.c_contiguous:
        return None
    if any(a.__class__ is not _ARRAY or a.shape != x.shape or a.dtype != x.dtype for a in args):
        return None
    run = _program(word, x.dtype, x.shape, len(args))
    return None if run is None else run(*args)[0]


@lru_cache(maxsize=256)
def _program(
    word: str, dtype: np.dtype[Any], shape: tuple[int, ...], count: int
) -> Callable[..., Any] | None:
    """The function of the library for arrays of a shape; None without a library."""
    library = _library()
    if library is None:
        return None
    code = ((word, tuple(range(count)), dtype),)
    program = library.Program(shape, dtype, ((shape, dtype),) * count, code, (count,))
    run: Callable[..., Any] = library.prepared(program, lambda *args: [None], _heard)
    return run


@cache
def _library() -> Any:
    library = installed(NATIVE)
    return library if library is not None and library.words() else None


def _heard() -> bool:
    """Whether the user hears of an overflow, a division by zero, an invalid value: then NumPy computes."""
    state = np.geterr()
    return any(state[name] != "ignore" for name in ("divide", "over", "invalid"))
