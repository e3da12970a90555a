"""Shape functions: entries are moved or copied, and their cotangents move back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..rules import compositions, defvjp
from ..tensor import nondifferentiable, primitive, unwrap

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
defvjp(np.flip, lambda g, y, x, axis=None: np.flip(g, axis), flow="moves")
defvjp(np.broadcast_to, lambda g, y, x, shape: g, broadcasts=True, flow="moves")


def _order(order: str, x: Any) -> Any:
    """What order "A" or "K" meant for an array: that in which its entries lie in memory."""
    flags = np.asarray(unwrap(x)).flags
    if order == "K" and not flags.forc:
        raise UnsupportedError('order="K" of an array that is not contiguous; use order="C"')
    return order if order in "CF" else "F" if flags.fnc else "C"


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

for _constant in (np.shape, np.ndim, np.size):
    nondifferentiable(_constant)
