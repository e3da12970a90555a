"""Array classes: the only module that knows them.

A Tensor may hold an array of any class that speaks NumPy's two protocols, `__array_ufunc__` and
`__array_function__`. Rules are plain NumPy, so they run on all of these classes. An array class needs

- `shape`, `dtype`, `ndim`, `size`, `real`, `imag`, `T`, `astype`, `reshape`;
- Python's operators, `len`, and `x[index]`, also for assignment;
- NumPy's functions, which return arrays of the same class, 0-d arrays included;
- `__array_host__()`, which returns the values as a NumPy array, if the values may be read;
- `__array_several__`, if the array is a batch: all members in one array with one axis more;
- `__array_level__`, if the array is a batch: the map that it belongs to, see `folding.py`;
- `__array_shared__(g, parent, step)`, if the array is a batch: the cotangent of an input that members share;
- `__array_detached__()`, if the array has derivatives: its values without them;
- `__array_op__(op, function, args, kwargs)`, if ops that are Python functions shall ask the class.

A traced array (see `plan`) holds a NumPy array, and has two doors more. `__array_whole__(function, args,
kwargs)` calls a function of the library at once on the arrays inside of traced arrays: a kernel, or an op
that reads values. `__array_pull__` does the same for a step of the backward pass.

`zeros`, `ones` and `empty` make an array in the class of another array. A rule may have to read values,
because an index, a count or a branch depends on them. Only `to_host`, `some` and `every` read values.

>>> zeros((2,), like=np.float32(1))
array([0., 0.], dtype=float32)
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import UnsupportedError

__all__ = [
    "MASKED",
    "Holder",
    "agreed",
    "asarray",
    "at_once",
    "detached",
    "door",
    "dtype_of",
    "empty",
    "every",
    "finite",
    "handed",
    "in_order",
    "is_array",
    "is_batched",
    "is_number",
    "on_host",
    "ones",
    "owned",
    "read_at",
    "refuse_other_arithmetic",
    "shape_of",
    "size_of",
    "some",
    "stored",
    "to_host",
    "unwrap",
    "zeros",
]

_ARRAY = np.ndarray
_ON_HOST = frozenset(
    {_ARRAY, float, int, bool, complex, np.bool_}
    | {np.float16, np.float32, np.float64, np.complex64, np.complex128}
)
"""The most common classes on the host: a lookup here is faster than `on_host`."""


class Holder:
    """The base of Tensor: it holds an array and speaks NumPy's protocols, but is no array itself."""

    __slots__ = ("_data",)

    _data: Any


def unwrap(value: Any) -> Any:
    """The array inside of a Tensor; any other object is returned unchanged."""
    return value._data if isinstance(value, Holder) else value


# -- classes ---------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _speaks_numpy(kind: type) -> bool:
    """Whether a class from outside of NumPy speaks both of NumPy's protocols."""
    return not issubclass(kind, (np.ndarray, Holder)) and all(
        getattr(kind, name, None) is not None for name in ("__array_ufunc__", "__array_function__")
    )


def on_host(x: Any) -> bool:
    """Whether x is NumPy's own array, whose memory and values can be read, or a number or list."""
    kind = x.__class__
    return kind in _ON_HOST or not (_speaks_numpy(kind) or isinstance(x, Holder))


def door(x: Any) -> Any:
    """`__array_whole__` of a traced array, also inside of a tuple or list; None for any other object."""
    kind = x.__class__
    if kind is tuple or kind is list:
        return next(filter(None, map(door, x)), None)
    return None if kind in _ON_HOST else getattr(x, "__array_whole__", None)


def at_once(function: Any, *args: Any, **options: Any) -> Any:
    """`function(*args, **options)` on arrays: a kernel computes with those inside of traced arrays."""
    whole = None
    for x in args:
        if x.__class__ not in _ON_HOST:
            if isinstance(x, Holder):  # a Tensor records what the function does
                return function(*args, **options)
            whole = whole or door(x)
    return function(*args, **options) if whole is None else whole(function, args, options)


def is_array(x: Any) -> bool:
    """Whether x is an array of any class, or a NumPy scalar; a Tensor is no array.

    >>> is_array(np.ones(2)), is_array(np.float32(1)), is_array(1.0)
    (True, True, False)
    """
    return isinstance(x, (np.ndarray, np.generic)) or _speaks_numpy(x.__class__)


