"""Shape functions: entries are moved or copied, and their cotangents move back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..rules import compositions, defvjp
from ..tensor import nondifferentiable, primitive, unwrap
from .indexing import scatter

__all__ = ["concatenate", "stack"]

# -- one array in another shape --------------------------------------------------------------------


def _reshape(
    g: Any, y: Any, x: Any, shape: Any = None, order: str = "C", newshape: Any = None, copy: Any = None
) -> Any:
    """The old shape again, whatever the new one (which NumPy 2.0 calls newshape) is."""
    return np.reshape(g, x.shape, order=_order(order, x))


defvjp(np.reshape, _reshape, flow="moves")
defvjp(np.ravel, lambda g, y, x, order="C": np.reshape(g, x.shape, order=_order(order, x)), flow="moves")
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
defvjp(np.roll, lambda g, y, x, shift, axis=None: np.roll(g, _negated(shift), axis), flow="moves")
defvjp(np.flip, lambda g, y, x, axis=None: np.flip(g, axis), flow="moves")
defvjp(np.broadcast_to, lambda g, y, x, shape: g, broadcasts=True, flow="moves")


def _order(order: str, x: Any) -> Any:
    """What order "A" or "K" meant for an array: that in which its entries lie in memory."""
    flags = np.asarray(unwrap(x)).flags
    if order == "K" and not flags.forc:
        raise UnsupportedError('order="K" of an array that is not contiguous; use order="C"')
    return order if order in "CF" else "F" if flags.fnc else "C"


def _negated(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, tuple) else -shift


def inverse(axes: Any) -> tuple[int, ...]:
    """The permutation that undoes another one."""
    return tuple(int(i) for i in np.argsort([axis % len(axes) for axis in axes]))


# -- several arrays in one -------------------------------------------------------------------------


@primitive
def concatenate(*arrays: Any, axis: int | None = 0) -> Any:
    """The arrays one after another along an axis; None flattens them first."""
    return np.concatenate(arrays, axis=axis)


@primitive
def stack(*arrays: Any, axis: int = 0) -> Any:
    """Arrays of one shape side by side along a new axis."""
    return np.stack(arrays, axis=axis)


def _piece(i: int, g: Any, y: Any, *arrays: Any, axis: int | None = 0) -> Any:
    """The part of g where the i-th array went."""
    if axis is None:
        start = sum(np.size(unwrap(a)) for a in arrays[:i])
        return np.reshape(g[start : start + arrays[i].size], arrays[i].shape)
    start = sum(np.shape(unwrap(a))[axis] for a in arrays[:i])
    before = (slice(None),) * (axis % len(arrays[i].shape))
    return g[(*before, slice(start, start + arrays[i].shape[axis]))]


defvjp(concatenate, each=_piece, flow="moves")
defvjp(
    stack,
    each=lambda i, g, y, *arrays, axis=0: g[(slice(None),) * (axis % len(y.shape)) + (i,)],
    flow="moves",
)


def _concatenate(arrays: Any, axis: int | None = 0) -> Any:
    return concatenate(*arrays, axis=axis)


def _stack(arrays: Any, axis: int = 0) -> Any:
    return stack(*arrays, axis=axis)


def _broadcast_arrays(*arrays: Any) -> Any:
    shape = np.broadcast_shapes(*(np.shape(unwrap(a)) for a in arrays))
    return tuple(np.broadcast_to(a, shape) for a in arrays)


compositions[np.concatenate] = _concatenate
compositions[np.stack] = _stack
compositions[np.broadcast_arrays] = _broadcast_arrays


def _at_least(n: int) -> Any:
    """NumPy's atleast_1d and atleast_2d: axes of size 1 are put in front."""

    def at_least(*arrays: Any) -> Any:
        shapes = [np.shape(unwrap(a)) for a in arrays]
        wide = [
            a if len(s) >= n else np.reshape(a, (1,) * (n - len(s)) + s)
            for a, s in zip(arrays, shapes, strict=True)
        ]
        return wide[0] if len(wide) == 1 else tuple(wide)

    return at_least


def _hstack(tup: Any) -> Any:
    """Side by side: along the second axis, or the first of vectors."""
    flat = all(np.ndim(unwrap(a)) <= 1 for a in tup)
    return np.concatenate([np.atleast_1d(a) for a in tup], axis=0 if flat else 1)


def _column_stack(tup: Any) -> Any:
    return np.concatenate([a if np.ndim(unwrap(a)) > 1 else np.reshape(a, (-1, 1)) for a in tup], axis=1)


compositions[np.atleast_1d] = _at_least(1)
compositions[np.atleast_2d] = _at_least(2)
compositions[np.vstack] = lambda tup: np.concatenate([np.atleast_2d(a) for a in tup], axis=0)
compositions[np.hstack] = _hstack
compositions[np.column_stack] = _column_stack

# -- one array in several --------------------------------------------------------------------------


def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Pieces along an axis: as many as said and nearly equal, or cut at the places said."""
    size = np.shape(unwrap(ary))[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        each, more = divmod(size, int(indices_or_sections))
        sizes = [each + 1] * more + [each] * (int(indices_or_sections) - more)
        cuts = [int(i) for i in np.cumsum(sizes)[:-1]]
    else:
        cuts = [int(i) for i in indices_or_sections]
    before = (slice(None),) * (axis % np.ndim(unwrap(ary)))
    return [ary[(*before, slice(i, j))] for i, j in zip([0, *cuts], [*cuts, size], strict=True)]


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    size = np.shape(unwrap(ary))[axis]
    if isinstance(indices_or_sections, (int, np.integer)) and size % indices_or_sections:
        raise ValueError(
            f"an axis of {size} cannot be split into {indices_or_sections} equal parts; np.array_split can"
        )
    return _array_split(ary, indices_or_sections, axis)


compositions[np.array_split] = _array_split
compositions[np.split] = _split

# -- parts of an array -----------------------------------------------------------------------------


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The entries a[i, i + offset], as the last axis."""
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = a.shape[-2:]
    n = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    i = np.arange(n)
    return a[..., i + max(0, -offset), i + max(0, offset)]


def _diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or a matrix with a diagonal."""
    if np.ndim(unwrap(v)) == 2:
        return np.diagonal(v, k)
    n = v.shape[0]
    i = np.arange(n)
    return scatter(v, (i + max(0, -k), i + max(0, k)), (n + abs(k), n + abs(k)))


def _triangle(keep: Any) -> Any:
    return lambda m, k=0: np.where(keep(np.ones(m.shape[-2:], bool), k), m, 0)


def _take(a: Any, indices: Any, axis: int | None = None) -> Any:
    if axis is None:
        return np.reshape(a, -1)[indices]
    return a[(slice(None),) * (axis % np.ndim(unwrap(a))) + (indices,)]


def _sort(a: Any, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Any:
    """The entries in order; equal ones keep theirs, and so do their gradients."""
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    order = np.argsort(unwrap(a), axis=axis, kind="stable")
    grid = list(np.ogrid[tuple(slice(n) for n in order.shape)])
    grid[axis] = order
    return a[tuple(grid)]


compositions[np.diagonal] = _diagonal
compositions[np.trace] = lambda a, offset=0, axis1=0, axis2=1: np.sum(
    np.diagonal(a, offset, axis1, axis2), axis=-1
)
compositions[np.diag] = _diag
compositions[np.tril] = _triangle(np.tril)
compositions[np.triu] = _triangle(np.triu)
compositions[np.take] = _take
compositions[np.sort] = _sort

for _constant in (np.shape, np.ndim, np.size):
    nondifferentiable(_constant)
