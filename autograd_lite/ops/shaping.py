"""Shape functions: they move or copy entries, and their rules move the cotangents back."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..apply import nondifferentiable, primitive
from ..arrays import agreed, asarray, on_host, shape_of, size_of, unwrap
from ..errors import ShapeError
from ..known import Composition, defvjp, known
from ..views import defview, handed_on
from .indexing import along, as_places, scatter

__all__ = ["concatenate", "filling", "stack"]

# -- one array in another shape --------------------------------------------------------------------


def _reshape(
    g: Any, y: Any, x: Any, shape: Any = None, order: str = "C", newshape: Any = None, copy: Any = None
) -> Any:
    """g in the old shape; NumPy 2.0 calls the new shape `newshape`."""
    return _unraveled(g, x, order)


defvjp(np.reshape, _reshape, flow="moves")
defvjp(np.ravel, lambda g, y, x, order="C": _unraveled(g, x, order), flow="moves")
defvjp(
    np.transpose,
    lambda g, y, x, axes=None: np.transpose(g, None if axes is None else inverse(axes)),
    flow="moves",
)
defvjp(np.matrix_transpose, lambda g, y, x: np.matrix_transpose(g), flow="moves")
defvjp(np.swapaxes, lambda g, y, x, axis1, axis2: np.swapaxes(g, axis1, axis2), flow="moves")
defvjp(
    np.moveaxis,
    lambda g, y, x, source, destination: np.moveaxis(g, destination, source),
    flow="moves",
)
defvjp(np.expand_dims, lambda g, y, x, axis: np.reshape(g, x.shape), flow="moves")
defvjp(np.squeeze, lambda g, y, x, axis=None: np.reshape(g, x.shape), flow="moves")
defvjp(np.roll, lambda g, y, x, shift, axis=None: np.roll(g, np.negative(shift), axis), flow="moves")
defvjp(np.flip, lambda g, y, x, axis=None: np.flip(g, axis), flow="moves")
defvjp(np.broadcast_to, lambda g, y, x, shape: g, broadcasts=True, flow="moves")


def _unraveled(g: Any, x: Any, order: Any) -> Any:
    """The flat cotangent of x, read in some order, in the shape of x.

    Order "A" is Fortran's for an x that is contiguous in that order, else C's. Order "K" is the order in
    memory; an array of indices with the strides of x tells that order.
    """
    raw = unwrap(x)
    if order not in ("K", "A") or not on_host(raw):
        return np.reshape(g, x.shape, order="F" if order == "F" else "C")
    if order == "K" and not raw.flags.forc:
        places = np.empty_like(raw, dtype=np.intp, order="K")
        places[...] = np.arange(raw.size).reshape(raw.shape)
        return np.reshape(g[np.argsort(np.ravel(places, order="K"))], x.shape)
    return np.reshape(g, x.shape, order="F" if raw.flags.fnc else "C")


def inverse(axes: Any) -> tuple[int, ...]:
    """The inverse of a permutation."""
    return tuple(int(i) for i in np.argsort([axis % len(axes) for axis in axes]))


def _moved_back(op: Callable[..., Any]) -> Callable[..., Any]:
    """`back` of a view that only moves entries: the rule moves values back just as it moves cotangents."""
    return lambda value, x, *args, **options: known[op].vjps[0](value, value, x, *args, **options)


for _move in (
    *(np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis),
    *(np.expand_dims, np.squeeze, np.flip),
):
    defview(_move, back=_moved_back(_move))
defview(np.broadcast_to, back=None)


def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """np.rollaxis as a transposition; np.rollaxis of an array of shape (0, 1, 2, ...) tells the order."""
    sizes = np.empty(range(len(shape_of(a))))
    return np.transpose(a, np.rollaxis(sizes, axis, start).shape)


def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Quarter turns: a transposition for an odd k, then flips of one or both axes."""
    first, second = (normalize_axis_index(axis, len(shape_of(m))) for axis in axes)
    if first == second:
        raise ValueError(f"axes={axes} name one axis twice; expected two different axes")
    if k % 2:
        m = np.swapaxes(m, first, second)
    flipped = ((), (first,), (first, second), (second,))[k % 4]
    return np.flip(m, flipped)


known[np.rollaxis] = Composition(_rollaxis)
known[np.rot90] = Composition(_rot90)
known[np.fliplr] = Composition(lambda m: np.flip(m, 1))
known[np.flipud] = Composition(lambda m: np.flip(m, 0))
known[np.astype] = Composition(lambda x, dtype, /, *, copy=True, device=None: x.astype(dtype))

