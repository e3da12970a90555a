"""The same entries in another shape or order: views where PyTorch gives views."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import AxisError, IndexingError, OptionError, ShapeError

from ..dtypes import of
from ..tensors import Tensor
from .registry import alias, axes_of, entry, viewing, whole

__all__: list[str] = []


def axis(input: Any, name: str, dim: int) -> int:
    """The index of an axis, from 0."""
    rank = max(input.ndim, 1)
    if not -rank <= dim < rank:
        raise AxisError(f"{name}: x of shape {tuple(input.shape)} has no axis {dim}")
    return int(dim % rank)


# -- views -----------------------------------------------------------------------------------------


@viewing
def reshape(input: Any, *shape: Any) -> Any:
    """The entries in another shape; a view where the memory allows."""
    return ag.apply(np.reshape, input, whole(shape))


@viewing(only_method=True)
def view(input: Any, *shape: Any, dtype: Any = None) -> Any:
    """The entries in another shape, or the bytes as another dtype."""
    if dtype is not None:
        shape = (dtype,)
    if len(shape) == 1 and not isinstance(shape[0], (int, np.integer, tuple, list)):
        return Tensor(input.detach().numpy().view(of(shape[0]).dtype))
    return ag.apply(np.reshape, input, whole(shape))


@viewing(only_method=True)
def view_as(input: Any, other: Any) -> Any:
    """The entries in the shape of another Tensor."""
    return ag.apply(np.reshape, input, tuple(other.shape))


alias(reshape_as="view_as")


@viewing
def permute(input: Any, *dims: Any) -> Any:
    """The axes in another order."""
    return ag.apply(np.transpose, input, whole(dims))


@viewing
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two axes swapped."""
    return ag.apply(np.swapaxes, input, int(dim0), int(dim1)) if input.ndim else input


alias(swapaxes="transpose", swapdims="transpose")


@viewing
def t(input: Any) -> Any:
    """The transpose of a matrix; a vector stays."""
    if input.ndim > 2:
        raise ShapeError(
            f"t: expected at most 2 axes, got shape {tuple(input.shape)}; write x.transpose(-2, -1)"
        )
    return ag.apply(np.transpose, input)


@viewing
def adjoint(input: Any) -> Any:
    """The conjugate transpose of matrices."""
    return ag.apply(np.swapaxes, np.conjugate(input) if input.dtype.kind == "c" else input, -2, -1)


@viewing
def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other positions."""
    return np.moveaxis(input, axes_of(source), axes_of(destination))


alias(moveaxis="movedim")


@viewing
def squeeze(input: Any, dim: Any = None) -> Any:
    """The axes of length 1 removed: all, or those of `dim`; other axes stay."""
    dims = range(input.ndim) if dim is None else np.atleast_1d(np.asarray(dim))
    axes = tuple(axis(input, "squeeze", int(d)) for d in dims) if input.ndim else ()
    return ag.apply(np.squeeze, input, tuple(d for d in axes if input.shape[d] == 1))


@viewing
def unsqueeze(input: Any, dim: int) -> Any:
    """A new axis of length 1 at index `dim`."""
    return np.expand_dims(input, int(dim))


@viewing(only_method=True)
def expand(input: Any, *size: Any) -> Any:
    """The entries repeated along axes of length 1, as a view; -1 keeps the length of an axis."""
    shape = whole(size)
    own = (1,) * (len(shape) - input.ndim) + tuple(input.shape)
    return ag.apply(
        np.broadcast_to, input, tuple(o if n == -1 else n for n, o in zip(shape, own, strict=True))
    )


@viewing(only_method=True)
def expand_as(input: Any, other: Any) -> Any:
    """The entries repeated to the shape of another Tensor, as a view."""
    return ag.apply(np.broadcast_to, input, tuple(other.shape))


@viewing
def broadcast_to(input: Any, *size: Any) -> Any:
    """The entries repeated to another shape, as a view."""
    return input.expand(*size)


@viewing(method=False)
def broadcast_tensors(*tensors: Any) -> Any:
    """Tensors repeated to their common shape."""
    shape = np.broadcast_shapes(*(tuple(x.shape) for x in tensors))
    return tuple(ag.apply(np.broadcast_to, x, shape) for x in tensors)


@viewing
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from `start_dim` to `end_dim` as one."""
    if input.ndim == 0:
        return ag.apply(np.reshape, input, (1,))
    first, last = axis(input, "flatten", start_dim), axis(input, "flatten", end_dim)
    shape = tuple(input.shape)
    return ag.apply(
        np.reshape, input, (*shape[:first], int(np.prod(shape[first : last + 1])), *shape[last + 1 :])
    )


@viewing
def ravel(input: Any) -> Any:
    """All entries as a vector."""
    return ag.apply(np.reshape, input, (-1,))


@viewing
def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """One axis split into several of the given lengths."""
    dim, shape = axis(input, "unflatten", dim), tuple(input.shape)
    return ag.apply(np.reshape, input, (*shape[:dim], *sizes, *shape[dim + 1 :]))


