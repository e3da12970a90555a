"""C twins of the NumPy kernels: optional, and never required.

The library beside this file is compiled when the package is installed (`build.py`). It is called through
`ctypes`, which lets go of the interpreter, so the threads of the kernels share the work. Where there is no
library, NumPy's kernels do all the work. `AUTOGRAD_LITE_NATIVE=0` has the same effect.

A native kernel returns `NotImplemented` for what it does not serve: other dtypes, empty arrays, shapes for
which NumPy is faster. Then its NumPy twin runs. `TABLE` lists the pairs.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from .build import LIBRARY, fingerprint

__all__ = ["TABLE", "call", "level", "library", "native_type", "prompt", "state", "twin"]

Array = npt.NDArray[Any]

SWITCH = "AUTOGRAD_LITE_NATIVE"
"""The variable of the environment: 0 turns the library off, 1 or nothing uses it; a path names another."""

TABLE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
"""Each kernel with its native and its NumPy twin."""

REALS = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
"""The dtypes of the native kernels, in C's words."""

_F = TypeVar("_F", bound=Callable[..., Any])


def twin(native: Callable[..., Any], few: int | None = None) -> Callable[[_F], _F]:
    """Decorate a NumPy kernel: `native` gets the arguments first, where there is a library.

    Args:
        native: takes the arguments of the kernel; returns its result, or `NotImplemented`.
        few: the NumPy kernel serves first arguments of up to this number of entries.

    Returns:
        The decorator. The decorated kernel keeps the NumPy twin as `kernel.__wrapped__`.
    """

    def decorate(kernel: _F) -> _F:
        TABLE[kernel.__name__] = native, kernel

        @wraps(kernel)
        def chosen(*args: Any, **options: Any) -> Any:
            if (few is None or args[0].size > few) and library() is not None:
                result = native(*args, **options)
                if result is not NotImplemented:
                    return result
            return kernel(*args, **options)

        return cast(_F, chosen)

    return decorate


@cache
def library() -> ctypes.CDLL | None:
    """The library; None if there is none, if it does not suit this processor, or if it is turned off."""
    found = _found()
    return None if isinstance(found, str) else found


def state() -> str:
    """One line: the library's instruction set and file, or why NumPy's kernels do all the work."""
    found = _found()
    if isinstance(found, str):
        return f"none: {found}"
    return f"{f'x86-64-v{level()}' if level() else 'plain'}, {_path()}"


@cache
def _found() -> ctypes.CDLL | str:
    """The library, or the reason why there is none."""
    if os.environ.get(SWITCH) == "0":
        return f"turned off by {SWITCH}=0"
    if not _path().is_file():
        return "not compiled; install a C compiler and then the package, or run nn/kernels/native/build.py"
    try:
        found = ctypes.CDLL(str(_path()))
        found.fingerprint.restype = ctypes.c_uint32
        if found.fingerprint() != fingerprint():
            return "compiled from other C files than those here; run nn/kernels/native/build.py"
        found[f"convolve_float_v{found.level()}"]
    except (OSError, AttributeError) as error:
        return f"{_path()} does not suit this machine ({type(error).__name__})"
    return found


def _path() -> Path:
    """The library beside this file, or the one that the environment names."""
    named = os.environ.get(SWITCH, "")
    return Path(named) if named not in ("", "0", "1") else Path(__file__).with_name(LIBRARY)


@cache
def level() -> int:
    """The version of x86-64 that the library uses here; 0 on other kinds of processors."""
    found = library()
    return 0 if found is None else int(found.level())


@cache
def _function(name: str, dtype: np.dtype[Any]) -> Any:
    """A function of the library that lets go of the interpreter; its arguments must be in C's classes."""
    found = library()
    assert found is not None
    function = found[f"{name}_{REALS[dtype]}_v{level()}"]
    function.restype = ctypes.c_int64
    return function


@cache
def prompt(name: str, dtype: np.dtype[Any], result: Any = ctypes.c_int64) -> Any:
    """A function of the library that keeps the interpreter, for calls of a microsecond.

    Args:
        name: the function's name in C, without the suffix.
        dtype: float32 or float64.
        result: the class of its result in `ctypes`.
    """
    function = ctypes.PyDLL(str(_path()))[f"{name}_{REALS[dtype]}_v{level()}"]
    function.restype = result
    return function


def call(name: str, dtype: np.dtype[Any], *args: Array | float | None) -> int:
    """Call a function of the library.

    Args:
        name: the function's name in C, without the suffix.
        dtype: float32 or float64.
        args: arrays, passed as pointers; None, a null pointer; ints as int64, floats as double.
    """
    return int(_function(name, dtype)(*map(_in_c, args)))


_Address = ctypes.c_char * 0
"""`_Address.from_buffer(x)` is passed as the address of x, which must be writable. This takes a quarter of
the time of `x.ctypes` or `x.__array_interface__`, and a small kernel takes no longer than these."""


def _in_c(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        flags = value.flags
        if not (flags.c_contiguous and flags.aligned):
            raise ValueError(
                "a native kernel got an array that is not contiguous; write np.ascontiguousarray(x)"
            )
        if flags.writeable:
            return _Address.from_buffer(value)  # type: ignore[arg-type]
        return ctypes.c_void_p(value.__array_interface__["data"][0])
    if value is None:
        return ctypes.c_void_p()
    return ctypes.c_double(value) if isinstance(value, float) else ctypes.c_int64(value)


def native_type(*arrays: Array | None) -> np.dtype[Any] | None:
    """The one dtype of all arrays, if native kernels serve it; None otherwise, and for subclasses."""
    given = [a for a in arrays if a is not None]
    dtype = given[0].dtype
    plain = all(type(a) is np.ndarray and a.dtype == dtype for a in given)
    return dtype if plain and dtype in REALS and dtype.isnative else None
