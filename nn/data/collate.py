"""A batch out of samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, ShapeError

from ..arrays import as_array

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: list[Any]) -> Any:
    """Put samples together part by part: numbers, arrays and Tensors become one Tensor with an axis more.

    Args:
        batch: samples of one structure: numbers, arrays, Tensors, text, or tuples, lists and dicts of them.

    Returns:
        That structure with a Tensor of shape (N, ...) in each place, and a list of what is text. Tuples
        become lists, so that parts can be replaced; named ones stay.

    Raises:
        ShapeError: arrays of several shapes, or tuples of several lengths.
        DTypeError: a part is none of these.

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
                f"samples of {' and '.join(map(str, lengths))} parts cannot be put together into a batch; "
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
    """A sample as it is, with Tensors in place of its arrays.

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
