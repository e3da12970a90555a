"""What users hand over as numbers: Tensors, arrays, lists, single numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.arrays import door, on_host, refuse_other_arithmetic
from autograd_lite.errors import DataError, DTypeError

__all__ = ["Input", "as_array", "as_operand"]

Array = npt.NDArray[Any]
Input = Any
"""A Tensor, an array, a list or a number: what `as_operand` takes."""


def as_array(x: Any) -> Array:
    """The array of a Tensor, or the one that NumPy makes of anything else.

    Raises:
        DataError: rows of different lengths.
        UnsupportedError: a np.matrix, a masked array, or another whose operators mean something else.

    Example:
        >>> as_array([[1, 2], [3]])
        Traceback (most recent call last):
        autograd_lite.errors.DataError: a list whose rows differ in length or shape is no array; bring them to
        one length first, e.g. with zeros at their ends
    """
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
    """What ops compute with: a Tensor, or an array of another class than NumPy's, as it is, else an array of
    numbers.

    Args:
        who: what is going to compute, for the message.
        x: a Tensor, an array, a list, or a number.
        dtype: what lists and numbers become, which have no dtype of their own; complex ones stay complex.

    Raises:
        DTypeError: there are no numbers in it.

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
