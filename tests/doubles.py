"""A test double: an array class of its own that refuses to become a NumPy array.

A double holds a NumPy array, computes with it through NumPy's two protocols, and wraps the results. Every
conversion to a NumPy array raises, and so does every read of a value except by `__array_host__`. Code that
runs on doubles runs on every array class. `reads` lists the values read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

__all__ = ["Double", "Rows", "SeamError", "plain", "reads"]

reads: list[tuple[int, ...]] = []
"""The shapes of the arrays whose values were read."""

ASKS_NO_VALUE = frozenset(
    {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.common_type}
)
"""Functions that look at shapes and dtypes alone, and so may return numbers and answers of Python's."""


class SeamError(Exception):
    """Something would have read the values of a Double in another way than through the seam."""


def _refused(name: str) -> Callable[..., NoReturn]:
    def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise SeamError(f"{name} of a Double of shape {self.shape}")

    return method


def _given(value: Any) -> Any:
    """What NumPy computes with: the arrays in Doubles, also in lists, tuples and dicts of them."""
    if isinstance(value, Double):
        return value._array
    if isinstance(value, (list, tuple)):
        return type(value)(map(_given, value))
    return {key: _given(item) for key, item in value.items()} if isinstance(value, dict) else value


def _returned(kind: type, function: Callable[..., Any], value: Any) -> Any:
    """What NumPy has computed, as Doubles of a kind."""
    if isinstance(value, (np.ndarray, np.generic)):
        return kind(value)
    if isinstance(value, (bool, int, float, complex, str)) and function not in ASKS_NO_VALUE:
        raise SeamError(f"{function.__name__} returns what it has read: {value!r}")
    if function in ASKS_NO_VALUE or not isinstance(value, (list, tuple)):
        return value
    parts = [_returned(kind, function, item) for item in value]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


class Double:
    """An array that speaks `__array_ufunc__` and `__array_function__`, and refuses everything else.

    >>> Double(np.ones(2)) + 1
    Double float64 (2,)
    """

    __slots__ = ("_array",)

    def __init__(self, array: Any) -> None:
        self._array = np.asarray(array)

    def __repr__(self) -> str:
        return f"Double {self.dtype} {self.shape}"

    # -- the seam ----------------------------------------------------------------------------------

    def __array_host__(self) -> Any:
        reads.append(self.shape)
        return self._array.copy()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if not all(isinstance(x, KNOWN) for x in args):
            return NotImplemented
        if "out" in kwargs or (method == "at" and not isinstance(args[0], Double)):
            raise SeamError(f"{ufunc.__name__} would write a Double into an array")
        value = getattr(ufunc, method)(*map(_given, args), **_given(kwargs))
        return _returned(type(self), ufunc, value)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(kind, (Double, np.ndarray)) for kind in types):
            return NotImplemented
        if kwargs.get("out") is not None:
            raise SeamError(f"{function.__name__} would write a Double into an array")
        if function in WRITES and not isinstance(args[0], Double):
            raise SeamError(f"{function.__name__} would write a Double into an array")
        return _returned(type(self), function, function(*_given(args), **_given(kwargs)))

    for _name in ("array", "bool", "int", "float", "complex", "index", "iter", "contains"):
        locals()[f"__{_name}__"] = _refused(f"__{_name}__")
    for _name in ("item", "tolist", "tobytes", "view", "flat", "any", "all"):
        locals()[_name] = _refused(_name)
    del _name

    # -- what every array has ----------------------------------------------------------------------

    shape = property(lambda self: self._array.shape)
    dtype = property(lambda self: self._array.dtype)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)
    real = property(lambda self: type(self)(self._array.real))
    imag = property(lambda self: type(self)(self._array.imag))
    T = property(lambda self: type(self)(self._array.T))

    def astype(self, dtype: Any, **options: Any) -> Double:
        return type(self)(self._array.astype(dtype, **options))

    def reshape(self, *shape: Any) -> Double:
        return type(self)(self._array.reshape(*shape))

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: Any) -> Double:
        return type(self)(self._array[_given(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._array[_given(index)] = _given(value)

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
    for name, ufunc in {**binary, **compared}.items():
        setattr(Double, f"__{name}__", lambda self, other, ufunc=ufunc: _operated(ufunc, self, other))
    for name, ufunc in binary.items():
        setattr(Double, f"__r{name}__", lambda self, other, ufunc=ufunc: _operated(ufunc, other, self))
    for name, ufunc in unary.items():
        setattr(Double, f"__{name}__", lambda self, ufunc=ufunc: ufunc(self))


def _operated(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    for x in (a, b):
        if not isinstance(x, (Double, np.ndarray, np.generic, bool, int, float, complex)):
            return NotImplemented  # a Tensor, which has operators of its own
    return ufunc(a, b)


KNOWN = (Double, np.ndarray, np.generic, bool, int, float, complex, list, tuple, slice, type(None))
WRITES = frozenset({np.put_along_axis, np.copyto, np.put, np.place, np.putmask, np.fill_diagonal})

_operators()


class Rows(Double):
    """A Double whose rows can be had one by one: NumPy itself asks np.roots(p) for them."""

    __slots__ = ()

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))


def plain(value: Any) -> Any:
    """The NumPy arrays in Doubles, in nested lists and tuples too."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value._array if isinstance(value, Double) else value
