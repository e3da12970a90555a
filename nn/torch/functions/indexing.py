"""Entries chosen by indices and masks, and entries written there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.errors import DTypeError, OptionError

from ..dtypes import kind_of_number, matched
from ..sparse_tensors import scattered
from ..tensors import Tensor
from .registry import entry, viewing
from .shapes import axis

__all__: list[str] = []


def numbers(index: Any) -> Any:
    """The array of an index."""
    array = np.asarray(index.detach() if hasattr(index, "detach") else index)
    if array.dtype.kind not in "iub":
        raise DTypeError(f"an index is an integer Tensor, got {array.dtype}; write index.long()")
    return array


def places_of(dim: int, index: Any, ndim: int) -> tuple[Any, ...]:
    """The full index of entries at `index` along one axis, and at their own positions along the others."""
    places: list[Any] = list(np.ogrid[tuple(map(slice, index.shape))])
    places[dim % ndim] = index
    return tuple(places)


def _part(src: Any, index: Any) -> Any:
    """The entries of a source that are written: those of the shape of the index."""
    return src if kind_of_number(src) or np.ndim(src) == 0 else src[tuple(map(slice, index.shape))]


def _along(index: Any, dim: int) -> tuple[Any, ...]:
    return (slice(None),) * dim + (index,)


# -- reading ---------------------------------------------------------------------------------------


@entry
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """Entries at indices along an axis; y[i, j] = x[i, index[i, j]] for dim=1."""
    index = numbers(index)
    if not input.ndim:
        return input.reshape(1)[index]
    return input[places_of(dim, index, input.ndim)]


@entry
def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices at indices along an axis."""
    return np.take(input, np.atleast_1d(numbers(index)), axis=dim)


@entry
def masked_select(input: Any, mask: Any) -> Any:
    """The entries where a mask is True, as a vector."""
    x, where = np.broadcast_arrays(input, np.asarray(mask, bool))
    return x[np.asarray(where)]


@entry
def take(input: Any, index: Any) -> Any:
    """The entries at indices of the flattened Tensor."""
    return np.take(input.reshape(-1), numbers(index))


@entry
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """The entries at indices along an axis, which broadcast along the others."""
    if dim is None:
        return np.take(input.reshape(-1), numbers(indices).reshape(-1))
    return np.take_along_axis(input, numbers(indices), dim)


@entry(method=False)
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Entries of `input` where the condition holds, else of `other`; indices if only a condition is given."""
    if input is None:
        return np.nonzero(condition.detach())
    return np.where(condition, *matched(input, other))


@entry(only_method=True, name="where")
def _where_method(input: Any, condition: Any, other: Any) -> Any:
    """Entries of the Tensor where the condition holds, else of `other`."""
    return np.where(condition, *matched(input, other))


@entry
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of the entries that are not 0, one in each row; or one Tensor for each axis."""
    found = np.nonzero(np.asarray(input.detach()).reshape(input.shape or (1,)))
    return found if as_tuple else np.stack(found, axis=-1)[:, : input.ndim]


@entry(method=False)
def unravel_index(indices: Any, shape: Any) -> Any:
    """The index along each axis of entries of the flattened Tensor."""
    return tuple(np.unravel_index(numbers(indices), tuple(np.atleast_1d(shape))))


@entry
def argwhere(input: Any) -> Any:
    """The indices of the entries that are not 0, one in each row."""
    return np.argwhere(np.asarray(input.detach()))


# -- writing ---------------------------------------------------------------------------------------


@entry(in_place=True)
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """The entries, but `value` where a mask is True."""
    value = value if kind_of_number(value) else value.astype(input.dtype)
    return np.where(np.asarray(mask, bool), value, input).astype(input.dtype)


@entry(in_place=True)
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """The entries, but those of `source`, in order, where a mask is True."""
    where_ = np.broadcast_to(np.asarray(mask, bool), input.shape)
    places = np.where(where_, np.cumsum(where_.reshape(-1)).reshape(where_.shape) - 1, 0)
    return np.where(where_, np.take(source.reshape(-1), places), input)