# -- several arrays in one -------------------------------------------------------------------------


@primitive
def concatenate(*arrays: Any, axis: int | None = 0, **cast: Any) -> Any:
    """np.concatenate with each array as an argument; axis=None flattens the arrays first."""
    return np.concatenate(arrays, axis=axis, **cast)


@primitive
def stack(*arrays: Any, axis: int = 0, **cast: Any) -> Any:
    """np.stack with each array as an argument."""
    return np.stack(arrays, axis=axis, **cast)


def _piece(i: int, g: Any, y: Any, *arrays: Any, axis: int | None = 0, **cast: Any) -> Any:
    """The part of g for the i-th array."""
    if axis is None:
        start = sum(size_of(a) for a in arrays[:i])
        return np.reshape(g[start : start + arrays[i].size], arrays[i].shape)
    start = sum(shape_of(a)[axis] for a in arrays[:i])
    before = (slice(None),) * (axis % len(arrays[i].shape))
    return g[(*before, slice(start, start + arrays[i].shape[axis]))]


defvjp(concatenate, each=_piece, flow="moves", reads=False)
defvjp(
    stack,
    each=lambda i, g, y, *arrays, axis=0, **cast: g[(slice(None),) * (axis % len(y.shape)) + (i,)],
    flow="moves",
    reads=False,
)


def _broadcast_arrays(*arrays: Any) -> Any:
    shape = np.broadcast_shapes(*(shape_of(a) for a in arrays))
    return tuple(np.broadcast_to(a, shape) for a in arrays)


def _at_least(widen: Callable[..., Any]) -> Any:
    """NumPy's atleast_1d, atleast_2d or atleast_3d, as a reshape to the shape that NumPy gives."""

    def at_least(*arrays: Any) -> Any:
        shapes = [shape_of(a) for a in arrays]
        wide = tuple(
            np.reshape(a, widen(np.broadcast_to(0, shape)).shape)
            for a, shape in zip(arrays, shapes, strict=True)
        )
        return wide[0] if len(wide) == 1 else wide

    return at_least


def _hstack(tup: Any, **cast: Any) -> Any:
    """Concatenate along the second axis, or along the first axis of vectors."""
    flat = all(len(shape_of(a)) <= 1 for a in tup)
    return concatenate(*(np.atleast_1d(a) for a in tup), axis=0 if flat else 1, **cast)


def _column_stack(tup: Any) -> Any:
    return concatenate(*(a if len(shape_of(a)) > 1 else np.reshape(a, (-1, 1)) for a in tup), axis=1)


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, values, axis = np.ravel(arr), np.ravel(values), 0
    return concatenate(arr, values, axis=axis)


def _block(arrays: Any) -> Any:
    """Concatenate nested lists: the innermost lists along the last axis, and so on outwards."""

    def depth(nested: Any) -> int:
        if not isinstance(nested, list):
            return 0
        depths = {depth(part) for part in nested}
        if len(depths) != 1:
            raise ShapeError(
                f"np.block: a list has parts at depths {sorted(depths)}; expected arrays at one depth, and "
                "no empty list"
            )
        return 1 + depths.pop()

    def least(nested: Any) -> int:
        return max(map(least, nested)) if isinstance(nested, list) else len(shape_of(nested))

    def put(nested: Any, axis: int) -> Any:
        if isinstance(nested, list):
            return concatenate(*(put(part, axis + 1) for part in nested), axis=axis)
        shape = shape_of(nested)
        return np.reshape(nested, (1,) * (ndim - len(shape)) + shape)

    levels = depth(arrays)
    ndim = max(levels, least(arrays))
    return put(arrays, -levels)


def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy") -> tuple[Any, ...]:
    """Each array along an axis of its own; broadcast over the axes of the others, unless sparse."""
    shapes = [grid.shape for grid in np.meshgrid(*map(_like, xi), sparse=True, indexing=indexing)]
    grids = tuple(np.reshape(x, shape) for x, shape in zip(xi, shapes, strict=True))
    return grids if sparse else _broadcast_arrays(*grids)


def _like(x: Any) -> Any:
    """Zeros in the shape of an array, as a broadcast view that takes no memory."""
    return np.broadcast_to(0, shape_of(x))


