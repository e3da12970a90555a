"""Indexing: each entry that was read gets the cotangent of the result back at its index."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..apply import primitive, setitem
from ..arrays import asarray, dtype_of, is_array, on_host, read_at, shape_of, size_of, to_host, unwrap, zeros
from ..errors import ShapeError, UnsupportedError
from ..known import Composition, Rule, defvjp, known
from ..node import op_name
from ..sums import unbroadcast, widened
from ..tensor import Tensor
from ..views import defview

__all__: list[str] = []

# -- x[index], its transpose, and x[index] = value -------------------------------------------------


def names_once(index: Any) -> bool:
    """Whether an index cannot name an entry twice: only arrays and lists of integers can."""
    parts = index if isinstance(index, tuple) else (index,)
    return not any(
        part.__class__ not in NAMES_ONCE and (isinstance(part, list) or _numbers(part)) for part in parts
    )


NAMES_ONCE = frozenset({int, slice, type(None), type(Ellipsis)})
"""The most common classes in an index that name no entry twice: a fast lookup."""


def _numbers(part: Any) -> bool:
    """Whether a part of an index is an array of integers."""
    return is_array(part) and bool(part.shape) and part.dtype != bool


@primitive
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `g` added at `index`; cotangents of an entry that is named twice add up."""
    result = zeros(shape, like=g)
    if names_once(index):
        result[index] = g
    else:
        _add_at(result, index, g)
    return result


FEW, MANY = 32, 16384
"""`np.add.at` is fastest for up to FEW entries. Rows with up to MANY entries in all are added entry by entry.
"""


def _add_at(result: Any, index: Any, g: Any) -> None:
    """`np.add.at` by faster ways for many entries; `result` is contiguous zeros.

    Example of the time: 100,000 rows of 64 numbers, read from 1,000 rows. The forward pass takes 6.5 ms, this
    function 10 ms, and `np.add.at` 55 ms. Single entries are summed in float64; at most `DEEP` rows are added
    one by one.
    """
    parts = index if isinstance(index, tuple) else (index,)
    few = g.size <= FEW and g.dtype.char != "e"
    if few or g.dtype.char not in "efdFD" or not (g.size and on_host(g) and all(map(on_host, parts))):
        np.add.at(result, index, g)
        return
    numbers, axis = parts[-1], len(parts) - 1
    on_axis = _numbers(numbers) and all(isinstance(p, slice) and p == slice(None) for p in parts[:-1])
    if g.dtype.kind == "c":
        result.real, result.imag = (scatter(part, index, result.shape) for part in (g.real, g.imag))
    elif on_axis and axis and math.prod(result.shape[:axis]) <= numbers.size:
        for part, g_part in zip(result.reshape(-1, *result.shape[axis:]), _rows(g, axis), strict=True):
            _add_at(part, numbers, g_part)
    elif on_axis and not axis:
        _add_in_place(result, _from_0(numbers, len(result)), _rows(g, numbers.ndim))
    else:
        _add_in_place(result.reshape(-1), _places(parts, result.shape), np.ravel(g))


def _rows(g: Any, axes: int) -> Any:
    """An array with its first axes merged into one."""
    return g.reshape(math.prod(g.shape[:axes]), *g.shape[axes:])


def _from_0(numbers: Any, n: int) -> Any:
    """Indices along an axis of length n as a vector, with negative indices replaced by i + n."""
    numbers = np.ravel(numbers).astype(np.intp, copy=False)
    return np.where(numbers < 0, numbers + n, numbers) if numbers.min() < 0 else numbers


