"""Numbers that users hand in: what counts as an array of numbers, and which of them can have a gradient."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from .arrays import asarray, refuse_other_arithmetic, unwrap
from .errors import DTypeError, ShapeError
from .words.explain import describe

__all__ = ["as_numbers", "require_inexact"]

Array = npt.NDArray[Any]


def as_numbers(value: Any, line: str) -> Array:
    """The plain array of numbers that a user gave; `line` is the user's code, which errors quote."""
    if value.__class__ is np.ndarray and value.dtype.kind in "biufc":
        return cast(Array, value)
    refuse_other_arithmetic(value, line)
    try:
        array = asarray(unwrap(value))
    except ValueError as error:  # rows of several lengths
        raise ShapeError(f"{line}: {describe(value)} is no array; {error}") from error
    if array.dtype.kind not in "biufc":
        raise DTypeError(f"{line}: {describe(value)} holds no numbers; expected an array or a Tensor")
    return cast(Array, array)


def require_inexact(dtype: np.dtype[Any], line: str) -> None:
    """Refuse integers and booleans, which have no gradient; `line` is the user's code, which errors quote."""
    if dtype.kind not in "fc":
        raise DTypeError(
            f"{line}: the array is {dtype}, and only floating-point or complex values have gradients; "
            "write array.astype(float)"
        )
