"""Inputs of users as arrays: Tensors, arrays, lists, single numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.arrays import door, every, is_batched, on_host, refuse_other_arithmetic, unwrap
from autograd_lite.errors import DataError, DTypeError

__all__ = ["Input", "as_array", "as_operand", "within"]

Array = npt.NDArray[Any]
Input = Any
"""A Tensor, an array, a list or a number: the input of `as_operand`."""


def as_array(x: Any) -> Array:
    """The array of a Tensor; of anything else, the array that NumPy makes.

    Raises:
        DataError: rows of different lengths.
        UnsupportedError: a subclass whose operators differ from NumPy's, e.g. np.matrix or a masked array.

    Example:
        >>> as_array([[1, 2], [3]])
        Traceback (most recent call last):
        autograd_lite.errors.DataError: a list whose rows differ in length or shape is no array; bring them to
        one length first, e.g. with zeros at their ends
    """
    if is_batched(unwrap(x)):  # a batch of `vmap` stays one
        return unwrap(x)  # type: ignore[no-any-return]
    if isinstance(x, Tensor):
        return x.numpy()
    refuse_other_arithmetic(x)
    if door(x) is not None:  # a traced array stays one
        return x  # type: ignore[no-any-return]
    try:
        return np.asarray(x)
    except ValueError as error:
        raise DataError(
            f"a {type(x).__name__} whose rows differ in length or shape is no array; bring them to one "
            "length first, e.g. with zeros at their ends"
        ) from error


def as_operand(who: str, x: Any, dtype: npt.DTypeLike | None = None) -> Any:
    """The operand of an op: Tensors and arrays of other libraries stay, anything else becomes a NumPy array.

    Args:
        who: the name of the caller, for the message.
        x: a Tensor, an array, a list, or a number.
        dtype: the dtype for lists and Python numbers, which have none; complex numbers stay complex.

    Raises:
        DTypeError: `x` does not hold numbers.

    Example:
        >>> as_operand("MSELoss", [1, 2.5])
        array([1. , 2.5])
    """
    if isinstance(x, Tensor) or not on_host(x):
        return x
    array = as_array(x)
    if array.dtype.kind not in "biufc":
        what = array.dtype if array.ndim or isinstance(x, np.ndarray) else type(x).__name__
        raise DTypeError(f"{who}: expected numbers, got {what}")
    bare = isinstance(x, (list, tuple, int, float))
    return array.astype(dtype) if bare and dtype is not None and array.dtype.kind != "c" else array


def within(x: Any, least: float, most: float) -> bool:
    """Whether all entries of an array are from `least` to `most`, and those of all members of a batch.

    >>> within(np.array([0, 2]), 0, 1), within(np.array([]), 0, 1)
    (False, True)
    """
    if on_host(x):
        return not x.size or bool(x.min() >= least and x.max() <= most)
    return every((x >= least) & (x <= most))
