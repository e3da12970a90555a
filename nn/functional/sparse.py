"""Vectors looked up by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, IndexingError

from ..arrays import as_array
from .exactness import exact

__all__ = ["embedding", "one_hot"]


@exact
def embedding(
    input: Tensor | npt.ArrayLike, weight: Tensor | npt.NDArray[Any], padding_idx: int | None = None
) -> Any:
    """The rows of `weight` that `input` names.

    Args:
        input: integers of any shape.
        weight: (V, D).
        padding_idx: a row that gets no gradient.

    Returns:
        An array of shape (*input.shape, D).

    Raises:
        DTypeError: `input` does not hold integers.
        IndexingError: a number outside of 0 ... V - 1.
    """
    indices = _integers("embedding", input)
    rows = weight.shape[0]
    if indices.size and not (indices.min() >= 0 and indices.max() < rows):
        raise IndexingError(
            f"embedding: the input runs from {indices.min()} to {indices.max()}, but there are {rows} "
            f"vectors, 0 to {rows - 1}"
        )
    if padding_idx is not None:
        fixed = np.arange(rows)[:, None] == padding_idx % rows
        weight = np.where(fixed, ag.stop_gradient(weight), weight)
    return weight[indices]


@exact
def one_hot(tensor: Tensor | npt.ArrayLike, num_classes: int = -1) -> npt.NDArray[Any]:
    """1 at the place of each number and 0 elsewhere, along a new last axis.

    >>> one_hot([1, 0], 3).tolist()
    [[0, 1, 0], [1, 0, 0]]
    """
    indices = _integers("one_hot", tensor)
    classes = int(indices.max(initial=-1)) + 1 if num_classes == -1 else num_classes
    if indices.size and not (indices.min() >= 0 and indices.max() < classes):
        raise IndexingError(
            f"one_hot: numbers from {indices.min()} to {indices.max()} are no classes 0 to {classes - 1}"
        )
    hot: npt.NDArray[Any] = (indices[..., None] == np.arange(classes)).astype(np.int64)
    return hot


def _integers(name: str, x: Tensor | npt.ArrayLike) -> npt.NDArray[Any]:
    values = as_array(x)
    if values.dtype.kind not in "iu":
        raise DTypeError(f"{name}: expected integers, got {values.dtype}; write x.astype(int)")
    return values
