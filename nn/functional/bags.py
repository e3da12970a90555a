"""Bags of vectors: the sum, the mean or the maximum of some rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError, ShapeError
from autograd_lite.sums import narrowed, total

from ..arrays import as_array
from .exactness import exact
from .sparse import embedding

__all__ = ["embedding_bag"]

Array = npt.NDArray[Any]


@exact
def embedding_bag(
    input: Tensor | npt.ArrayLike,
    weight: Tensor | Array,
    offsets: Tensor | npt.ArrayLike | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | Array | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, the mean or the maximum of the rows of `weight` at the indices of each bag.

    Args:
        input: indices, integers of shape (B, N), a bag in each row; or (N,), with `offsets`.
        weight: the table, of shape (V, D).
        offsets: the position in `input` where each bag begins, of shape (B,).
        max_norm: the largest norm of a row. Longer rows at `input` are shortened, in the table itself.
        norm_type: the p of the p-norm of `max_norm`.
        scale_grad_by_freq: divide the gradient of a row by the number of its uses in `input`.
        mode: "sum", "mean" or "max". An empty bag gives 0.
        sparse: has no effect; the gradient of the table is always dense.
        per_sample_weights: a factor for each index, of the shape of `input`; only for "sum".
        include_last_offset: the last entry of `offsets` is the end of the last bag.
        padding_idx: an index that is in no bag and gets no gradient.

    Returns:
        An array of shape (B, D).

    Raises:
        OptionError: `mode` is unknown, or options exclude each other.
        ShapeError: `input`, `offsets` and `per_sample_weights` do not fit each other.
        DTypeError: the indices or the offsets are not integers.
        IndexingError: an index is not from 0 to V - 1.

    Example:
        >>> import numpy as np
        >>> table = np.array([[1.0], [10.0], [100.0]])
        >>> embedding_bag(np.array([0, 1, 2, 0]), table, offsets=np.array([0, 3]), mode="sum").tolist()
        [[111.0], [1.0]]
    """
    indices, factors = as_array(input), per_sample_weights
    _check(mode, indices, offsets, factors)
    if indices.ndim == 1:
        places, valid = _bags(indices, offsets, include_last_offset)
        indices, factors = indices[places], None if factors is None else factors[places]
    else:
        valid = np.ones(indices.shape, bool)
    if padding_idx is not None:
        valid = valid & (indices != padding_idx % weight.shape[0])
    options = max_norm, norm_type, scale_grad_by_freq and mode != "max"
    return _joined(_rows(indices, valid, weight, *options), valid[..., None], mode, factors)


def _check(mode: str, indices: Array, offsets: Any, factors: Any) -> None:
    if mode not in ("sum", "mean", "max"):
        raise OptionError(f'embedding_bag(mode={mode!r}): expected "sum", "mean" or "max"')
    if factors is not None and mode != "sum":
        raise OptionError(f'embedding_bag(mode={mode!r}): per_sample_weights need mode="sum"')
    if factors is not None and factors.shape != indices.shape:
        raise ShapeError(
            f"embedding_bag: per_sample_weights {factors.shape} differ in shape from input {indices.shape}"
        )
    if indices.ndim != 1 and (indices.ndim != 2 or offsets is not None):
        raise ShapeError(
            f"embedding_bag: input of shape {indices.shape}"
            + ("" if offsets is None else " with offsets")
            + "; expected (B, N) without offsets, or (N,) with offsets of shape (B,)"
        )


def _bags(indices: Array, offsets: Any, include_last: bool) -> tuple[Array, Array]:
    """The positions of the indices of each bag (B, longest), and which of them are in the bag."""
    if offsets is None:
        raise ShapeError(
            "embedding_bag: input of shape (N,) needs offsets, the position where each bag begins; for one "
            "bag write input[None]"
        )
    begins = as_array(offsets)
    if begins.dtype.kind not in "iu":
        raise DTypeError(f"embedding_bag: expected integers as offsets, got {begins.dtype}")
    ends = begins[1:] if include_last else np.append(begins[1:], len(indices))
    begins = begins[:-1] if include_last else begins
    lengths = ends - begins
    if len(begins) and (begins[0] != 0 or lengths.min() < 0 or ends[-1] > len(indices)):
        raise ShapeError(
            f"embedding_bag: offsets {begins.tolist()} for {len(indices)} indices; expected numbers from 0 "
            f"on that do not decrease, and are at most {len(indices)}"
        )
    places = begins[:, None] + np.arange(lengths.max(initial=0))
    valid = places < ends[:, None]
    return np.where(valid, places, 0), valid


def _rows(
    indices: Array, valid: Array, weight: Any, max_norm: float | None, norm_type: float, scaled: bool
) -> Any:
    """The rows at the indices (B, N, D); those outside of a bag count neither as uses nor for `max_norm`."""
    counted = indices[valid]
    rows = embedding(counted, weight, None, max_norm, norm_type, scaled)
    if valid.all():
        return rows.reshape((*indices.shape, rows.shape[-1]))
    slots = np.where(valid, np.cumsum(valid).reshape(valid.shape) - 1, 0)
    if len(counted):
        return rows[slots]
    return np.broadcast_to(np.sum(rows, axis=0), (*indices.shape, rows.shape[-1]))  # zeros


def _joined(rows: Any, valid: Array, mode: str, factors: Any) -> Any:
    """The sum, the mean or the maximum of the valid rows of each bag."""
    if mode == "max":
        if not rows.shape[1]:
            return rows.sum(axis=1)
        which = np.argmax(np.where(valid, as_array(rows), -np.inf), axis=1)  # the first of equal ones
        bags, columns = np.indices(which.shape, sparse=True)
        return np.where(valid.any(axis=1), rows[bags, which, columns], 0)
    kept = np.where(valid, rows if factors is None else rows * factors[..., None], 0)
    added = narrowed(total(kept, 1), rows)
    if mode == "sum":
        return added
    return added / np.maximum(valid.sum(axis=1), 1).astype(rows.dtype)
