"""Indexed: an array of numbers that knows which inputs each entry depends on.

NumPy's functions compute with the numbers as always, so a branch is taken as at this point. Beside them, a
rule says which sets the entries of the result have, see `rules.py`. What carries no derivative is a plain
array: comparisons, `floor`, `x.astype(int)`. Only the ranks of entries (`argsort`, `argmax`) have sets too:
`x[argsort(x)]` depends on all that was sorted.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import tree
from ..apply import apply
from ..arrays import is_array, unwrap
from ..batching.batched import ASKS_NO_VALUE, ByFunctions, Method, arrays_of, changed
from ..box import Box
from ..errors import UnsupportedError
from ..known import Composition, Constant, Rule, known
from ..node import op_name
from ..recording import enable_grad
from ..tensor import Tensor
from ..words.mistakes import warn_of_mistake
from .store import Ids, Store

__all__ = ["Indexed", "arrays_in", "dense", "elementwise", "holds_sets", "ids_of", "patterns", "plain"]

ranks = frozenset({np.argsort, np.argmax, np.argmin, np.argpartition, np.nanargmax, np.nanargmin})
"""Functions whose integers depend on numbers."""

writes = frozenset({np.put, np.put_along_axis, np.place, np.putmask, np.copyto, np.fill_diagonal})
"""Functions that write into their first argument."""

patterns: dict[Any, Callable[..., Any]] = {}
"""op -> `rule(store, value, *args, **kwargs)`: the sets of the result; `value` is the result itself."""


NUMBERS, RANKS = "fc", "fciu"
"""The kinds of dtypes that have sets: of results, and of results that are computed with ranks."""


class Indexed(ByFunctions, np.lib.mixins.NDArrayOperatorsMixin):
    """Numbers and their index sets: see the module.

    Args:
        array: the numbers.
        ids: the set of each entry, a row of the store.
        store: the sets of the trace.
    """

    __slots__ = ("_array", "_ids", "_store")

    def __init__(self, array: Any, ids: Ids, store: Store) -> None:
        self._array, self._ids, self._store = np.asarray(array), ids, store

    def __repr__(self) -> str:
        return f"<an array with index sets, shape={self.shape}, dtype={self.dtype}>"

    shape = property(lambda self: self._array.shape)
    ndim = property(lambda self: self._array.ndim)
    dtype = property(lambda self: self._array.dtype)
    size = property(lambda self: self._array.size)
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))

    @property
    def _kinds(self) -> str:
        """The kinds of dtypes that have sets in results of this array: ranks stay ranks."""
        return RANKS if self.dtype.kind in "iu" else NUMBERS

    def __len__(self) -> int:
        return len(self._array)

    def __bool__(self) -> bool:
        return bool(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __index__(self) -> int:
        return operator.index(self._array)

    def astype(self, dtype: Any, **options: Any) -> Any:
        array = self._array.astype(dtype, **options)
        return Indexed(array, self._ids, self._store) if array.dtype.kind in self._kinds else array

    # -- the seam: see arrays.py -------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Box) for x in args):
            return NotImplemented
        return answer(ufunc if method == "__call__" else Method(ufunc, method), args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Box) for kind in types):
            return NotImplemented
        if function in (np.zeros, np.ones, np.empty):  # called with like=self
            array = function(*args, **kwargs)
            return Indexed(array, np.zeros(array.shape, np.int64), self._store)
        return answer(function, args, kwargs)

    def __array_op__(self, op: Any, function: Any, args: Any, kwargs: Any) -> Any:
        if any(isinstance(x, Box) for x in (*args, *kwargs.values())):
            return apply(op, *args, **kwargs)
        return answer(op, args, kwargs, function)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Ranks may be an index of a plain array; numbers would lose their sets."""
        if self.dtype.kind in NUMBERS:
            raise UnsupportedError(f"np.asarray of {self!r} loses the sets; compute with functions of NumPy")
        return self._array.astype(dtype) if copy or dtype is not None else self._array

    def __array_host__(self) -> Any:
        return self._array.copy()

    def __getitem__(self, index: Any) -> Any:
        return answer(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        taken = elementwise(self._store, None, value, index)
        index = plain(index)
        self._array[index] = plain(value)
        self._ids[index] = taken

    __hash__ = None  # type: ignore[assignment]


# -- what is inside of arguments -------------------------------------------------------------------


def plain(value: Any) -> Any:
    """The numbers in place of each Indexed, in nested lists, tuples and dicts."""
    return changed(lambda x: x._array, value, (Indexed,))


def ids_of(x: Any) -> Ids:
    """The sets of an array or number; those of a constant are empty."""
    if isinstance(x, Indexed):
        return x._ids
    if isinstance(x, (list, tuple)) and holds_sets(x):
        return np.stack([ids_of(item) for item in x])
    return np.zeros(np.shape(x), np.int64)


def arrays_in(value: Any) -> Iterator[Indexed]:
    """The Indexed in nested lists, tuples and dicts, also in Tensors."""
    return arrays_of(value, Indexed)


def holds_sets(value: Any) -> bool:
    """Whether there is an Indexed in a value."""
    return next(arrays_in(value), None) is not None


# -- an op on Indexed arrays -----------------------------------------------------------------------


def answer(op: Any, args: Any, kwargs: Any, function: Any = None) -> Any:
    """An op on arguments among which are Indexed arrays: its value, with the sets that its rule gives.

    Args:
        op, args, kwargs: the call.
        function: what the op does, for an op that is written in Python.
    """
    store = next(arrays_in((args, kwargs)))._store
    if op in writes:  # into its first argument, which then depends on all that may have been written
        _value(op, args, kwargs)
        rule: Callable[..., Any] = patterns.get(op, dense)
        args[0]._ids[...] = rule(store, None, *args, **kwargs)
        return None
    entry = known.get(op) if not isinstance(op, Method) else None
    if function is None and isinstance(entry, Composition) and op not in store.busy:
        return _composed(store, op, args, kwargs)
    if function is not None and patterns.get(op) is through:
        return function(*args, **kwargs)
    value = _value(function or op, args, kwargs)
    kinds = RANKS if op in ranks else max((x._kinds for x in arrays_in((args, kwargs))), key=len)
    if op in ASKS_NO_VALUE or (isinstance(entry, Constant) and kinds == NUMBERS):
        return value
    own = patterns.get(op.method if isinstance(op, Method) else op)
    if own is None:
        entrywise = isinstance(op, np.ufunc) or (isinstance(entry, Rule) and entry.flow == "elementwise")
        own = elementwise if entrywise or (isinstance(entry, Rule) and entry.broadcasts) else _unknown(op)
    return _with_sets(store, value, own(store, value, *args, **kwargs), kinds)


def _value(function: Any, args: Any, kwargs: Any) -> Any:
    return function(*plain(args), **plain(kwargs))


def through(store: Store, value: Any, *args: Any, **kwargs: Any) -> Any:
    """The rule of an op whose function takes any class of arrays, and is called with them itself."""
    raise NotImplementedError


def _with_sets(store: Store, value: Any, ids: Any, kinds: str) -> Any:
    if isinstance(value, (tuple, list)):
        each = ids if isinstance(ids, list) else [ids] * len(value)
        parts = [_with_sets(store, v, i, kinds) for v, i in zip(value, each, strict=True)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    number = is_array(value) or isinstance(value, (float, complex))
    if not number or np.asarray(value).dtype.kind not in kinds:
        return value
    return Indexed(value, np.array(np.broadcast_to(ids, np.shape(value))), store)


def _composed(store: Store, op: Any, args: Any, kwargs: Any) -> Any:
    """An op in terms of others, which are written for Tensors."""
    store.busy.add(op)
    try:
        with enable_grad():  # recorded, as where the derivative is computed: some compositions ask
            return tree.map_leaves(unwrap, apply(op, *_wrapped(args), **_wrapped(kwargs)))
    finally:
        store.busy.discard(op)


def _wrapped(value: Any) -> Any:
    """Tensors in place of each Indexed."""
    return changed(lambda x: Tensor(x, requires_grad=x.dtype.kind in NUMBERS), value, (Indexed,))


# -- the two rules for ops that the table does not name ----------------------------------------------


def elementwise(store: Store, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Entry by entry: the union of the operands' sets, which broadcast."""
    ids: Any = np.int64(0)
    for x in arrays_in((args, kwargs)):
        ids = store.either(ids, x._ids)
    return ids


def dense(store: Store, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Every output depends on every input."""
    parts = [np.unique(x._ids) for x in arrays_in((args, kwargs))]
    return store.over_last(np.concatenate(parts)[None])[0]


_named: set[str] = set()
"""The ops that a warning has named."""


def _unknown(op: Any) -> Callable[..., Any]:
    name = op_name(op) if not isinstance(op, Method) else op.__name__
    if name not in _named:
        _named.add(name)
        warn_of_mistake(
            f"sparse_jacobian: {name} has no rule for its sparsity pattern, so each entry of its result is "
            "taken to depend on all inputs of the call: right, and less sparse; compute with functions that "
            "have a rule"
        )
    return dense
