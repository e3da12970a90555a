"""An array in words: its dtype, its shape, its norm, a few statistics, or its entries."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..computation import Kind
from ..faults import nonfinite
from .formulas import digits
from .label import number

__all__ = ["amount", "bracketed", "counted", "is_array", "kind", "norm", "shape", "statistics"]


def counted(n: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "step"), counted(7850, "parameter")
    ('1 step', '7,850 parameters')
    """
    return f"{n:,} {what}{'s' * (n != 1)}"


def bracketed(shown: str) -> str:
    """A term of a sum or product: a negative number stands in brackets."""
    return f"({shown})" if shown.startswith("-") else shown


def shape(value: Any) -> str:
    """The shape of an array as on an arrow, with the dtype unless it is floating-point; or the number.

    >>> shape(np.zeros((8, 3))), shape(np.zeros(2, int)), shape(0.5)
    ('(8, 3)', 'int64 (2,)', '0.50')
    """
    if isinstance(value, tuple):
        return ", ".join(map(shape, value))
    if value is None:
        return number(value)
    if isinstance(value, Kind):
        return str(value) if value.dtype.kind != "f" else str(value.shape or "")
    array = np.asarray(value)
    if array.ndim == 0:
        return number(value)
    return str(array.shape) if array.dtype.kind == "f" else f"{array.dtype} {array.shape}"


def kind(value: Any) -> str:
    """The dtype and shape of a value.

    >>> kind(np.zeros((8, 3), np.float32)), kind(2.5)
    ('float32 (8, 3)', 'float64 ()')
    """
    if value is None or isinstance(value, Kind):
        return "no value" if value is None else str(value)
    if isinstance(value, tuple):
        return ", ".join(map(kind, value))
    array = np.asarray(value)
    return f"{array.dtype} {array.shape}"


def norm(values: Any) -> float:
    """The Euclidean norm of all entries of an array, or of a tuple of arrays, without overflow.

    A part of a tuple that no gradient has reached is None, and adds nothing.

    >>> norm((np.array([3.0]), None, np.array([4.0])))
    5.0
    """
    if isinstance(values, (tuple, list)):
        return math.hypot(*(norm(x) for x in values if x is not None))
    array = np.abs(np.asarray(values)).astype(float).ravel()
    largest = float(np.max(array, initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.sum(np.square(array / largest))))


def statistics(value: Any) -> str:
    """The smallest, mean and largest entry and the norm of an array; or the number.

    NaN and inf are counted, and left out of the statistics.

    >>> statistics(np.array([3.0, 4.0])), statistics(np.array([])), statistics(0.25)
    ('min 3.00  mean 3.50  max 4.00  norm 5.00', 'empty', '0.25')
    >>> statistics(np.array([1.0, np.nan, np.inf]))
    '1 NaN, 1 inf of 3;  min 1.00  mean 1.00  max 1.00  norm 1.00'
    """
    if value is None:
        return number(value)
    if isinstance(value, tuple):
        return "; ".join(map(statistics, value))
    array = np.asarray(value)
    if array.ndim == 0:
        return number(value)
    if array.size == 0:
        return "empty"
    if array.dtype.kind not in "biufc":
        return kind(array)
    said = ""
    if nonfinite(array):
        missing = {"NaN": int(np.isnan(array).sum()), "inf": int(np.isinf(array).sum())}
        said = ", ".join(f"{n} {what}" for what, n in missing.items() if n) + f" of {array.size};  "
        array = array[np.isfinite(array)]
        if array.size == 0:
            return said.rstrip("; ")
    if array.dtype.kind == "b":
        return f"{said}{int(array.sum())} of {array.size} true"
    if array.dtype.kind == "c":
        return f"{said}norm {number(norm(array))}"
    wide = array.astype(float)
    with np.errstate(all="ignore"):
        mean = number(float(wide.mean()))
    low, high = number(array.min()), number(array.max())
    return f"{said}min {low}  mean {mean}  max {high}  norm {number(norm(array))}"


def amount(value: Any) -> str:
    """A number, a short list of numbers, or the shape and norm of an array.

    >>> amount(-0.534446), amount(np.array([1.0, -2.0])), amount(np.ones((3, 4)))
    ('-0.5344', '[1.00, -2.00]', '(3, 4), norm 3.464')
    """
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return f"({', '.join(map(amount, value))})"
    if isinstance(value, Kind):
        return str(value)
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        return str(array.shape)
    if array.ndim == 0:
        return digits(array.item())
    if array.ndim == 1 and 0 < array.size <= 4:
        return f"[{', '.join(map(digits, array.tolist()))}]"
    return f"{array.shape}, norm {digits(norm(array))}"


def is_array(value: Any) -> bool:
    """Whether a value is an array with axes, or a tuple of arrays."""
    return isinstance(value, tuple) or np.ndim(value) > 0
