"""Functions of indices: rows of a table, and one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.arrays import read_at
from autograd_lite.errors import DTypeError, IndexingError

from ..arrays import as_array, within
from ..kernels import embedding as kernels
from .exactness import exact

__all__ = ["embedding", "one_hot"]


@ag.fused(kernels.table_rows, kernels.table_rows_backward, flow="selects")
def table_rows(table: Any, numbers: Any) -> Any:
    """The rows of a table (V, D) at some numbers, of shape (*numbers.shape, D)."""
    return read_at(table, numbers)


@ag.primitive
def thinned(rows: Any, shares: Any) -> Any:
    """The rows unchanged; in the backward pass their gradients are multiplied by the shares."""
    return rows


ag.defvjp(thinned, lambda g, y, rows, shares: g * shares, None)


@exact
def embedding(
    input: Tensor | npt.ArrayLike,
    weight: Tensor | npt.NDArray[Any],
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of `weight` at the indices `input`.

    Args:
        input: indices, integers of any shape.
        weight: the table, of shape (V, D).
        padding_idx: the index of a row that gets no gradient.
        max_norm: the largest norm of a row. Longer rows at `input` are shortened, in the table itself.
        norm_type: the p of the p-norm of `max_norm`.
        scale_grad_by_freq: divide the gradient of a row by the number of its uses in `input`.
        sparse: has no effect; the gradient of the table is always dense.

    Returns:
        An array of shape (*input.shape, D).

    Raises:
        DTypeError: `input` does not hold integers.
        IndexingError: an index is not from 0 to V - 1.
    """
    indices = _integers("embedding", input)
    rows = weight.shape[0]
    if not within(indices, 0, rows - 1):
        raise IndexingError(
            f"embedding: the indices run from {indices.min()} to {indices.max()}, but there are {rows} "
            f"vectors, 0 to {rows - 1}"
        )
    if max_norm is not None:
        shorten(weight, indices, max_norm, norm_type)
    if padding_idx is not None:
        fixed = np.arange(rows)[:, None] == padding_idx % rows
        weight = np.where(fixed, ag.stop_gradient(weight), weight)
    found = table_rows(weight, indices.astype(np.int64))
    return thinned(found, frequency_shares(indices, rows, found.dtype)) if scale_grad_by_freq else found


def shorten(weight: Tensor | npt.NDArray[Any], indices: Any, max_norm: float, norm_type: float) -> None:
    """Shorten the rows of a table at some indices to the norm `max_norm`, in the table itself."""
    values = as_array(weight)
    used = np.unique(indices)
    norms = np.linalg.vector_norm(values[used], ord=norm_type, axis=1)
    long = norms > max_norm
    if not long.any():
        return
    # The table of a recorded step keeps its values: only a new array is written to.
    new = values.copy()
    new[used[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(values.dtype)
    if isinstance(weight, Tensor):
        weight.data = new
    else:
        weight[...] = new


def frequency_shares(indices: Any, rows: int, dtype: Any) -> Any:
    """1 / the number of uses of each index, of shape (*indices.shape, 1)."""
    counts = np.bincount(indices.reshape(-1), minlength=rows)
    return (1 / counts[indices])[..., None].astype(dtype)


@exact
def one_hot(tensor: Tensor | npt.ArrayLike, num_classes: int = -1) -> npt.NDArray[Any]:
    """One-hot vectors along a new last axis: 1 at the index of each class, and 0 elsewhere.

    Args:
        tensor: class indices, integers of any shape.
        num_classes: the length of the new axis; -1 for the largest index plus 1.

    Raises:
        DTypeError: `tensor` does not hold integers.
        IndexingError: an index is not from 0 to num_classes - 1.

    >>> one_hot([1, 0], 3).tolist()
    [[0, 1, 0], [1, 0, 0]]
    """
    indices = _integers("one_hot", tensor)
    classes = int(indices.max(initial=-1)) + 1 if num_classes == -1 else num_classes
    if not within(indices, 0, classes - 1):
        raise IndexingError(
            f"one_hot: indices from {indices.min()} to {indices.max()} are no classes 0 to {classes - 1}"
        )
    hot: npt.NDArray[Any] = (indices[..., None] == np.arange(classes)).astype(np.int64)
    return hot


def _integers(name: str, x: Tensor | npt.ArrayLike) -> npt.NDArray[Any]:
    values = as_array(x)
    if values.dtype.kind not in "iu":
        raise DTypeError(f"{name}: expected integers, got {values.dtype}; write x.astype(int)")
    return values
