"""Series: an array that is a polynomial in a number t, x(t) = x_0 + x_1 t + ... + x_n t^n.

NumPy's functions compute with all terms at once, up to the order n of the `Level`:

1. an op without a derivative has a value alone: comparisons, `floor`, shapes;
2. the recurrence of the op, from the table of `recurrences.py`;
3. the derivative rule of the op, see `by_rule.py`.

Calls of `jet` may be nested. Each has a `Level`; the terms of a series of an inner level may be series of an
outer one. A series of an outer level is a constant for the inner one. A batch of `vmap` is always outside: it
holds a series.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import tree
from ..apply import apply
from ..arrays import asarray, detached, is_array, is_batched, to_host, unwrap
from ..batching.batched import ASKS_NO_VALUE, ByFunctions, arrays_of, changed
from ..box import Box, GivenAbove
from ..errors import UnsupportedError
from ..known import Composition, Constant, known
from ..recording import enable_grad
from ..tensor import Tensor
from .terms import Terms

__all__ = ["Level", "Series", "levels_of", "recurrences", "series_in", "terms_of", "through"]

recurrences: dict[Any, Callable[..., Any]] = {}
"""op -> `rule(level, y, *args, **kwargs)`: the terms of the result, whose value is y; or NotImplemented."""

through: set[Any] = set()
"""Ops whose function takes arrays of any class, and is called with the series itself."""

WRITES = {np.put: 2, np.put_along_axis: 2, np.place: 2, np.putmask: 2, np.copyto: 1, np.fill_diagonal: 1}
"""Functions that write into their first argument, and the place of what they write."""


ALIKE = frozenset({np.zeros_like, np.ones_like, np.empty_like})
"""Functions that make an array which may be written into."""


class Level:
    """One call of `jet`, or one with a lower order inside of it.

    Attributes:
        order: the highest power of t.
        since: the place on the tape where the call began; the level of the later call is the inner one.
        busy: the ops whose composition is running.
    """

    derived = GivenAbove()

    def __init__(self, order: int, since: int) -> None:
        self.order, self.since = order, since
        self.busy: set[Any] = set()

    @functools.cached_property
    def lower(self) -> Level:
        """The level of derivatives, which have one term less."""
        return Level(self.order - 1, self.since)

    def holds(self, x: Any) -> bool:
        """Whether x is a Series of this level."""
        return isinstance(x, Series) and x._level is self

    def made(self, terms: Terms) -> Series:
        """The Series of terms, cut to the order, in the shape and dtype of the first."""
        first = asarray(terms[0])[()]
        kind, shape, dtype = first.__class__, first.shape, first.dtype
        parts = [first]
        for term in terms[1 : self.order + 1]:
            if term.__class__ is not kind or term.shape != shape or term.dtype != dtype:
                term = asarray(term).astype(dtype, copy=False)[()]
                term = term if term.shape == shape else np.broadcast_to(term, shape)
            parts.append(term)
        return Series(parts, self)

    def wrapped(self, value: Any) -> Any:
        """A value without further terms as a Series, also in tuples."""
        return tree.map_leaves(lambda y: self.made([y]) if is_inexact(y) else y, value)

    def at_zero(self, value: Any) -> Any:
        """Arguments with the value of each Series of this level in its place."""
        return changed(lambda x: x._terms[0] if x._level is self else x, value, (Series,))


def parts_of(y: Any) -> Any:
    """The results of an op, which may have several."""
    return y if isinstance(y, (tuple, list)) else (y,)


def is_inexact(y: Any) -> bool:
    """Whether a result may have terms: integers and booleans have none."""
    return (is_array(y) or isinstance(y, (float, complex))) and asarray(y).dtype.kind in "fc"


class Series(ByFunctions, np.lib.mixins.NDArrayOperatorsMixin):
    """A polynomial in t of arrays: see the module.

    Args:
        terms: arrays of one shape and dtype; terms after the last are 0.
        level: the call of `jet` that it belongs to.
    """

    __slots__ = ("_level", "_terms")

    def __init__(self, terms: Terms, level: Level) -> None:
        self._terms, self._level = terms, level

    def __repr__(self) -> str:
        return f"<a series of order {self._level.order}, shape={self.shape}, dtype={self.dtype}>"

    shape = property(lambda self: self._terms[0].shape)
    ndim = property(lambda self: self._terms[0].ndim)
    dtype = property(lambda self: self._terms[0].dtype)
    size = property(lambda self: math.prod(self.shape))
    real = property(lambda self: Series([term.real for term in self._terms], self._level))
    imag = property(lambda self: Series([term.imag for term in self._terms], self._level))

    def __len__(self) -> int:
        return len(self._terms[0])

    def __bool__(self) -> bool:
        return bool(self._terms[0])

    def astype(self, dtype: Any, **options: Any) -> Any:
        terms = [term.astype(dtype, **options) for term in self._terms]
        return Series(terms, self._level) if terms[0].dtype.kind in "fc" else terms[0]

    # -- the seam: see arrays.py -------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Box) or is_batched(x) for x in args):
            return NotImplemented
        if method == "__call__":
            return answer(ufunc, args, kwargs)
        named = METHODS.get((ufunc, method))
        if named is None:
            raise UnsupportedError(
                f"jet: np.{ufunc.__name__}.{method} has no Taylor series; call NumPy's functions: np.sum(x)"
            )
        if "dtype" in kwargs and kwargs["dtype"] in (None, self.dtype):
            del kwargs["dtype"]
        return named(*args, **{"axis": 0, **kwargs} if len(args) == 1 else kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Box) or is_batched_class(kind) for kind in types):
            return NotImplemented
        if function in (np.zeros, np.ones, np.empty):  # called with like=self
            return self._level.made([function(*args, **kwargs)]).filled()
        return answer(function, args, kwargs)

    def __array_op__(self, op: Any, function: Any, args: Any, kwargs: Any) -> Any:
        given = *args, *kwargs.values()
        if any(isinstance(x, Box) for x in given):
            return apply(op, *args, **kwargs)
        for x in given:
            if is_batched(x):
                return x.__array_op__(op, function, args, kwargs)
        return function(*args, **kwargs) if op in through else answer(op, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise UnsupportedError(f"np.asarray of {self!r} loses its terms; compute with functions of NumPy")

    def __array_host__(self) -> Any:
        return to_host(self._terms[0])

    def __array_detached__(self) -> Any:
        return detached(self._terms[0])

    __array_shared__ = GivenAbove()

    def __getitem__(self, index: Any) -> Any:
        return Series([term[index] for term in self._terms], self._level)

    def __setitem__(self, index: Any, value: Any) -> None:
        new = terms_of(value, self._level)
        for k, term in enumerate(self.filled()._terms):
            term[index] = new[k] if k < len(new) else 0

    def filled(self) -> Series:
        """Write out the terms that are 0, so that entries can be written into all of them."""
        while len(self._terms) <= self._level.order:
            self._terms.append(np.zeros_like(self._terms[0]))
        return self

    __hash__ = None  # type: ignore[assignment]


METHODS: dict[Any, Callable[..., Any]] = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.fmax, "reduce"): np.nanmax,
    (np.fmin, "reduce"): np.nanmin,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}
"""Methods of ufuncs as functions, whose axis is 0 by default."""


def is_batched_class(kind: type) -> bool:
    """Whether a class is that of batches."""
    return getattr(kind, "__array_level__", None) is not None


# -- what is inside of arguments -------------------------------------------------------------------


def series_in(value: Any) -> Iterator[Series]:
    """The Series in nested lists, tuples and dicts, also in Tensors."""
    return arrays_of(value, Series)


def terms_of(x: Any, level: Level) -> Terms:
    """The terms of a Series of a level; anything else is a constant."""
    return x._terms if isinstance(x, Series) and x._level is level else [x]


def levels_of(x: Any) -> dict[Level, None]:
    """The levels of a Series and of those in its terms."""
    if not isinstance(x, Series):
        return {}
    return {x._level: None, **{level: None for own in x._terms for level in levels_of(own)}}


# -- an op on series -------------------------------------------------------------------------------


def answer(op: Any, args: Any, kwargs: Any) -> Any:
    """An op on arguments among which are Series."""
    level = max((x._level for x in series_in((args, kwargs))), key=lambda level: level.since)
    if op in WRITES:
        return _write(level, op, *args, **kwargs)
    entry = known.get(op)
    composed = isinstance(entry, Composition)
    if composed and op not in level.busy:
        return _composed(level, op, args, kwargs)
    y = op(*level.at_zero(args), **level.at_zero(kwargs))
    if op in ALIKE:
        return level.made([y]).filled()
    if (
        composed
        or isinstance(entry, Constant)
        or op in ASKS_NO_VALUE
        or not any(map(is_inexact, parts_of(y)))
    ):
        return y  # a composition asks for its own value
    if level.order == 0 or all(len(x._terms) == 1 for x in series_in((args, kwargs)) if x._level is level):
        return level.wrapped(y)
    options = {} if isinstance(op, np.ufunc) else kwargs  # those of ufuncs are dtypes
    with np.errstate(all="ignore"):  # terms are infinite where a derivative is
        rule = recurrences.get(op)
        terms = NotImplemented if rule is None else rule(level, y, *args, **options)
        return level.derived(op, y, args, options) if terms is NotImplemented else level.made([y, *terms[1:]])


def _composed(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """An op in terms of others, which are written for Tensors."""
    level.busy.add(op)
    try:
        with enable_grad():  # some compositions ask whether they are recorded
            return tree.map_leaves(unwrap, apply(op, *_wrapped(args), **_wrapped(kwargs)))
    finally:
        level.busy.discard(op)


def _wrapped(value: Any) -> Any:
    return changed(lambda x: Tensor(x, requires_grad=True), value, (Series,))


def _write(level: Level, op: Any, target: Any, *args: Any, **kwargs: Any) -> None:
    """Write each term of the new entries into that of the target."""
    place = WRITES[op] - 1
    new = terms_of(args[place], level)
    for k, term in enumerate(target.filled()._terms):
        own = new[k] if k < len(new) else np.zeros_like(new[0])
        op(term, *args[:place], own, *args[place + 1 :], **kwargs)
