"""Interval: an array of intervals [lo, hi], one for each entry.

NumPy hands its functions to `Interval`. The table `rules` says for each what interval holds every result. A
comparison that holds for some points of the box and fails for others gives a `Truth`: an interval from 0 to
1. `np.where` takes both sides there, and `if` raises.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NoReturn

import numpy as np

from .. import tree
from ..apply import apply, astype
from ..arrays import unwrap
from ..batching.batched import ASKS_NO_VALUE, ByFunctions, arrays_of, changed
from ..box import Box
from ..during import during
from ..errors import UnsupportedError
from ..known import Composition, known
from ..node import op_name
from ..recording import enable_grad
from ..tensor import Tensor

__all__ = ["Interval", "Truth", "decided", "rules"]

rules: dict[Any, Callable[..., Any]] = {}
"""op -> `rule(*args, **kwargs)`: the interval of the result. The rule may be an attribute `op.enclosed`."""

composing: ContextVar[frozenset[Any]] = ContextVar("composing", default=frozenset())
"""The ops whose composition runs."""

REDUCTIONS: dict[Any, Any] = {
    **{np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min},
    **{np.fmax: np.max, np.fmin: np.min},
}
"""The functions that stand for `reduce` of ufuncs."""


class Interval(ByFunctions, np.lib.mixins.NDArrayOperatorsMixin):
    """Numbers of which only bounds are known.

    Args:
        lo, hi: arrays of one shape, in float64.
    """

    __slots__ = ("hi", "lo")

    def __init__(self, lo: Any, hi: Any) -> None:
        self.lo, self.hi = np.asarray(lo, float), np.asarray(hi, float)

    @staticmethod
    def point(x: Any) -> Interval:
        """The intervals of exact numbers: both ends are one array."""
        x = np.asarray(x, float)
        return Interval(x, x)

    def __repr__(self) -> str:
        if self.size == 1:
            return f"[{self.lo.item():.6g}, {self.hi.item():.6g}]"
        return f"<intervals, shape={self.shape}>"

    shape = property(lambda self: self.lo.shape)
    ndim = property(lambda self: self.lo.ndim)
    size = property(lambda self: self.lo.size)
    dtype = property(lambda self: self.lo.dtype)
    real = property(lambda self: self)

    def __len__(self) -> int:
        return len(self.lo)

    def astype(self, dtype: Any, **options: Any) -> Any:
        return answer(astype, (self, dtype), {})

    # -- the seam: see arrays.py -------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Box) for x in args):
            return NotImplemented
        if method == "reduce" and ufunc in REDUCTIONS:
            kwargs = {key: value for key, value in kwargs.items() if value is not None}
            return answer(REDUCTIONS[ufunc], (args[0],), {"axis": args[1] if args[1:] else 0, **kwargs})
        return answer(ufunc, args, kwargs) if method == "__call__" else _without_rule(ufunc)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Box) for kind in types):
            return NotImplemented
        if function in (np.zeros, np.ones, np.empty):  # called with like=self
            made = function(args[0])
            return Interval(made, made.copy())
        return answer(function, args, kwargs)

    def __array_op__(self, op: Any, function: Any, args: Any, kwargs: Any) -> Any:
        if any(isinstance(x, Box) for x in (*args, *kwargs.values())):
            return apply(op, *args, **kwargs)
        return answer(op, args, kwargs)

    def __array_host__(self) -> Any:
        if not (self.lo == self.hi).all():
            raise UnsupportedError(
                f"enclose: {self!r} stands for many numbers, so the value cannot be read; choose with "
                "np.where in place of if, or enclose a smaller box"
            )
        return self.lo.astype(self.dtype)

    def __bool__(self) -> bool:
        return bool(self.__array_host__())

    def __float__(self) -> float:
        return float(self.__array_host__())

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.__array_host__()

    def __getitem__(self, index: Any) -> Interval:
        if index.__class__ is tuple and not index:  # a number stays the very number: see `choices._equal`
            return self
        index = decided(index)
        return type(self)(self.lo[index], self.hi[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        index, value = decided(index), value if isinstance(value, Interval) else Interval.point(value)
        if np.may_share_memory(self.lo, self.hi):  # the ends of a point are one array
            self.hi = self.hi.copy()
        self.lo[index], self.hi[index] = value.lo, value.hi

    __hash__ = None  # type: ignore[assignment]


class Truth(Interval):
    """Answers of comparisons: [0, 0] is false everywhere in the box, [1, 1] true, and [0, 1] undecided."""

    __slots__ = ("read",)

    dtype = property(lambda self: np.dtype(bool))

    def __init__(self, lo: Any, hi: Any) -> None:
        super().__init__(lo, hi)
        self.read: bool | None = None  # what the library's own code reads if this is undecided

    def __repr__(self) -> str:
        undecided = int((self.lo != self.hi).sum())
        return f"a comparison that is undecided for {undecided} of {self.size} entries"

    def __array_host__(self) -> Any:
        if self.read is not None:
            return np.where(self.lo == self.hi, self.lo != 0, self.read)
        return super().__array_host__()

    def __bool__(self) -> bool:
        return bool(super().__array_host__())


def decided(index: Any) -> Any:
    """An index whose masks are NumPy's arrays.

    Raises:
        UnsupportedError: a mask is undecided.
    """
    return changed(lambda x: x.__array_host__(), index, (Interval,))


def answer(op: Any, args: Any, kwargs: Any) -> Any:
    """An op on arguments among which are intervals."""
    if (rule := rules.get(op) or getattr(op, "enclosed", None)) is not None:
        with np.errstate(all="ignore"):
            return rule(*args, **kwargs)
    if op in ASKS_NO_VALUE:
        ends = [changed(lambda x: x.lo, value, (Interval,)) for value in (args, kwargs)]
        return op(*ends[0], **ends[1])
    if isinstance(known.get(op), Composition) and op not in composing.get():
        return during(composing, composing.get() | {op}, _composed, op, args, kwargs)
    return _without_rule(op, next(arrays_of((args, kwargs), Interval), None))


def _composed(op: Any, args: Any, kwargs: Any) -> Any:
    """An op in terms of others, which are written for Tensors; recorded, since some compositions ask."""
    boxed = [changed(_boxed, value, (Interval,)) for value in (args, kwargs)]
    with enable_grad():
        return tree.map_leaves(unwrap, apply(op, *boxed[0], **boxed[1]))


def _boxed(x: Interval) -> Tensor:
    return Tensor(x, requires_grad=x.dtype.kind == "f")


def _without_rule(op: Any, x: Any = None) -> NoReturn:
    name = op_name(op)
    such = f" such as {x!r}" if x is not None else ""
    raise UnsupportedError(
        f"enclose: {name} has no rule for intervals{such}; compute with functions that have one, or "
        f"give one: ag.intervals.definterval({name}, rule=...)"
    )
