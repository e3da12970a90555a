"""Which argument of a call is the `out` that NumPy writes into."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import CompileError, user_line
from .traced import Traced, method

__all__ = ["given_back", "not_traced"]


def given_back(function: Any, args: Any, values: list[Any], result: Any) -> Any:
    """The argument that NumPy has written into: it returns the array that `out` names by its position."""
    if result.__class__ is not np.ndarray or function.__class__ is np.ufunc:
        return ()
    first = 2 if function is method else 1
    if first == 1 and not (getattr(function, "__module__", None) or "").startswith("numpy"):
        return ()
    for x, value in zip(args[first:], values[first:], strict=True):
        if value is result:
            if not isinstance(x, Traced):
                raise not_traced()
            return (x,)
    return ()


def not_traced() -> CompileError:
    """The error for a write into an array that the trace does not follow."""
    return CompileError(
        f"a plain array cannot take what is written into it while a plan is made, at {user_line()}; make the "
        "array of the values, a = np.zeros_like(x), or compute a new one: np.where, np.stack"
    )