@entry(in_place=True)
def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Any:
    """A copy with entries of `src` along an axis; y[i, index[i, j]] = src[i, j] for dim=1."""
    src = value if src is None else src
    if reduce is not None:
        words = {"add": "sum", "multiply": "prod"}
        whole = src if np.ndim(src) else np.full(np.shape(index), src, input.dtype)
        return _reduced(input, dim, index, whole, words.get(reduce, reduce), True)
    index, y = numbers(index), input.copy()
    if not index.size:
        return y
    y[places_of(dim, index, input.ndim)] = _part(src, index)
    return y


def _sums(input: Any, dim: int, index: Any, src: Any) -> Any:
    """The sums of the entries of `src` that go to each entry along an axis."""
    index = numbers(index)
    part = _part(src, index)
    dim = axis(input, "scatter_add", dim)
    flat = np.ravel_multi_index(
        np.broadcast_arrays(*places_of(dim, index, input.ndim)), tuple(input.shape)
    ).reshape(-1)
    return scattered(part.reshape(-1), flat, int(np.prod(input.shape))).reshape(input.shape)


@entry(in_place=True)
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy y; for dim=1, y[i, index[i, j]] += src[i, j], where repeated indices add up."""
    return input + _sums(input, dim, index, src)


@entry(in_place=True)
def scatter_reduce(
    input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """A copy with entries combined along an axis: by "sum", "prod", "mean", "amax" or "amin"."""
    return _reduced(input, dim, index, src, reduce, include_self)


def _reduced(x: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool) -> Any:
    index = numbers(index)
    part = _part(src, index)
    dim = axis(x, "scatter_reduce", dim)
    hits = np.zeros((*index.shape, x.shape[dim]), bool)
    np.put_along_axis(hits, np.expand_dims(index, -1), True, axis=-1)
    start: dict[str, tuple[Callable[..., Any], Any]] = {
        "sum": (np.sum, 0), "mean": (np.sum, 0), "prod": (np.prod, 1),
        "amax": (np.max, -np.inf), "amin": (np.min, np.inf),
    }  # fmt: skip
    if reduce not in start:
        raise OptionError(f"scatter_reduce(reduce={reduce!r}): expected one of {', '.join(start)}")
    combine, neutral = start[reduce]
    if x.dtype.kind in "iu" and isinstance(neutral, float):
        neutral = np.iinfo(x.dtype).min if neutral < 0 else np.iinfo(x.dtype).max
    entries = np.moveaxis(np.where(hits, np.expand_dims(part, -1), neutral), dim, 0)
    counts = np.moveaxis(hits.sum(axis=dim), -1, dim)
    rest = tuple(slice(0, m) for m in counts.shape)
    own = x[rest]
    first = own if include_self else np.where(counts > 0, neutral, own)
    stacked = np.concatenate([np.expand_dims(np.moveaxis(first, dim, -1), 0), entries], axis=0)
    result = np.moveaxis(combine(stacked, axis=0), -1, dim)
    if reduce == "mean":
        result = result / np.maximum(counts + include_self, 1)
    y = x.copy()
    y[rest] = result.astype(x.dtype)
    return y


@entry(in_place=True)
def index_reduce(
    input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """A copy where the slices of `source` are combined at indices: by "prod", "mean", "amax" or "amin"."""
    return _reduced(input, dim, _along_others(input, dim, index, source), source, reduce, include_self)


def _along_others(x: Any, dim: int, index: Any, source: Any) -> Any:
    """The index of whole slices, as an index of single entries."""
    shape = [1] * x.ndim
    shape[dim] = -1
    return np.broadcast_to(np.atleast_1d(numbers(index)).reshape(shape), source.shape)


@entry(in_place=True)
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """A copy where the slices of `source` are added at indices along an axis; repeated ones add up."""
    full = _along_others(input, dim, index, source)
    return input + alpha * _sums(input, dim, full, source)


@entry(in_place=True)
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """A copy with the slices of `source` at indices along an axis."""
    y = input.copy()
    y[_along(numbers(index), axis(input, "index_copy", dim))] = source
    return y


@entry(in_place=True)
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy with one value in the slices at indices along an axis."""
    y = input.copy()
    y[_along(numbers(index), axis(input, "index_fill", dim))] = value
    return y