def is_batched(x: Any) -> bool:
    """Whether an array is a batch of `vmap`."""
    return getattr(x, "__array_level__", None) is not None


def is_number(value: Any) -> bool:
    """Whether a recorded value is a single number; the tape stores NumPy's 0-d arrays as scalars."""
    kind = value.__class__
    return kind is not _ARRAY and kind is not tuple and not (_speaks_numpy(kind) and value.shape)


# -- properties that need no values ----------------------------------------------------------------


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array, a Tensor, a number or a nested list.

    >>> shape_of(np.ones((2, 3))), shape_of(1.0), shape_of([1, 2])
    ((2, 3), (), (2,))
    """
    try:
        return x.shape  # type: ignore[no-any-return]
    except AttributeError:
        return np.shape(x)


def size_of(x: Any) -> int:
    """The number of entries."""
    return math.prod(shape_of(x))


def dtype_of(x: Any) -> np.dtype[Any]:
    """The dtype of an array, a Tensor, a number or a nested list.

    >>> dtype_of(1.0)
    dtype('float64')
    """
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def in_order(x: Any) -> bool:
    """Whether the entries lie in memory in the order of the axes; always true for other array classes."""
    return bool(x.flags.c_contiguous) if on_host(x) else True


def read_at(x: Any, index: Any) -> Any:
    """`x[index]`, where a part of the index may be an array of a class that NumPy's own arrays do not know.

    >>> read_at(np.array([1.0, 2.0]), 1)
    np.float64(2.0)
    """
    if x.__class__ is _ARRAY or door(x) is not None:
        for part in index if index.__class__ is tuple else (index,):
            if ask := getattr(part, "__array_op__", None):
                return ask(operator.getitem, operator.getitem, (x, index), {})
    return x[index]


# -- making arrays ---------------------------------------------------------------------------------


def asarray(x: Any, dtype: Any = None) -> Any:
    """Convert numbers and lists to arrays; arrays of any class and Tensors only change to `dtype`."""
    if on_host(x):
        return np.asarray(x, dtype)
    return x if dtype is None else x.astype(dtype, copy=False)


def _making(make: Any) -> Any:
    def made(shape: Any, dtype: Any = None, *, like: Any) -> Any:
        if like.__class__ not in _ON_HOST:
            like = unwrap(like)
        dtype = like.dtype if dtype is None else dtype
        return make(shape, dtype) if on_host(like) else make(shape, dtype, like=like)

    made.__doc__ = f"`np.{make.__name__}` with the class of `like`, and its dtype unless one is given."
    return made


zeros, ones, empty = _making(np.zeros), _making(np.ones), _making(np.empty)


def owned(x: Any, order: Any = "K") -> Any:
    """A copy of an array in its own class, with the same order in memory unless another is given."""
    return np.array(x, order=order) if on_host(x) else np.copy(x, order)


def stored(array: Any) -> Any:
    """An array as a Tensor stores it: a 0-d array as a NumPy scalar, which is faster.

    A 0-d array in a foreign byte order stays an array, since scalars have the native order.
    """
    return array if array.ndim or not array.dtype.isnative else array[()]


# -- reading values --------------------------------------------------------------------------------


def to_host(x: Any) -> Any:
    """The values of an array, a Tensor, a number or a list as a NumPy array.

    Raises:
        UnsupportedError: the class of the array has no `__array_host__`.

    Example:
        >>> to_host([1, 2])
        array([1, 2])
    """
    x = unwrap(x)
    if on_host(x):
        return np.asarray(x)
    if read := getattr(x, "__array_host__", None):
        return read()
    kind = type(x).__name__
    raise UnsupportedError(
        f"the values of {kind} {shape_of(x)} cannot be read; give the class a method {kind}.__array_host__() "
        "that returns them as a NumPy array"
    )


def detached(x: Any) -> Any:
    """An array of any class without the derivatives that it may hold, as a series does."""
    if is_batched(x):
        return x.__array_level__.make(detached(x.__array_several__))
    cut = getattr(x, "__array_detached__", None)
    return x if cut is None else cut()


def handed(x: Any, taped: bool) -> Any:
    """The array that a program gets for an array of any class: a traced array itself, else its values.

    Args:
        x: the array.
        taped: whether steps on the tape may need the values, so that nobody may write into them.
    """
    if door(x) is None:
        return to_host(x)
    return x.__array_taped__() if taped else x


def some(condition: Any) -> bool:
    """Whether a condition holds for at least one entry.

    >>> some(np.array([False, True])), every(np.array([False, True]))
    (True, False)
    """
    kind = condition.__class__
    if kind is _ARRAY:
        return bool(condition.any())
    if kind is np.bool_ or kind is bool:
        return bool(condition)
    return bool(to_host(_one_answer(np.any, unwrap(condition))))


def every(condition: Any) -> bool:
    """Whether a condition holds for all entries."""
    kind = condition.__class__
    if kind is _ARRAY:
        return bool(condition.all())
    if kind is np.bool_ or kind is bool:
        return bool(condition)
    return bool(to_host(_one_answer(np.all, unwrap(condition))))


def _one_answer(ask: Callable[[Any], Any], condition: Any) -> Any:
    """What `np.any` or `np.all` says of all entries, also of those of all members of a batch."""
    answer = ask(condition)
    while (several := getattr(answer, "__array_several__", None)) is not None:
        answer = ask(several)
    return answer


def agreed(x: Any) -> Any:
    """`to_host`, also of a batch if all its members hold the same values.

    >>> agreed(np.array([0.0, 2.0]) != 0)
    array([False,  True])
    """
    x = unwrap(x)
    several = getattr(x, "__array_several__", None)
    if several is not None and len(several) and every(several[1:] == several[:1]):
        return agreed(several[0])
    return to_host(x)


def finite(value: Any) -> bool:
    """Whether a value holds no NaN and no inf; true for a value that is not floating-point."""
    if value.__class__ is tuple:
        return all(map(finite, value))
    value = unwrap(value)
    if is_array(value) or isinstance(value, (float, complex)):
        return dtype_of(value).kind not in "fc" or every(np.isfinite(value))
    return True


# -- arrays that are refused -----------------------------------------------------------------------

MASKED = (
    "a masked array cannot be combined with Tensors, which have no mask; write m.filled(0), which is "
    "np.ma.filled(m, 0), for the array, and np.where(~m.mask, x, 0) to leave out entries of x"
)

_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_MEANINGS = (
    *("__array_ufunc__", "__array_function__", "__neg__", "__abs__", "__lt__", "__eq__"),
    *(f"__{side}{name}__" for name in _ARITHMETIC for side in ("", "r")),
)
"""The methods that a class redefines if its operators have another meaning."""


def refuse_other_arithmetic(value: Any, line: str = "") -> None:
    """Refuse an array whose operators have another meaning than those of a plain array.

    For a np.matrix `m`, `m * m` is the matrix product; a masked array leaves entries out of its sums. A
    function of a matrix would change its meaning on the Tensor that replaces the matrix. Other subclasses
    (np.memmap, np.recarray) are accepted. Items of lists and tuples are checked too.

    Args:
        value: any object; an object that is no array is accepted.
        line: the user's code, or the function that takes the value: the beginning of the message.

    Raises:
        UnsupportedError: the message gives the line that makes a plain array.

    Example:
        >>> refuse_other_arithmetic(np.eye(2).view(np.matrix))
        Traceback (most recent call last):
        autograd_lite.errors.UnsupportedError: a np.matrix, for which * is the matrix product, cannot be
        combined with Tensors; write np.asarray(m)
    """
    kind: Any = type(value)
    if kind is list or kind is tuple:
        if any(_is_container(each) or _has_other_arithmetic(each) for each in set(map(type, value))):
            for item in value:
                refuse_other_arithmetic(item, line)
    elif _has_other_arithmetic(kind):
        raise UnsupportedError(f"{line}: {_reason(value)}" if line else _reason(value))


def _is_container(kind: type) -> bool:
    return kind is list or kind is tuple


@functools.lru_cache(maxsize=256)
def _has_other_arithmetic(kind: type) -> bool:
    return issubclass(kind, np.ndarray) and any(
        getattr(kind, name) is not getattr(np.ndarray, name) for name in _MEANINGS
    )


def _reason(value: Any) -> str:
    if isinstance(value, np.ma.MaskedArray):
        return MASKED
    if isinstance(value, np.matrix):
        return (
            "a np.matrix, for which * is the matrix product, cannot be combined with Tensors; "
            "write np.asarray(m)"
        )
    name = type(value).__name__
    return (
        f"a {name}, an array whose operators have another meaning than NumPy's, cannot be combined with "
        "Tensors; write np.asarray(m)"
    )
