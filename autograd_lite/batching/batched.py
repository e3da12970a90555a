"""Batched: one array for each member of a batch, in one array whose first axis is the batch.

    x = level.make(np.ones((5, 3)))     # five members, each of shape (3,)
    x.shape, x._array.shape             # (3,), (5, 3)

A function that is written for one member runs on such arrays, and computes for all members at once. NumPy
hands its functions to `Batched`, and `answer` looks for a way to compute them:

1. the batching rule of the op, from the registry of `known.py`: the op on the array with the batch axis;
2. the composition of other ops that the op stands for;
3. a loop over the members, with a warning that names the op.

Maps may be nested. Each `vmap` that runs has a `Level`. The array of an inner level may hold that of an outer
one: then the rule of the inner level calls NumPy on the outer `Batched`. An array of an outer level is, for
the inner one, the same for all members.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..apply import apply
from ..arrays import at_once, dtype_of, is_array, on_host, shape_of
from ..box import Box, GivenAbove, wrap
from ..calls import deep_unwrap
from ..errors import BatchError
from ..known import Composition, batching, known
from ..recording import no_grad
from .places import put_in

__all__ = ["Batched", "Level", "changed", "levels_of"]


class Level:
    """One call of `vmap`.

    Attributes:
        size: how many members the batch has.
        since: the place on the tape where the map began. What was recorded before is shared by all members.
            Of two maps the later one is the inner one, also where it maps over cotangents of the other.
        busy: the ops whose composition is running.
    """

    __slots__ = ("busy", "since", "size")

    looped = GivenAbove()

    def __init__(self, size: int, since: int) -> None:
        self.size, self.since = size, since
        self.busy: set[Any] = set()

    def __array_op__(self, op: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """Go into the map or out of it: op by op on a traced array, since a batch is no value of a plan."""
        return function(*args, **kwargs)

    def make(self, array: Any) -> Batched:
        """The Batched of an array whose first axis is the batch."""
        return Batched(array, self)

    def holds(self, x: Any) -> bool:
        """Whether x is a Batched of this level."""
        return isinstance(x, Batched) and x._level is self

    def body(self, x: Any) -> Any:
        """The array with the batch axis of a Batched of this level; anything else as it is."""
        return x._array if isinstance(x, Batched) and x._level is self else x

    def full(self, x: Any) -> Any:
        """An array with the batch axis, of anything: what all members share is repeated, in no memory."""
        if self.holds(x):
            return x._array
        return np.broadcast_to(x, (self.size, *shape_of(x)))

    def wrapped(self, result: Any) -> Any:
        """Arrays with the batch axis as Batched, also in tuples and lists."""
        if result.__class__ is np.ndarray:
            return Batched(result, self)
        if isinstance(result, (tuple, list)):
            parts = [self.wrapped(part) for part in result]
            return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
        return self.make(result) if is_array(result) else result


def _read(name: str) -> Callable[..., Any]:
    def method(self: Batched, *args: Any, **kwargs: Any) -> Any:
        raise self._unreadable(name)

    return method


def _ways(name: str) -> str:
    """What a program writes to read a value by one of Python's special methods."""
    ways = {
        "array": "np.asarray(x), or array[x] of a plain array, for which ag.Tensor(array)[x] stands,",
        "bool": "if x, while x or bool(x)",
        "index": "a count or an index of a list",
    }
    return ways.get(name, f"{name}(x)")


def _numpys(name: str) -> Callable[..., Any]:
    function = getattr(np, name)
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


METHODS = (
    *("sum", "prod", "mean", "var", "std", "max", "min", "argmax", "argmin", "any", "all", "ravel", "copy"),
    *("cumsum", "cumprod", "argsort", "squeeze", "swapaxes", "take", "repeat", "round", "clip", "dot"),
    *("diagonal", "trace", "conj", "conjugate"),
)
"""Methods that are NumPy's functions of the same names."""


class ByFunctions:
    """Methods of a class of arrays on the seam that are NumPy's functions of the array."""

    __slots__ = ()

    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.matrix_transpose(self))  # noqa: N815

    def __iter__(self: Any) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        reshape: Any = np.reshape
        return reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Any:
        transpose: Any = np.transpose
        return transpose(self, (axes[0] if len(axes) == 1 else axes) if axes else None)

    for _name in METHODS:
        locals()[_name] = _numpys(_name)
    del _name