@viewing
def atleast_1d(*tensors: Any) -> Any:
    """Tensors with at least one axis."""
    return _at_least(np.atleast_1d, tensors)


@viewing
def atleast_2d(*tensors: Any) -> Any:
    """Tensors with at least two axes."""
    return _at_least(np.atleast_2d, tensors)


@viewing
def atleast_3d(*tensors: Any) -> Any:
    """Tensors with at least three axes."""
    return _at_least(np.atleast_3d, tensors)


def _at_least(function: Any, tensors: Any) -> Any:
    several = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    found = tuple(function(x) for x in several)
    return found[0] if several is tensors and len(tensors) == 1 else found


# -- parts -----------------------------------------------------------------------------------------


@viewing
def select(input: Any, dim: int, index: int) -> Any:
    """One slice along an axis, a view."""
    return input[(slice(None),) * axis(input, "select", dim) + (int(index),)]


@viewing
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """`length` entries from `start` on along an axis, a view."""
    dim, start = axis(input, "narrow", dim), int(start)
    first = start + input.shape[dim] if start < 0 else start
    if not 0 <= first <= first + length <= input.shape[dim]:
        raise IndexingError(
            f"narrow({dim}, {start}, {length}): x of shape {tuple(input.shape)} has {input.shape[dim]} "
            f"entries along axis {dim}; start + length is at most that"
        )
    return input[(slice(None),) * dim + (slice(first, first + length),)]


