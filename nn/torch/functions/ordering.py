"""Sorting and searching."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_lite.errors import OptionError

from .reductions import ValuesAndIndices
from .registry import entry

__all__: list[str] = []


def _order(x: Any, dim: int, descending: bool) -> Any:
    """The indices that sort the entries; equal entries keep their order."""
    array = x.detach()
    if not descending:
        return np.argsort(array, axis=dim, kind="stable")
    turned = np.flip(array, dim)  # backwards twice, so that equal entries keep their order
    return np.flip(array.shape[dim] - 1 - np.argsort(turned, axis=dim, kind="stable"), dim)


@entry
def sort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = True) -> Any:
    """The sorted entries along an axis, and their indices."""
    x = input if input.ndim else input.reshape(1)
    places = _order(x, dim, descending)
    values = np.take_along_axis(x, places, dim)
    return ValuesAndIndices(values.reshape(input.shape), places.reshape(input.shape))


@entry
def argsort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = True) -> Any:
    """The indices that sort the entries along an axis."""
    return _order(input, dim, descending) if input.ndim else np.zeros((), int)


@entry
def msort(input: Any) -> Any:
    """The entries sorted along the first axis."""
    return np.take_along_axis(input, _order(input, 0, False), 0)


@entry
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The k largest (or least) entries along an axis, and their indices."""
    n = input.shape[dim] if input.ndim else 1
    if not 0 <= k <= n:
        raise OptionError(f"topk(k={k}, dim={dim}): the axis has {n} entries; k is at most that")
    x = input if input.ndim else input.reshape(1)
    places = np.take(_order(x, dim, largest), np.arange(k), axis=dim)
    return ValuesAndIndices(np.take_along_axis(x, places, dim), places)


@entry
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th least entry along an axis, counted from 1, and its index."""
    if not 1 <= k <= input.shape[dim]:
        raise OptionError(f"kthvalue(k={k}): the axis has {input.shape[dim]} entries; k is 1 to that number")
    places = np.take(_order(input, dim, False), [k - 1], axis=dim)
    values = np.take_along_axis(input, places, dim)
    shape = values.shape if keepdim else tuple(np.delete(values.shape, dim))
    return ValuesAndIndices(values.reshape(shape), places.reshape(shape))


@entry(method=False)
def searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Any:
    """The indices at which entries would be inserted in sorted rows."""
    rows, values = np.asarray(sorted_sequence), np.asarray(input)
    side = side or ("right" if right else "left")
    if sorter is not None:
        rows = np.take_along_axis(rows, np.asarray(sorter), -1)
    if rows.ndim == 1:
        found = np.searchsorted(rows, values, side=side)  # type: ignore[call-overload]
    else:
        pairs = zip(rows.reshape(-1, rows.shape[-1]), values.reshape(-1, values.shape[-1]), strict=True)
        found = np.stack([np.searchsorted(row, v, side=side) for row, v in pairs]).reshape(values.shape)  # type: ignore[call-overload]
    return np.asarray(found, np.int32 if out_int32 else np.int64)


@entry(method=False)
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """The index of the interval between sorted boundaries in which each entry lies."""
    found = np.searchsorted(
        np.asarray(boundaries), np.asarray(input.detach()), side="right" if right else "left"
    )
    return np.asarray(found, np.int32 if out_int32 else np.int64)


class _Unique(NamedTuple):
    output: Any
    inverse_indices: Any
    counts: Any


def _some(found: _Unique, inverse: bool, counts: bool) -> Any:
    """The parts of the result that were asked for."""
    extra = [*([found.inverse_indices] if inverse else []), *([found.counts] if counts else [])]
    return (found.output, *extra) if extra else found.output


@entry
def unique(
    input: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different entries, sorted; the different slices if `dim` is given."""
    array = np.asarray(input.detach())
    values, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=dim)
    shape = array.shape if dim is None else (array.shape[dim],)
    return _some(_Unique(values, inverse.reshape(shape), counts), return_inverse, return_counts)


@entry
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The entries without those equal to the entry before."""
    array = np.asarray(input.detach())
    rows = array.reshape(-1) if dim is None else np.moveaxis(array, dim, 0)
    differs = (rows[1:] != rows[:-1]).reshape(max(len(rows) - 1, 0), -1).any(axis=1)
    starts = np.concatenate([[True], differs])[: len(rows)]
    inverse = np.cumsum(starts) - 1
    values = rows[starts] if dim is None else np.moveaxis(rows[starts], 0, dim)
    inverse = inverse.reshape(array.shape) if dim is None else inverse
    return _some(_Unique(values, inverse, np.bincount(inverse.reshape(-1))), return_inverse, return_counts)


@entry(method=False)
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each entry is among the test elements."""
    return np.isin(np.asarray(elements), np.asarray(test_elements), invert=invert)
