"""Simpler steps with the same bits: operators on arrays become ufuncs."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .slots import Ref
from .trace import Step

__all__ = ["simplified"]

UFUNCS: dict[Any, np.ufunc] = {
    **{operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply},
    **{operator.truediv: np.divide, operator.floordiv: np.floor_divide, operator.mod: np.remainder},
    **{operator.matmul: np.matmul, operator.neg: np.negative, operator.pos: np.positive},
    **{operator.abs: np.absolute, operator.invert: np.invert, operator.and_: np.bitwise_and},
    **{operator.or_: np.bitwise_or, operator.xor: np.bitwise_xor, operator.lt: np.less},
    **{operator.le: np.less_equal, operator.gt: np.greater, operator.ge: np.greater_equal},
    **{operator.eq: np.equal, operator.ne: np.not_equal},
}
"""The ufunc that NumPy's arrays call for an operator. A power is none of them: its exponent decides."""


def simplified(steps: list[Step], values: dict[int, Any]) -> list[Step]:
    """The steps of a trace, made simpler.

    Args:
        steps: in the order of the run.
        values: the value of each slot in the run.
    """
    return [_as_ufunc(step, values) for step in steps]


def _as_ufunc(step: Step, values: dict[int, Any]) -> Step:
    """An operator on arrays, or on numbers of NumPy's in floating point, as the ufunc that it calls."""
    function = step.function
    if step.kind != "pure" or function.__class__ is not _BUILTIN or step.kwargs:
        return step
    operands = [values[x.slot] if x.__class__ is Ref else x for x in step.args]
    if not all(isinstance(x, _NUMERIC) for x in operands) or not any(map(_is_numpys, operands)):
        return step
    ufunc = UFUNCS.get(function)
    if function is operator.pow and _is_square(*operands):
        return step.changed(np.square, step.args[:1])
    return step if ufunc is None else step.changed(ufunc, step.args)


_BUILTIN = type(operator.add)
_NUMERIC = (np.ndarray, np.generic, int, float, complex)


def _is_numpys(x: Any) -> bool:
    return x.__class__ is np.ndarray or (isinstance(x, np.generic) and x.dtype.kind in "fcb")


def _is_square(base: Any, exponent: Any) -> bool:
    """Whether NumPy computes the power as a square."""
    return (
        base.__class__ is np.ndarray
        and base.ndim > 0
        and base.dtype.char in "fd"
        and exponent.__class__ in (int, float)
        and exponent == 2
    )