@viewing(method=False)
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Parts of one size along an axis, of which the last may be smaller; or parts of listed sizes."""
    return _split(tensor, split_size_or_sections, dim)


@viewing(only_method=True, name="split")
def _split_method(input: Any, split_size: Any, dim: int = 0) -> Any:
    """Parts of one size along an axis, of which the last may be smaller; or parts of listed sizes."""
    return _split(input, split_size, dim)


def _split(x: Any, sizes: Any, dim: int) -> Any:
    n = x.shape[axis(x, "split", dim)]
    if isinstance(sizes, (int, np.integer)):
        step = int(sizes) or max(n, 1)
        sizes = [min(step, n - start) for start in range(0, max(n, 1), step)]
    if sum(sizes) != n:
        raise OptionError(f"split({list(sizes)}, dim={dim}): the sizes add up to {sum(sizes)}, not {n}")
    ends = np.cumsum(sizes)
    return tuple(x.narrow(dim, int(end - size), int(size)) for size, end in zip(sizes, ends, strict=True))


@viewing
def split_with_sizes(input: Any, split_sizes: Any, dim: int = 0) -> Any:
    """Parts of the listed sizes along an axis."""
    return _split(input, list(split_sizes), dim)


@viewing
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` parts of one size along an axis; the last may be smaller."""
    n = input.shape[axis(input, "chunk", dim)]
    return _split(input, -(-n // chunks) or 1, dim) if n else (input,) * chunks


@viewing
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> Any:
    """Parts along an axis: a number of parts whose lengths differ by at most 1, or parts between indices."""
    n = input.shape[axis(input, "tensor_split", dim)]
    if isinstance(indices_or_sections, (int, np.integer)) or np.ndim(indices_or_sections) == 0:
        number = int(indices_or_sections)
        sizes = [n // number + (i < n % number) for i in range(number)]
        ends = [0, *(int(end) for end in np.cumsum(sizes))]
    else:
        ends = [0, *(min(max(int(i) + n * (int(i) < 0), 0), n) for i in indices_or_sections), n]
    lead = (slice(None),) * axis(input, "tensor_split", dim)
    return tuple(input[(*lead, slice(a, b))] for a, b in itertools.pairwise(ends))


@viewing
def hsplit(input: Any, indices_or_sections: Any) -> Any:
    """`tensor_split` along axis 1, of a vector along axis 0."""
    return input.tensor_split(indices_or_sections, dim=0 if input.ndim == 1 else 1)


@viewing
def vsplit(input: Any, indices_or_sections: Any) -> Any:
    """`tensor_split` along axis 0."""
    return input.tensor_split(indices_or_sections, dim=0)


@viewing
def dsplit(input: Any, indices_or_sections: Any) -> Any:
    """`tensor_split` along axis 2."""
    return input.tensor_split(indices_or_sections, dim=2)


@viewing
def unbind(input: Any, dim: int = 0) -> Any:
    """The slices along an axis, views."""
    return tuple(input.select(dim, i) for i in range(input.shape[axis(input, "unbind", dim)]))


@viewing(only_method=True)
def unfold(input: Any, dimension: int, size: int, step: int) -> Any:
    """Windows along an axis; the entries of a window lie along a new last axis."""
    dim = axis(input, "unfold", dimension)
    if not input.ndim:
        return ag.apply(np.reshape, input, (1,))
    starts = np.arange(0, input.shape[dim] - size + 1, step)
    windows = np.take(input, starts[:, None] + np.arange(size), axis=dim)
    return np.moveaxis(windows, dim + 1, -1)


@viewing
def view_as_real(input: Any) -> Any:
    """Complex numbers as pairs of real numbers along a new last axis."""
    return np.stack([np.real(input), np.imag(input)], axis=-1)


@viewing
def view_as_complex(input: Any) -> Any:
    """Pairs of real numbers along the last axis as complex numbers."""
    return input[..., 0] + input[..., 1] * np.array(1j, np.result_type(input.dtype, np.complex64))


# -- copies ----------------------------------------------------------------------------------------


@entry
def flip(input: Any, *dims: Any) -> Any:
    """The entries in reverse order along axes, as a copy."""
    return np.copy(np.flip(input, whole(dims)))


@entry
def fliplr(input: Any) -> Any:
    """The entries in reverse order along axis 1, as a copy."""
    return np.copy(np.flip(input, 1))


@entry
def flipud(input: Any) -> Any:
    """The entries in reverse order along axis 0, as a copy."""
    return np.copy(np.flip(input, 0))


@entry
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """The entries moved along axes; those beyond the end come back at the start."""
    return np.roll(input, axes_of(shifts), axes_of(dims))


@entry
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """The entries turned by 90 degrees k times in the plane of two axes, as a copy."""
    return np.copy(np.rot90(input, k, tuple(dims)))


@entry(only_method=True)
def repeat(input: Any, *repeats: Any) -> Any:
    """The Tensor repeated along its axes: `x.repeat(2, 1)` is two copies of a matrix, one below the other."""
    numbers = whole(repeats)
    if len(numbers) < input.ndim:
        raise OptionError(f"repeat{numbers}: expected a number for each of the {input.ndim} axes")
    return np.tile(input, numbers)


@entry
def tile(input: Any, *dims: Any) -> Any:
    """The Tensor repeated along its axes; without a number, an axis stays."""
    return np.tile(input, whole(dims))


@entry
def repeat_interleave(input: Any, repeats: Any, dim: int | None = None, *, output_size: Any = None) -> Any:
    """Each entry repeated, along an axis or of the flattened Tensor."""
    numbers = repeats if isinstance(repeats, int) else np.asarray(repeats)
    return np.repeat(input, numbers, axis=dim)


@entry(in_place=True)
def tril(input: Any, diagonal: int = 0) -> Any:
    """The entries on and below a diagonal, else 0."""
    return np.tril(input, diagonal)


@entry(in_place=True)
def triu(input: Any, diagonal: int = 0) -> Any:
    """The entries on and above a diagonal, else 0."""
    return np.triu(input, diagonal)


@entry
def diag(input: Any, diagonal: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal, as a copy."""
    return np.copy(np.diag(input, diagonal))


@entry
def diagflat(input: Any, offset: int = 0) -> Any:
    """The matrix with all entries on a diagonal."""
    return np.diagflat(input, offset)


@entry
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices with the entries along the last axis on a diagonal."""
    n = input.shape[-1]
    side = n + abs(offset)
    first, second = np.arange(n) + max(-offset, 0), np.arange(n) + max(offset, 0)
    places = np.zeros((side, side), int)
    inside = np.zeros((side, side), bool)
    places[first, second], inside[first, second] = np.arange(n), True
    return np.moveaxis(np.where(inside, np.take(input, places, axis=-1), 0), (-2, -1), (dim1, dim2))


@entry
def clone(input: Any, *, memory_format: Any = None) -> Any:
    """A copy, on the tape if the Tensor is."""
    return np.copy(input)


@viewing(only_method=True)
def contiguous(input: Any, memory_format: Any = None) -> Any:
    """The Tensor itself if it is contiguous in memory, else a contiguous copy."""
    return input if input.is_contiguous() else np.copy(input)


@viewing
def as_strided(input: Any, size: Any, stride: Any, storage_offset: int = 0) -> Any:
    """Entries of the memory with given steps, as a copy; on the tape, of a contiguous Tensor."""
    places = storage_offset + np.tensordot(np.asarray(stride, int), np.indices(tuple(size)), axes=1)
    return ag.apply(np.reshape, input, (-1,))[places]


@entry(only_method=True)
def sum_to_size(input: Any, *size: Any) -> Any:
    """The sums to a shape that broadcasts to that of the Tensor."""
    shape = whole(size)
    lead = input.ndim - len(shape)
    longer = [d + lead for d, n in enumerate(shape) if n == 1 and input.shape[d + lead] != 1]
    return np.sum(input, axis=(*range(lead), *longer), keepdims=True).reshape(shape)


# -- in place --------------------------------------------------------------------------------------


def _reshaping(name: str) -> Any:
    def method(self: Any, *args: Any, **options: Any) -> Any:
        return self.take_shape(name, getattr(self, name)(*args, **options))

    method.__name__, method.__doc__ = name + "_", f"Give x the shape of `x.{name}(...)`."
    return method


for _name in ("unsqueeze", "squeeze", "transpose", "t", "swapaxes", "swapdims", "unflatten"):
    setattr(Tensor, _name + "_", _reshaping(_name))