known[np.concatenate] = Composition(lambda arrays, axis=0, **cast: concatenate(*arrays, axis=axis, **cast))
known[np.stack] = Composition(lambda arrays, axis=0, **cast: stack(*arrays, axis=axis, **cast))
known[np.vstack] = Composition(lambda tup, **cast: concatenate(*map(np.atleast_2d, tup), axis=0, **cast))
known[np.hstack] = Composition(_hstack)
known[np.dstack] = Composition(lambda tup: concatenate(*map(np.atleast_3d, tup), axis=2))
known[np.column_stack] = Composition(_column_stack)
known[np.append] = Composition(_append)
known[np.block] = Composition(_block)
known[np.broadcast_arrays] = Composition(_broadcast_arrays)
known[np.meshgrid] = Composition(_meshgrid)
for _widen in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    known[_widen] = Composition(_at_least(_widen))

# -- one array in several --------------------------------------------------------------------------


def _splitting(cut: Callable[..., Any]) -> Any:
    """NumPy's split or array_split; cutting an array of indices tells where to cut."""

    def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
        axis = normalize_axis_index(axis, len(shape_of(ary)))
        parts = cut(np.arange(shape_of(ary)[axis]), unwrap(indices_or_sections))
        return [along(ary, axis, slice(p[0], p[-1] + 1) if p.size else slice(0)) for p in parts]

    return split


def _split_along(axis: int, ndim: int) -> Any:
    """NumPy's vsplit or dsplit: a split along an axis that the array must have."""

    def split(ary: Any, indices_or_sections: Any) -> Any:
        if len(shape_of(ary)) < ndim:
            raise ShapeError(f"an array of shape {shape_of(ary)}; expected at least {ndim} axes")
        return np.split(ary, indices_or_sections, axis)

    return split


known[np.array_split] = Composition(_splitting(np.array_split))
known[np.split] = Composition(_splitting(np.split))
known[np.vsplit] = Composition(_split_along(0, 2))
known[np.dsplit] = Composition(_split_along(2, 3))
known[np.hsplit] = Composition(
    lambda ary, indices_or_sections: np.split(
        ary, indices_or_sections, axis=1 if len(shape_of(ary)) > 1 else 0
    )
)
if hasattr(np, "unstack"):
    known[np.unstack] = Composition(lambda x, /, *, axis=0: tuple(np.moveaxis(x, axis, 0)))

# -- repeated, inserted and deleted entries --------------------------------------------------------


def _tile(A: Any, reps: Any) -> Any:
    """The array repeated as a whole along each axis."""
    shape = shape_of(A)
    times = tuple(map(operator.index, np.ravel(unwrap(reps)).tolist()))
    ndim = max(len(shape), len(times))
    shape, times = (1,) * (ndim - len(shape)) + shape, (1,) * (ndim - len(times)) + times
    apart = np.reshape(A, [size for n in shape for size in (1, n)])
    beside = np.broadcast_to(apart, [size for pair in zip(times, shape, strict=True) for size in pair])
    return np.reshape(beside, [t * n for t, n in zip(times, shape, strict=True)])


def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each entry repeated, by one number or by a number for each entry along the axis."""
    if axis is None:
        a, axis = np.ravel(a), 0
    axis = normalize_axis_index(axis, len(shape_of(a)))
    shape, repeats = shape_of(a), as_places(repeats)
    if repeats.size != 1:
        return np.take(a, np.repeat(np.arange(shape[axis]), repeats), axis)
    before, after, times = shape[: axis + 1], shape[axis + 1 :], repeats.item()
    beside = np.broadcast_to(np.reshape(a, (*before, 1, *after)), (*before, times, *after))
    return np.reshape(beside, (*before[:-1], before[-1] * times, *after))


def _resize(a: Any, new_shape: Any) -> Any:
    """The entries in another shape; they start again at the first when they run out."""
    shape = (new_shape,) if np.ndim(new_shape) == 0 else tuple(new_shape)
    a = np.ravel(a)
    if not a.size:
        return np.broadcast_to(np.sum(a), shape)  # zeros
    size = np.empty(shape, bool).size
    return np.reshape(np.tile(a, -(-size // a.size))[:size], shape)


def filling(values: Any, shape: tuple[int, ...]) -> Any:
    """The values that an array of this shape holds after `array[...] = values`: broadcast to the shape.

    As in NumPy, which assigns shape (1, 2) to (2,), extra leading axes of length 1 are dropped.
    """
    lead = values.ndim - len(shape)
    if lead > 0 and values.shape[:lead] == (1,) * lead:
        values = np.reshape(values, values.shape[lead:])
    return np.broadcast_to(values, shape)


def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """np.insert of indices, where further indices stand for the values, tells the new order."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    arr, values, obj = asarray(arr), asarray(values), unwrap(obj)
    shape, axis = arr.shape, normalize_axis_index(axis, arr.ndim)
    size = shape[axis]
    given = np.insert(np.arange(size), obj, 0).size - size
    if given == 1:
        values = np.reshape(values, (1,) * (len(shape) - len(shape_of(values))) + values.shape)
        if not isinstance(obj, slice) and np.ndim(obj) == 0:
            values = np.moveaxis(values, 0, axis)
        given = values.shape[axis]
    values = filling(values, (*shape[:axis], given, *shape[axis + 1 :])).astype(arr.dtype)
    places = np.insert(np.arange(size), obj, np.arange(size, size + given))
    return np.take(concatenate(arr, values, axis=axis), places, axis)