@entry(in_place=True)
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """A copy with values at indices, one Tensor of indices for each axis."""
    full = tuple(numbers(i) for i in indices)
    y = input.copy()
    if not accumulate:
        y[full] = values
        return y
    flat = np.arange(int(np.prod(input.shape))).reshape(input.shape)[full].reshape(-1)
    added = np.broadcast_to(values, input[full].shape).reshape(-1)
    return input + scattered(added, flat, int(np.prod(input.shape))).reshape(input.shape)


@entry(in_place=True)
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """A copy with values at indices of the flattened Tensor."""
    flat = input.reshape(-1).copy()
    flat[numbers(index).reshape(-1)] = source.reshape(-1)
    return flat.reshape(input.shape)


@entry
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """A copy with another slice at one index along an axis."""
    y = input.copy()
    y[_along(index, axis(input, "select_scatter", dim))] = src
    return y


@entry
def slice_scatter(
    input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    """A copy with other entries in a slice along an axis."""
    y = input.copy()
    y[_along(slice(start, end, step), axis(input, "slice_scatter", dim))] = src
    return y


@entry
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A copy with other entries on a diagonal."""
    places = np.diagonal(np.arange(int(np.prod(input.shape))).reshape(input.shape), offset, dim1, dim2)
    flat = input.reshape(-1).copy()
    flat[places.reshape(-1)] = src.reshape(-1)
    return flat.reshape(input.shape)


@entry(in_place=True, only_method=True)
def fill_diagonal(input: Any, fill_value: Any, wrap: bool = False) -> Any:
    """A copy with one value on the diagonal."""
    inside = np.zeros(input.shape, bool)
    np.fill_diagonal(inside, True, wrap)
    return np.where(inside, fill_value, input)


@entry(method=False)
def fill(input: Any, value: Any) -> Any:
    """A copy in which every entry is `value`."""
    return np.full(input.shape, float(value) if input.dtype.kind == "f" else value, input.dtype)


@viewing
def fill_(input: Any, value: Any) -> Any:
    """Set every entry to `value`."""
    input[...] = value
    return input


@viewing
def zero_(input: Any) -> Any:
    """Set every entry to 0."""
    input[...] = 0
    return input


@viewing(only_method=True)
def copy_(input: Any, other: Any, non_blocking: bool = False) -> Any:
    """Assign the entries of another Tensor, broadcast to the shape of this one."""
    input[...] = other if isinstance(other, Tensor) or kind_of_number(other) else np.asarray(other)
    return input


@viewing
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The entries on a diagonal, of a contiguous matrix a view that can be written, else a read-only one."""
    if (dim1, dim2) == (0, 1) and (steps := _diagonal_steps(input._data, offset)) is not None:
        return input.reshape(-1)[steps]
    return np.diagonal(input, offset, dim1, dim2)


def _diagonal_steps(array: Any, offset: int) -> slice | None:
    """Where the entries on a diagonal lie in the memory of a contiguous matrix; None for other arrays."""
    if not isinstance(array, np.ndarray) or array.ndim != 2 or not array.flags.c_contiguous:
        return None
    rows, columns = array.shape
    length = min(rows + min(offset, 0), columns - max(offset, 0))
    start = max(offset, -offset * columns)
    return slice(start, start + (length - 1) * (columns + 1) + 1, columns + 1) if length > 0 else slice(0, 0)
