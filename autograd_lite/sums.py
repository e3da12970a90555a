"""Sums that stay exact, however many entries they have.

NumPy adds pairwise along the axis that is contiguous in memory. Along any other axis it adds row by row. Over
a million rows of 0.1 in float32 this loses one percent. Here such an axis is folded: it is cut into 16
parts, the parts are added to each other, and their sum is folded again. An entry takes part in at most 16
additions for each factor of 16 in the length. NumPy's inner loops get longer, so folding is also fast.

All sums of the library itself go through `total`: gradients of broadcast operands, means, biases, norms.
Half precision is summed in single precision, and divided by a count in single precision: sums and counts
may exceed 65,504, the largest number in half precision.

>>> rows = np.full((1_000_000, 2), 0.1, np.float32)
>>> np.sum(rows, axis=0).astype(int), total(rows, axis=0).astype(int)
(array([100958, 100958]), array([100000, 100000]))
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .apply import primitive
from .arrays import in_order
from .errors import ShapeError

__all__ = ["added", "contracted", "is_narrow", "mean", "narrowed", "total", "unbroadcast", "widened"]

Axis = int | Sequence[int] | None

SHORT = 64
"""Up to this many rows are added one by one, which is fastest. The error is at most 6e-7 of their sum."""

PARTS = 16
"""The number of parts in a fold. More parts would be faster by a fifth, and half as exact."""

_reduce: Any = np.add.reduce


def widened(x: Any) -> Any:
    """Half precision as single precision; other dtypes are unchanged."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


def narrowed(x: Any, like: Any) -> Any:
    """A result computed from `widened(like)`, in the precision of `like`."""
    return x.astype(np.float16) if like.dtype.char == "e" else x