def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = normalize_axis_index(axis, len(shape_of(arr)))
    return np.take(arr, np.delete(np.arange(shape_of(arr)[axis]), unwrap(obj)), axis)


def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The part from the first to the last entry that is not 0, along each axis."""
    filt = asarray(filt)
    axes = range(filt.ndim) if axis is None else np.ravel(axis)
    places = np.argwhere(agreed(unwrap(filt) != 0))
    for i in (normalize_axis_index(int(i), filt.ndim) for i in axes):
        at = places[:, i]
        first, last = (at.min(), at.max() + 1) if at.size else (filt.shape[i], 0)
        filt = along(
            filt, i, slice(first if "f" in trim.lower() else None, last if "b" in trim.lower() else None)
        )
    return filt


known[np.tile] = Composition(_tile)
known[np.repeat] = Composition(_repeat)
known[np.resize] = Composition(_resize)
known[np.insert] = Composition(_insert)
known[np.delete] = Composition(_delete)
known[np.trim_zeros] = Composition(_trim_zeros)

# -- parts of an array -----------------------------------------------------------------------------


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The entries a[i, i + offset], along the last axis: a slice with a step of the flattened matrix."""
    a = np.moveaxis(asarray(a), (axis1, axis2), (-2, -1))
    *others, rows, columns = a.shape
    n = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    start = offset if offset >= 0 else -offset * columns
    return np.reshape(a, (*others, rows * columns))[..., start : start + n * (columns + 1) : columns + 1]


def _diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or a matrix with a diagonal."""
    v = asarray(v)
    if v.ndim == 2:
        return np.diagonal(v, k)
    (n,) = v.shape
    m = n + abs(k)
    start = k if k >= 0 else -k * m
    return np.reshape(scatter(v, slice(start, start + n * (m + 1), m + 1), (m * m,)), (m, m))


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of x. Integer exponents promote float32 to float64, as in NumPy."""
    (n,) = shape_of(x)
    powers = np.arange(n if N is None else N)
    return np.reshape(x, (n, 1)) ** (powers if increasing else powers[::-1])


def _triangle(keep: Any) -> Any:
    return lambda m, k=0: np.where(keep(np.ones(m.shape[-2:], bool), k), m, m.dtype.type(0))


known[np.diagonal] = Composition(_diagonal)
defview(np.diagonal, back=None)
known[np.trace] = Composition(_trace)
known[np.diag] = Composition(_diag)
known[np.diagflat] = Composition(lambda v, k=0: np.diag(np.ravel(v), k))
known[np.tril] = Composition(_triangle(np.tril))
known[np.triu] = Composition(_triangle(np.triu))
known[np.vander] = Composition(_vander)

# -- sorting: equal entries keep their order, and so do their cotangents ---------------------------


def _sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return np.take_along_axis(a, np.argsort(unwrap(a), axis=axis, kind="stable"), axis)


def _partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    """np.partition; of equal entries, the i-th smallest is the i-th in the stable order of a."""
    if axis is None:
        a, axis = np.ravel(a), 0
    raw = unwrap(a)
    parted = np.argsort(np.partition(raw, unwrap(kth), axis, kind), axis=axis, kind="stable")
    order = np.empty_like(parted)
    np.put_along_axis(order, parted, np.argsort(raw, axis=axis, kind="stable"), axis)
    return np.take_along_axis(a, order, axis)


known[np.sort] = Composition(_sort)
known[np.partition] = Composition(_partition)

# -- which of the functions above give views, as in NumPy ------------------------------------------

handed_on.update(
    (np.rollaxis, np.rot90, np.fliplr, np.flipud, np.linalg.matrix_transpose, np.linalg.diagonal, np.diag),
    (np.split, np.array_split, np.vsplit, np.hsplit, np.dsplit, np.trim_zeros, np.broadcast_arrays),
    (np.atleast_1d, np.atleast_2d, np.atleast_3d),
    (np.unstack,) if hasattr(np, "unstack") else (),
)

for _constant in (np.shape, np.ndim, np.size):
    nondifferentiable(_constant)
