"""Which arrays there are: plain ones, and subclasses whose operators mean something else."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .errors import UnsupportedError

__all__ = ["MASKED", "refuse_other_arithmetic"]

MASKED = (
    "a masked array does not go with Tensors, which have no mask; write m.filled(0), which is "
    "np.ma.filled(m, 0), for the array, and np.where(~m.mask, x, 0) to leave entries of x out"
)

_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_MEANINGS = (
    *("__array_ufunc__", "__array_function__", "__neg__", "__abs__", "__lt__", "__eq__"),
    *(f"__{side}{name}__" for name in _ARITHMETIC for side in ("", "r")),
)
"""What a class redefines if its operators mean something else."""


def refuse_other_arithmetic(value: Any, line: str = "") -> None:
    """Refuse an array for which an operator means something else than for a plain one.

    With `m` a np.matrix, `m * m` is the matrix product; a masked array leaves entries out of its sums. A
    function of such an array is another function than that of the Tensor that would take its place. Other
    subclasses (np.memmap, np.recarray) are arrays like any other. Lists are looked into.

    Args:
        value: anything; what is no array passes.
        line: the user's code, or who takes the value: the beginning of the message.

    Raises:
        UnsupportedError: with the line that makes it a plain array.

    Example:
        >>> refuse_other_arithmetic(np.eye(2).view(np.matrix))
        Traceback (most recent call last):
        autograd_lite.errors.UnsupportedError: a np.matrix, for which * is the matrix product, does not go
        with Tensors; write np.asarray(m)
    """
    kind: Any = type(value)
    if kind is list or kind is tuple:
        if any(_is_container(each) or _has_other_arithmetic(each) for each in set(map(type, value))):
            for item in value:
                refuse_other_arithmetic(item, line)
    elif _has_other_arithmetic(kind):
        raise UnsupportedError(f"{line}: {_reason(value)}" if line else _reason(value))


def _is_container(kind: type) -> bool:
    return kind is list or kind is tuple


@functools.lru_cache(maxsize=256)
def _has_other_arithmetic(kind: type) -> bool:
    return issubclass(kind, np.ndarray) and any(
        getattr(kind, name) is not getattr(np.ndarray, name) for name in _MEANINGS
    )


def _reason(value: Any) -> str:
    if isinstance(value, np.ma.MaskedArray):
        return MASKED
    if isinstance(value, np.matrix):
        return "a np.matrix, for which * is the matrix product, does not go with Tensors; write np.asarray(m)"
    name = type(value).__name__
    return (
        f"a {name}, an array whose operators mean something else than NumPy's, does not go with Tensors; "
        "write np.asarray(m)"
    )