class Batched(ByFunctions):
    """Arrays of one shape, one for each member of a batch: see the module.

    Args:
        array: NumPy's, or a Batched of an outer level; its first axis is the batch.
        level: the map that it belongs to.
    """

    __slots__ = ("_array", "_level")

    def __init__(self, array: Any, level: Level) -> None:
        self._array, self._level = array, level

    def __repr__(self) -> str:
        return f"<a batch of {self._level.size} arrays, shape={self.shape}, dtype={self.dtype}>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    shape = property(lambda self: self._array.shape[1:])
    ndim = property(lambda self: self._array.ndim - 1)
    dtype = property(lambda self: self._array.dtype)
    size = property(lambda self: math.prod(self._array.shape[1:]))
    real = property(lambda self: self._level.make(self._array.real))
    imag = property(lambda self: self._level.make(self._array.imag))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]  # type: ignore[no-any-return]

    def astype(self, dtype: Any, **options: Any) -> Batched:
        return self._level.make(self._array.astype(dtype, **options))

    # -- the seam: see arrays.py -------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        for x in args:
            if isinstance(x, Box):
                return NotImplemented
        return answer(_method_of(ufunc, method), args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        for kind in types:
            if issubclass(kind, Box):
                return NotImplemented
        if function in (np.zeros, np.ones, np.empty):  # called with like=self
            return self._made(function, *args, **kwargs)
        return answer(function, args, kwargs)

    def _made(self, make: Any, shape: Any, dtype: Any = float, *order: Any, **options: Any) -> Batched:
        whole = self._level.size, *((shape,) if isinstance(shape, (int, np.integer)) else shape)
        inside = {} if on_host(self._array) else {"like": self._array}
        return self._level.make(make(whole, dtype, **inside))

    def __array_op__(self, op: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """Go through an op that is a function of Python's: by its rule, else the function runs on Batched."""
        for x in (*args, *kwargs.values()):
            if isinstance(x, Box):
                return apply(op, *args, **kwargs)
        return answer(op, args, kwargs, function)

    __array_shared__ = GivenAbove()
    __array_level__ = property(lambda self: self._level)

    @property
    def __array_several__(self) -> Any:
        """The array with the batch axis."""
        return self._array

    def __array_host__(self) -> Any:
        raise self._unreadable("if x, float(x), x.item() or x.numpy()")

    def _unreadable(self, how: str) -> BatchError:
        return BatchError(
            f"{how} reads a value inside of vmap, where x stands for {self._level.size} arrays of shape "
            f"{self.shape}, one for each member of the batch; choose with np.where(condition, a, b) in place "
            "of if, and compute with x itself; what is the same for all members is given with in_axes=None",
            self._level,
        )

    for _name in ("array", "bool", "int", "float", "complex", "index", "contains"):
        locals()[f"__{_name}__"] = _read(_ways(_name))
    for _name in ("item", "tolist", "tobytes"):
        locals()[_name] = _read(f"x.{_name}()")
    del _name

    def __getitem__(self, index: Any) -> Any:
        return answer(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, Box):
            raise TypeError(
                "a batch cannot record what is assigned to it; make it a Tensor first: ag.Tensor(x)"
            )
        inner = max(levels_of((self, index, value)), key=lambda level: level.since)
        if inner is not self._level:
            raise BatchError(
                "x[i] = v: what all members of a vmap share cannot hold what differs between them; write "
                "np.where, or ag.Tensor(x), which takes a new value",
                inner,
            )
        put_in(self._level, self, index, value)

    __hash__ = None  # type: ignore[assignment]


def _operators() -> None:
    """Python's operators, by way of `__array_ufunc__`; x += y is x = x + y."""
    binary = {
        **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "mod": np.remainder},
        **{"floordiv": np.floor_divide, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and},
        **{"or": np.bitwise_or, "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift},
    }
    compared = {
        **{"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal},
        **{"eq": np.equal, "ne": np.not_equal},
    }
    unary = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}

    def operated(ufunc: np.ufunc, a: Any, b: Any) -> Any:
        for x in (a, b):
            if isinstance(x, Box) or getattr(x, "__array_ufunc__", x) is None:
                return NotImplemented
        return ufunc(a, b)

    for name, ufunc in {**binary, **compared}.items():
        setattr(Batched, f"__{name}__", lambda self, other, ufunc=ufunc: operated(ufunc, self, other))
    for name, ufunc in binary.items():
        setattr(Batched, f"__r{name}__", lambda self, other, ufunc=ufunc: operated(ufunc, other, self))
    for name, ufunc in unary.items():
        setattr(Batched, f"__{name}__", lambda self, ufunc=ufunc: ufunc(self))


_operators()


@functools.cache
def _method_of(ufunc: np.ufunc, method: str) -> Any:
    """A ufunc, or one of its methods, which is an op of its own."""
    return ufunc if method == "__call__" else Method(ufunc, method)


class Method:
    """`np.add.reduce` and its kin."""

    def __init__(self, ufunc: np.ufunc, method: str) -> None:
        self.ufunc, self.method = ufunc, method
        self.__name__ = f"{ufunc.__name__}.{method}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.ufunc, self.method)(*args, **kwargs)


# -- what is inside of arguments -------------------------------------------------------------------


def arrays_of(value: Any, kind: type[Any] = Batched) -> Iterator[Any]:
    """The Batched, or arrays of another class, in nested lists, tuples and dicts, also in Tensors."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays_of(item, kind)
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_of(item, kind)
    elif isinstance(value, Box):
        yield from arrays_of(value._data, kind)


def _innermost(value: Any) -> Any:
    """The level of the inner map among the Batched in arguments, or None."""
    level = None
    for x in value.values() if value.__class__ is dict else value:
        kind = x.__class__
        if kind is Batched:
            own = x._level
        elif kind is list or kind is tuple or kind is dict:
            own = _innermost(x)
        else:
            continue
        if own is not None and (level is None or own.since > level.since):
            level = own
    return level


def levels_of(value: Any) -> list[Level]:
    """The levels of all Batched in a value, also of those that hold others."""
    levels = []
    for x in arrays_of(value):
        inside: Any = x
        while isinstance(inside, Batched):
            levels.append(inside._level)
            inside = inside._array
    return levels


def changed(change: Callable[[Any], Any], value: Any, kinds: tuple[type[Any], ...] = (Batched, Box)) -> Any:
    """Nested lists, tuples and dicts with `change(x)` in place of each Batched and Tensor, or other kinds."""
    if isinstance(value, kinds):
        return change(value)
    if isinstance(value, (list, tuple)):
        parts = [changed(change, item, kinds) for item in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: changed(change, item, kinds) for key, item in value.items()}
    return value


# -- an op on Batched arrays -----------------------------------------------------------------------

ASKS_NO_VALUE = frozenset(
    {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.common_type}
    | {np.min_scalar_type}
)
"""Functions that look at shapes and dtypes alone."""


ALIKE = frozenset({operator.getitem})
"""Ops that a loop would not help: the results of the members differ in shape."""


def answer(op: Any, args: Any, kwargs: Any, function: Any = None) -> Any:
    """An op on arguments among which are Batched arrays.

    Args:
        op, args, kwargs: the call.
        function: what the op does, for an op that is written in Python.
    """
    level = _innermost(args) or _innermost(kwargs)
    if op in ASKS_NO_VALUE:
        return op(*changed(_stand_in, args), **changed(_stand_in, kwargs))
    rule = batching.get(op)
    if rule is None and isinstance(op, (np.ufunc, Method)):
        rule = batching.get(np.ufunc if isinstance(op, np.ufunc) else op.method)
    if rule is None and function is not None and known[op].broadcasts:
        rule = batching[np.ufunc]
    try:
        if rule is not None:
            asked = function is None or _hold_others(args)
            result = rule(level, op if asked else functools.partial(at_once, function), args, kwargs)
            if result is not NotImplemented:
                return level.wrapped(result)
        if function is not None:
            return function(*args, **kwargs)
        if isinstance(known.get(op), Composition) and op not in level.busy:
            return _composed(level, op, args, kwargs)
    except BatchError as error:
        if op in ALIKE or error.level not in levels_of((args, kwargs)):
            raise
    return level.looped(op, args, kwargs)


def _hold_others(args: Any) -> bool:
    """Whether a Batched holds an array of a class that has rules of its own for ops, such as a series."""
    for x in args:
        while isinstance(x, Batched):
            x = x._array
        if hasattr(x, "__array_detached__"):
            return True
    return False


def _stand_in(x: Any) -> Any:
    """An array of the shape and dtype of another, in no memory."""
    return np.broadcast_to(np.zeros((), dtype_of(x)), shape_of(x))


def _composed(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """An op in terms of others, which are written for Tensors."""
    level.busy.add(op)
    try:
        with no_grad():
            return deep_unwrap(apply(op, *changed(wrap, args), **changed(wrap, kwargs)))
    finally:
        level.busy.discard(op)