@primitive
def total(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum of x over axes, as exact as a pairwise sum.

    Args:
        x: array of any shape.
        axis: int, several ints, or None for all axes.
        keepdims: keep the summed axes with size 1.

    Returns:
        An array in the dtype of x; float32 for float16, whose range the sum may exceed.

    Source:
        N. Higham, "The accuracy of floating point summation", 1993.

    Example:
        >>> total(np.ones(70_000, np.float16))
        np.float32(70000.0)
    """
    x = widened(x)
    ndim = x.ndim
    if axis.__class__ is int and -ndim <= axis < ndim and x.shape[axis] <= SHORT:
        return _reduce(x, axis, keepdims=keepdims)
    if axis is None or not ndim:
        axes = tuple(range(ndim))
    else:
        axes = tuple([k + ndim if k < 0 else k for k in _listed(axis)])
    n, shape, whole = len(axes), x.shape, in_order(x)
    one_by_one = n
    while whole and one_by_one and axes[one_by_one - 1] == ndim - 1 - n + one_by_one:
        one_by_one -= 1  # the last axes of an array in order are added pairwise
    if x.size <= SHORT or math.prod([shape[k] for k in axes[:one_by_one]]) <= SHORT:
        return _reduce(x, axes, keepdims=keepdims)
    if whole and axes == tuple(range(n)):
        result = _along(x.reshape(-1, *shape[n:]), 0)[0]
    else:
        result = _by_runs(x, axes)
    return result.reshape([1 if k in axes else size for k, size in enumerate(shape)]) if keepdims else result


def _listed(axis: int | Sequence[int]) -> Sequence[int]:
    return (axis,) if isinstance(axis, (int, np.integer)) else axis


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of x over axes, computed from `total`; of half precision in single precision.

    Example:
        >>> mean(np.ones(70_000, np.float16))
        np.float32(1.0)
    """
    y = total(x, axis, keepdims)
    return y / max(math.prod(x.shape) // max(math.prod(y.shape), 1), 1)


def _by_runs(x: Any, axes: tuple[int, ...]) -> Any:
    """The sum over axes of an array in any memory order.

    The axes are first transposed into the order of memory. Neighbouring summed axes become one axis, and so
    do neighbouring kept axes. The longest axis is summed first, which leaves the least work for the others.
    """
    order = list(range(x.ndim))
    if not in_order(x):
        order.sort(key=lambda k: -abs(x.strides[k]))
    runs = [(summed, list(run)) for summed, run in itertools.groupby(order, axes.__contains__)]
    y = x.transpose(order).reshape([math.prod([x.shape[k] for k in run]) for _, run in runs])
    for i in sorted([i for i, (summed, _) in enumerate(runs) if summed], key=lambda i: -y.shape[i]):
        y = _along(y, i)
    left = [k for summed, run in runs if not summed for k in run]
    y = y.reshape([x.shape[k] for k in left])
    return y[()] if left == sorted(left) else y.transpose(np.argsort(left))


def _along(x: Any, axis: int) -> Any:
    """The sum along one axis, which stays with size 1. NumPy sums the last axis pairwise; others fold."""
    shape, before = x.shape, (slice(None),) * axis
    while axis < x.ndim - 1 and (n := x.shape[axis]) > 2 * PARTS:
        part = -(-n // PARTS)
        parts = n // part
        whole = x[(*before, slice(parts * part))].reshape(*shape[:axis], parts, part, *shape[axis + 1 :])
        folded = _reduce(whole, axis)
        if rest := n - parts * part:
            folded[(*before, slice(rest))] += x[(*before, slice(n - rest, n))]
        x = folded
    return _reduce(x, axis, keepdims=True)


def added(parts: Iterable[Any]) -> Any:
    """The sum of a stream of arrays, as exact as a pairwise sum.

    Two partial sums over equally many arrays are added to each other, as the bits of a binary counter carry.
    For n arrays at most log2(n) + 1 partial sums exist at a time. The arrays are overwritten.

    Example:
        >>> added(np.full(1, 0.1, np.float32) for _ in range(100_000)).astype(int)
        array([10000])
    """
    sums: list[tuple[int, Any]] = []
    for part in parts:
        n = 1
        while sums and sums[-1][0] == n:
            part += sums.pop()[1]
            n *= 2
        sums.append((n, part))
    result = sums.pop()[1]
    while sums:
        result += sums.pop()[1]
    return result


# -- gradients of broadcast operands ----------------------------------------------------------------


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes along which an array of `shape` was broadcast.

    >>> unbroadcast(np.ones((2, 3)), (3,))
    array([2., 2., 2.])
    >>> unbroadcast(np.ones((2, 3)), (2, 1))
    array([[3.],
           [3.]])
    """
    extra = len(g.shape) - len(shape)
    if extra < 0 or any(have != want != 1 for have, want in zip(g.shape[extra:], shape, strict=True)):
        raise ShapeError(
            f"a derivative rule returned shape {g.shape}, which cannot be summed to its input's shape {shape}"
        )
    stretched = [i + extra for i, size in enumerate(shape) if size == 1 and g.shape[i + extra] != 1]
    g = total(g, (*range(extra), *stretched))
    return g if g.shape == shape else np.reshape(g, shape)


# -- sums of products ------------------------------------------------------------------------------

LONG, NARROW, PIECE = 1024, 512, 64
"""A matrix product with at least LONG products per entry, and at most NARROW entries, is cut into pieces of
PIECE products."""


def is_narrow(a: Any, b: Any) -> bool:
    """Whether a @ b has few entries, each a sum of very many products."""
    return b.shape[-2] >= LONG and a.shape[-2] * b.shape[-1] <= NARROW  # type: ignore[no-any-return]


def contracted(a: Any, b: Any) -> Any:
    """a @ b, as exact as a pairwise sum, even if each entry is a sum of very many products.

    BLAS adds the products of a narrow matrix product one by one. So a narrow product is cut along the summed
    axis. BLAS adds a wide product in blocks, which is exact enough.

    Args:
        a: array or Tensor of shape (..., rows, n).
        b: array or Tensor of shape (..., n, columns).

    Example:
        >>> a = np.full((1, 1_000_000), 0.1, np.float32)
        >>> contracted(a, np.ones((1_000_000, 2), np.float32)).astype(int)
        array([[100000, 100000]])
    """
    if not is_narrow(a, b):
        return np.matmul(a, b)
    (n, columns), pieces = b.shape[-2:], b.shape[-2] // PIECE
    cut = pieces * PIECE
    left = np.reshape(a[..., :cut], (*a.shape[:-1], pieces, PIECE))
    right = np.reshape(b[..., :cut, :], (*b.shape[:-2], pieces, PIECE, columns))
    y = total(np.matmul(np.swapaxes(left, -3, -2), right), -3)
    return y if cut == n else y + np.matmul(a[..., cut:], b[..., cut:, :])
