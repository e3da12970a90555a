"""NumPy's functions, which also take lists that hold Tensors: `np.sum([x, y])`, `np.array([x, y])`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..aliases import Function
from ..errors import OptionError
from ..tensor import Tensor
from .tracer import isbox

__all__ = ["array", "array_like", "c_", "full", "functions_of", "make_diagonal", "metadata", "r_"]

SEQUENCES = frozenset(
    {np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.select, np.choose}
    | {np.piecewise, np.linalg.multi_dot}
)
"""The functions that take a list of arrays."""


def array(A: Any, dtype: Any = None, *, ndmin: int = 0, copy: bool | None = True, **options: Any) -> Any:
    """An array of numbers, arrays and Tensors; a Tensor on the tape if one of them is.

    Args:
        A: a number, an array, a Tensor, or nested lists and tuples of them.
        dtype, ndmin, copy, options: as in `numpy.array`.

    Example:
        >>> import autograd_lite as ag
        >>> ag.grad(lambda x: np.sum(array([[x, 2.0], [3.0, x]]) ** 2))(3.0)
        12.0
    """
    if not isbox(A):
        return np.array(A, dtype, ndmin=ndmin, copy=copy, **options)
    made = A if isinstance(A, Tensor) else np.stack([array(x, dtype) for x in A])
    if dtype is not None and made.dtype != np.dtype(dtype):
        made = made.astype(dtype)
    elif made is A and copy:
        made = np.copy(A)
    return made if made.ndim >= ndmin else made.reshape((1,) * (ndmin - made.ndim) + made.shape)


def stacked(x: Any) -> Any:
    """A list or tuple that holds Tensors as one Tensor; any other object is unchanged."""
    return array(x, copy=False) if isinstance(x, (list, tuple)) and isbox(x) else x


def each_stacked(x: Any) -> Any:
    """A list of arrays, with the lists in it as `stacked` gives them."""
    return [stacked(item) for item in x] if isinstance(x, (list, tuple)) else x


def taking_lists(function: Function) -> Function:
    """The function with lists of Tensors stacked to one Tensor.

    What it calls is its attribute `step`, so that a program can give it other rules (see `core.rules_for`).
    """
    as_arrays = each_stacked if function in SEQUENCES else stacked

    @functools.wraps(function, updated=())
    def called(*args: Any, **kwargs: Any) -> Any:
        for x in args:
            if x.__class__ is list or x.__class__ is tuple:
                return called.step(*map(as_arrays, args), **kwargs)  # type: ignore[attr-defined]
        return called.step(*args, **kwargs)  # type: ignore[attr-defined]

    called.step = function  # type: ignore[attr-defined]
    return called


def functions_of(module: Any) -> dict[str, Any]:
    """The public names of a module of NumPy; its functions take lists of Tensors. One object stays one."""
    made: dict[int, Any] = {}
    for value in vars(module).values():
        if isinstance(value, (np.ufunc, type(np.sum))) and value is not np.block:
            made[id(value)] = made.get(id(value)) or taking_lists(value)
    return {
        name: made.get(id(value), value)
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, type(np))
    }


def array_like(function: Function) -> Function:
    """`np.asarray` or one of its kin, which gives back a Tensor as a Tensor."""

    @functools.wraps(function)
    def called(a: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        return array(a, dtype, copy=False) if isbox(a) else function(a, dtype, *args, **options)

    return called


def full(shape: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    """`np.full`, with a fill value that may be a Tensor."""
    if not isbox(fill_value):
        return np.full(shape, fill_value, dtype, **options)
    return np.broadcast_to(array(fill_value, dtype), shape)


def make_diagonal(D: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Square matrices with the last axis of D on their diagonals.

    >>> make_diagonal(np.array([1.0, 2.0]), axis1=-1, axis2=-2)
    array([[1., 0.],
           [0., 2.]])
    """
    if (offset, axis1, axis2) != (0, -1, -2):
        raise OptionError(
            f"make_diagonal(D, offset={offset}, axis1={axis1}, axis2={axis2}): it makes diagonals of the "
            "last two axes; write make_diagonal(D, offset=0, axis1=-1, axis2=-2)"
        )
    return D[..., None] * np.eye(D.shape[-1])


def metadata(A: Any) -> tuple[tuple[int, ...], int, np.dtype[Any], bool]:
    """The shape, the number of axes and the dtype of an array, and whether it is complex."""
    return np.shape(A), np.ndim(A), np.result_type(A), np.iscomplexobj(A)


class Joined:
    """`np.r_` or `np.c_`, whose items may be Tensors.

    >>> import autograd_lite as ag
    >>> ag.grad(lambda x: np.sum(r_[x, 0:3, x]))(1.0)
    2.0
    """

    def __init__(self, numpys: Any, join: Function) -> None:
        self._numpys, self._join = numpys, join

    def __getitem__(self, key: Any) -> Any:
        if not isbox(key):
            return self._numpys[key]
        pieces = key if isinstance(key, tuple) else (key,)
        return self._join([array(self._numpys[x] if isinstance(x, slice) else x, ndmin=1) for x in pieces])


def _beside(pieces: list[Any]) -> Any:
    if all(piece.ndim == 1 for piece in pieces):
        return np.column_stack(pieces)
    return np.concatenate(pieces, axis=-1)


r_ = Joined(np.r_, np.concatenate)
c_ = Joined(np.c_, _beside)
