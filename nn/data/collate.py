"""Collate samples into a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, ShapeError

from ..arrays import as_array

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: list[Any]) -> Any:
    """Stack samples into a batch: numbers, arrays and Tensors become one Tensor with a batch axis.

    Args:
        batch: samples of one structure: numbers, arrays, Tensors, text, or tuples, lists and dicts of them.

    Returns:
        The same structure with a Tensor of shape (N, ...) for each array or number, and a list for text.
        Tuples become lists, but named tuples stay.

    Raises:
        ShapeError: arrays have different shapes, or tuples different lengths.
        DTypeError: a sample holds another type.

    Example:
        >>> import nn
        >>> nn.data.default_collate([((1.0, 2.0), "a"), ((3.0, 4.0), "b")])
        [[Tensor([1., 3.], shape=(2,), dtype=float64), Tensor([2., 4.], shape=(2,), dtype=float64)],
         ['a', 'b']]
    """
    first = batch[0]
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, dict):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        if len({len(sample) for sample in batch}) > 1:
            lengths = sorted({len(sample) for sample in batch})
            raise ShapeError(
                f"samples of {' and '.join(map(str, lengths))} items cannot be stacked into a batch; "
                "bring them to one length, or give DataLoader(..., collate_fn=...)"
            )
        parts = [default_collate(list(part)) for part in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    return _stacked(batch)


def _stacked(batch: list[Any]) -> Any:
    arrays = [as_array(x) for x in batch]
    shapes = {x.shape for x in arrays}
    if len(shapes) > 1:
        raise ShapeError(
            f"samples of shapes {', '.join(map(str, sorted(shapes)))} cannot be stacked into a batch; bring "
            "them to one shape, or give DataLoader(..., collate_fn=...)"
        )
    if any(isinstance(x, Tensor) and x.requires_grad for x in batch):
        return np.stack(batch)
    stacked = np.stack(arrays)
    if stacked.dtype.kind not in "biufc":
        raise DTypeError(
            f"samples of type {type(batch[0]).__name__} cannot be stacked into a batch; make them numbers or "
            "arrays, or give DataLoader(..., collate_fn=...)"
        )
    return Tensor(stacked)


def default_convert(data: Any) -> Any:
    """Convert the arrays in a sample to Tensors.

    Args:
        data: an array, or tuples, lists and dicts of them; anything else stays.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return Tensor(data) if data.dtype.kind in "biufc" else data
    if isinstance(data, dict):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, (tuple, list)):
        parts = [default_convert(value) for value in data]
        return type(data)(*parts) if hasattr(data, "_fields") else parts
    return data