def _places(parts: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """The entries that an index names, as indices of the flattened array.

    In the general case the index is applied to an array of all flat indices. So every form of indexing that
    NumPy has is covered.
    """
    if len(parts) == len(shape) and all(map(_numbers, parts)):
        numbers = [_from_0(part, n) for part, n in zip(np.broadcast_arrays(*parts), shape, strict=True)]
        return np.ravel_multi_index(numbers, shape) if len(parts) > 1 else numbers[0]
    return np.ravel(np.arange(math.prod(shape)).reshape(shape)[parts])


def _add_in_place(result: Any, places: Any, g: Any) -> None:
    """`np.add.at` for indices along the first axis, of rows or of single entries."""
    rows = g.ndim > 1
    if len(result) > 4 * len(places) and (rows or g.dtype != np.float64):
        last = np.empty(len(result), np.intp)  # of all entries with one index, the last gets the sum
        last[places] = np.arange(len(places))
        takes = last[places]
        sums = np.zeros_like(g)
        _add_in_place(sums, takes, g)
        result[places] = sums[takes]
    elif len(result) > 4 * len(places):
        np.add.at(result, places, g)
    elif rows and g.size > MANY:
        _add_rows(result, places, g)
    elif rows:
        width = math.prod(g.shape[1:])
        entries = np.add.outer(places * width, np.arange(width)).ravel()
        _add_in_place(result.reshape(-1), entries, g.ravel())
    else:
        result[...] = np.bincount(places, g, minlength=len(result))


DEEP = 16
"""The most rows that are added one by one in single precision. In double precision the number is 16 times as
large: there are digits to spare, and this takes a tenth less time."""


def _add_rows(result: Any, places: Any, g: Any) -> None:
    """`np.add.at` for whole rows: rows with the same index are a group; long groups are cut into pieces.

    With the rows sorted by groups, the first rows of all groups are added, then the second rows, and so
    on. The longest groups come first, so that each of these layers adds to a slice. The sums of the pieces
    of a group are added in the same way.
    """
    counts = np.bincount(places, minlength=len(result))
    narrow = places.astype(np.uint16) if len(result) <= 1 << 16 else places  # sorted by digits, in O(n)
    order = np.argsort(narrow, kind="stable")
    deep = DEEP if g.dtype.itemsize < 8 else 16 * DEEP
    pieces = -(-counts // deep)
    groups = np.repeat(np.arange(len(result)), pieces)
    done = deep * (np.arange(len(groups)) - (np.cumsum(pieces) - pieces)[groups])
    depths = np.minimum(counts[groups] - done, deep)
    by_depth = np.argsort(-depths, kind="stable")
    groups, starts = groups[by_depth], ((np.cumsum(counts) - counts)[groups] + done)[by_depth]
    widths = np.searchsorted(-depths[by_depth], -np.arange(depths.max()))  # of each layer
    sums = widened(np.take(g, order[starts], axis=0))
    rows = np.empty(sums.shape, g.dtype)
    for layer, width in enumerate(widths[1:].tolist(), 1):
        np.take(g, order[starts[:width] + layer], axis=0, out=rows[:width], mode="clip")  # clip: no buffer
        sums[:width] += rows[:width]
    if pieces.max() > 1:
        _add_rows(result, groups, sums)
    else:
        result[groups] = sums


def _winners(shape: tuple[int, ...], index: Any) -> Any:
    """Which of the assigned entries remain: of those assigned to one index, only the last."""
    order = np.full(shape, -1)
    chosen = order[index]
    ranks = np.arange(chosen.size).reshape(chosen.shape)
    order[index] = ranks
    return order[index] == ranks


def _assigned(g: Any, y: Any, x: Any, value: Any, index: Any) -> Any:
    """The cotangents of the assigned entries, summed back to the shape of the value."""
    if not math.prod(value.shape):
        return zeros(value.shape, like=value)
    read = read_at(g, index)
    if not names_once(index):
        read = np.where(_winners(y.shape, index), read, 0)
    shape = value.shape
    while len(shape) > len(read.shape):  # x[i] = v accepts a v with leading axes of size 1
        read = np.expand_dims(read, 0)
    return unbroadcast(read, shape)


known[operator.getitem] = Rule((lambda g, y, x, index: scatter(g, index, x.shape),), flow="selects")
defview(operator.getitem, back=lambda value, x, index: setitem(x, value, index))
defvjp(scatter, lambda g, y, x, index, shape: read_at(g, index), flow="moves")
defvjp(
    setitem,
    lambda g, y, x, value, index: setitem(g, 0, index),
    _assigned,
    flow="selects",
)

# -- reading by indices ----------------------------------------------------------------------------


def along(a: Any, axis: int, part: Any) -> Any:
    """`a[..., part, ...]` with `part` as the index along `axis`."""
    return read_at(a, (slice(None),) * normalize_axis_index(axis, len(shape_of(a))) + (part,))


def as_places(numbers: Any) -> Any:
    """Indices as an integer array; an empty list, which NumPy makes an array of floats, is accepted."""
    places = asarray(unwrap(numbers))
    return places.astype(np.intp, casting="safe" if places.size else "unsafe")


def _grid(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """The index that reads `indices` along an axis, and all positions along the others."""
    indices = asarray(unwrap(indices))
    if indices.ndim != len(shape):
        raise ValueError(
            f"the indices have {indices.ndim} axes, the array has {len(shape)}; the numbers must be equal"
        )
    if indices.dtype.kind not in "iu":
        raise IndexError(f"the indices are {indices.dtype}; expected integers")
    grid = list(np.ogrid[tuple(slice(n) for n in shape)])
    grid[normalize_axis_index(axis, len(shape))] = indices
    return tuple(grid)


def _take(a: Any, indices: Any, axis: int | None = None, mode: Any = "raise") -> Any:
    """Entries by index; indices outside raise, wrap around or are clipped, as in NumPy."""
    if axis is None:
        a, axis = np.ravel(a), 0
    places = as_places(indices)
    if not size_of(a):  # NumPy then accepts any indices if there are none to take
        return np.reshape(a, np.take(unwrap(a), places, axis, mode=mode).shape)
    if mode != "raise":
        places = np.take(np.arange(shape_of(a)[axis]), places, mode=mode)
    return along(a, axis, places)


def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    return read_at(arr, _grid(shape_of(arr), indices, axis))


known[np.take] = Composition(_take)
known[np.take_along_axis] = Composition(_take_along_axis)
known[np.compress] = Composition(
    lambda condition, a, axis=None: np.take(
        a, np.compress(unwrap(condition), np.arange(size_of(condition))), axis
    )
)
known[np.extract] = Composition(lambda condition, arr: np.take(arr, np.flatnonzero(condition)))

# -- writing: afterwards the Tensor stands for a new value, as after x[i] = v ----------------------


def _writes(function: Callable[..., Any]) -> Callable[[Callable[..., None]], None]:
    """Register `write` for a NumPy function that fills its first argument, if that is a Tensor.

    On a plain array NumPy's function runs, unless another argument is on the tape.
    """

    def register(write: Callable[..., None]) -> None:
        @functools.wraps(write)
        def composition(target: Any, *args: Any, **kwargs: Any) -> None:
            if isinstance(target, Tensor):
                return write(target, *args, **kwargs)
            if any(isinstance(v, Tensor) and v.requires_grad for v in (*args, *kwargs.values())):
                raise UnsupportedError(
                    f"{op_name(function)} would write a Tensor on the tape into an array, and cut the graph; "
                    f"make the array a Tensor first: a = ag.Tensor(a); np.{op_name(function)}(a, ...)"
                )
            function(target, *map(unwrap, args), **{key: unwrap(value) for key, value in kwargs.items()})

        known[function] = Composition(composition)

    return register


def _cycled(values: Any, places: Any) -> Any:
    """The values at indices along `values`, which start again at the beginning when they run out."""
    values = np.ravel(values)
    if not values.size:
        raise ShapeError("there are no values to write; give at least one")
    return values[places % values.size]


@_writes(np.put)
def _put(a: Tensor, ind: Any, v: Any, mode: Any = "raise") -> None:
    places = np.ravel(np.take(np.arange(a.size), unwrap(ind), mode=mode))
    if places.size and size_of(v):
        a[np.unravel_index(places, a.shape)] = _cycled(v, np.arange(places.size))


@_writes(np.put_along_axis)
def _put_along_axis(arr: Tensor, indices: Any, values: Any, axis: int | None = -1) -> None:
    if axis is None:
        arr[np.unravel_index(_take(np.arange(arr.size), indices), arr.shape)] = values
    else:
        arr[_grid(arr.shape, indices, axis)] = values


@_writes(np.place)
def _place(arr: Tensor, mask: Any, vals: Any) -> None:
    """The values go in order to the entries where the mask holds."""
    mask = np.reshape(to_host(mask), arr.shape).astype(bool)
    if mask.any():
        arr[mask] = _cycled(vals, np.arange(np.count_nonzero(mask)))


@_writes(np.putmask)
def _putmask(a: Tensor, mask: Any, values: Any) -> None:
    """An entry where the mask holds becomes the value at its own flat index along the values."""
    mask = np.reshape(to_host(mask), a.shape).astype(bool)
    if mask.any() and size_of(values):
        a[mask] = _cycled(values, np.flatnonzero(mask))


@_writes(np.copyto)
def _copyto(dst: Tensor, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    np.copyto(np.empty((), dst.dtype), np.zeros((), dtype_of(src)), casting)
    dst[...] = src if where is True else np.where(where, src, dst)


@_writes(np.fill_diagonal)
def _fill_diagonal(a: Tensor, val: Any, wrap: bool = False) -> None:
    mask = np.zeros(a.shape, bool)
    np.fill_diagonal(mask, True, wrap)
    if mask.any() and size_of(val):
        a[mask] = _cycled(val, np.arange(np.count_nonzero(mask)))
