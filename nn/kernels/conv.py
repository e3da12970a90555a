"""Convolution over any number of axes: a matrix product of the weights with the windows.

The windows of some images are copied next to each other, as the columns of a matrix (im2col), and
BLAS does the rest. That writes each entry of x once for each entry of the kernel, at most
`BLOCK` bytes at a time, so that the columns are still in the second-level cache of a core when the
product reads them; the threads share the images. The alternatives that were measured (a product for each
row of the kernel and sums of them; rows with their padding, copied in one run) were within a
few percent of it where the maps are large, and slower where they are small.

Three maps make up all of it, each linear in both of its arguments:

    convolved        y  = w * x       the convolution
    input_gradient   dx = w^T * dy    also the transposed convolution
    weight_gradient  dw = dy * x^T

Shapes: x (N, C, *size), w (O, C / groups, *kernel), y (N, O, *out), with two spatial axes or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from .threads import in_parallel, thread_count
from .windows import Array, Pairs, Sizes, Windows

__all__ = [
    "convolution",
    "convolution_backward",
    "transposed_convolution",
    "transposed_convolution_backward",
]

BLOCK = 1 << 20
"""Bytes of columns at a time. With more they leave the cache, with less the products get small."""

SMALL = 1 << 21
"""Up to so many multiply-adds are not worth a second thread."""

_T = TypeVar("_T")
_R = TypeVar("_R")

Block = tuple[slice, slice]
"""Some images, and some rows (of windows, along the first spatial axis) of each."""


# -- the ops ---------------------------------------------------------------------------------------


def convolution(
    x: Array, w: Array, b: Array | None, *, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int
) -> tuple[Array, Any]:
    """The value, and what its backward pass wants to know."""
    windows = Windows(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return convolved(x, w, b, windows, groups), (x, w, windows, groups)


def convolution_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, w and b."""
    x, w, windows, groups = residuals
    return (
        input_gradient(g, w.conj(), None, windows, groups) if needs[0] else None,
        weight_gradient(g, x.conj(), w.shape, windows, groups) if needs[1] else None,
        _summed(g) if needs[2] else None,
    )


def transposed_convolution(
    x: Array,
    w: Array,
    b: Array | None,
    *,
    size: Sizes,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> tuple[Array, Any]:
    """The map back of the convolution that takes arrays of `size` to the size of x."""
    windows = Windows(size, w.shape[2:], stride, padding, dilation, out=x.shape[2:])
    return input_gradient(x, w, b, windows, groups), (x, w, windows, groups)


def transposed_convolution_backward(
    g: Array, residuals: Any, needs: tuple[bool, ...]
) -> tuple[Array | None, ...]:
    """Cotangents of x, w and b."""
    x, w, windows, groups = residuals
    return (
        convolved(g, w.conj(), None, windows, groups) if needs[0] else None,
        weight_gradient(x.conj(), g, w.shape, windows, groups) if needs[1] else None,
        _summed(g) if needs[2] else None,
    )


def _summed(g: Array) -> Array:
    """The cotangent of a bias: summed along the contiguous axes first, which NumPy does pairwise."""
    total: Array = g.reshape(*g.shape[:2], math.prod(g.shape[2:])).sum(axis=2).sum(axis=0)
    return total


# -- the three maps --------------------------------------------------------------------------------


def convolved(x: Array, w: Array, b: Array | None, windows: Windows, groups: int) -> Array:
    """y[n, o] = sum over c of w[o, c] * x[n, c], plus b[o]."""
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    y = np.empty((len(x), len(w), *windows.out), dtype)
    maps = y.reshape(len(x), groups, len(w) // groups, math.prod(windows.out))
    matrix = w.reshape(groups, len(w) // groups, -1).astype(dtype, copy=False)
    images, rows = _cut(x, windows, dtype)
    row = math.prod(windows.out[1:])

    def work(blocks: Sequence[Block]) -> None:
        for (some, tall), columns in _columns(x, blocks, windows, groups, dtype):
            part = maps[some, :, :, tall.start * row : tall.stop * row]
            np.matmul(matrix, columns, out=part)
            if b is not None:
                part += b.reshape(groups, -1, 1)

    _shared(work, [(some, tall) for some in images for tall in rows], y.size * w[:1].size)
    return y


def weight_gradient(g: Array, x: Array, shape: Sizes, windows: Windows, groups: int) -> Array:
    """dw[o, c] = sum over n of g[n, o] * x[n, c], as the transpose of x * g^T, which BLAS does faster."""
    dtype = np.result_type(g, x)
    out, entries = shape[0] // groups, math.prod(shape[1:])
    images, rows = _cut(x, windows, dtype)

    def work(blocks: Sequence[Block]) -> Array:
        total = np.zeros((groups, entries, out), dtype)
        for (some, tall), columns in _columns(x, blocks, windows, groups, dtype):
            part = g[some, :, tall].astype(dtype, copy=False)
            part = part.reshape(len(part), groups, out, -1)
            total += np.matmul(columns, part.mT).sum(axis=0)
        return total

    parts = _shared(work, [(some, tall) for some in images for tall in rows], g.size * entries)
    total: Array = sum(parts[1:], start=parts[0])
    return np.ascontiguousarray(total.mT).reshape(shape)


def input_gradient(g: Array, w: Array, b: Array | None, windows: Windows, groups: int) -> Array:
    """dx[n, c] = sum over o of the windows w[o, c] g[n, o], each laid where it lies in x, plus b[c].

    The products of the weights with g are columns again; where windows overlap they are added up. If the
    stride along the last axis is 1, that is done for neighbouring entries of the kernel in one long run:
    g gets zeros behind each row, as many as a window is longer than one entry, and the columns are
    added shifted against each other; what is shifted out of a row falls on zeros of the next.
    """
    out, inputs = len(w) // groups, w.shape[1]
    dtype = np.result_type(g, w) if b is None else np.result_type(g, w, b)
    dx = np.empty((len(g), groups * inputs, *windows.size), dtype)
    folds = windows.stride[-1] == 1
    wide = windows.full[-1] if folds else windows.out[-1]
    # As a matrix (groups, entries, out): the kernel's last axis first, then its others, then the channels.
    axes = range(3, 2 + len(windows.kernel))
    matrix = w.reshape(groups, out, inputs, *windows.kernel).transpose(0, -1, *axes, 2, 1)
    matrix = matrix.astype(dtype, order="C").reshape(groups, -1, out)
    entries = (windows.kernel[-1], *windows.kernel[:-1], inputs)
    images, rows = _cut(dx, windows, dtype)

    def work(blocks: Sequence[slice]) -> None:
        for some in blocks:
            n = some.stop - some.start
            plane = np.zeros((n, groups, inputs, *windows.full), dtype)
            for tall in rows:
                part = g[some, :, tall]
                if wide > windows.out[-1]:
                    part = np.zeros((*part.shape[:-1], wide), dtype)
                    part[..., : windows.out[-1]] = g[some, :, tall]
                columns = np.matmul(matrix, part.reshape(n, groups, out, -1))
                columns = columns.reshape(n, groups, *entries, *part.shape[2:])
                if folds:
                    columns = _folded(columns, windows.dilation[-1])
                _lay(columns, plane, windows, tall, folds)
            plane = plane.reshape(n, -1, *windows.full)[windows.inner]
            np.add(plane, 0 if b is None else b.reshape(-1, *(1 for _ in windows.size)), out=dx[some])

    _shared(work, images, g.size * w[:1].size)
    return dx


def _folded(columns: Array, dilation: int) -> Array:
    """The sum over the first axis of the kernel, each entry shifted by `dilation` from the one before."""
    n, groups, shifts, *rest = columns.shape
    runs = columns.reshape(n, groups, shifts, -1)
    total = runs[:, :, 0]
    for shift in range(1, shifts):
        total[..., shift * dilation :] += runs[:, :, shift, : -shift * dilation]
    return total.reshape(n, groups, *rest)


def _lay(columns: Array, plane: Array, windows: Windows, rows: slice, folded: bool) -> None:
    """Add the columns of some rows of windows where they lie in the plane."""
    kernel = windows.kernel[:-1] if folded else (windows.kernel[-1], *windows.kernel[:-1])
    for offset in np.ndindex(*kernel):
        place = offset if folded else (*offset[1:], offset[0])
        plane[windows.at(place, rows)] += columns[:, :, *offset]


# -- blocks of work --------------------------------------------------------------------------------


def _cut(x: Array, windows: Windows, dtype: np.dtype[Any]) -> tuple[list[slice], list[slice]]:
    """Images and rows that are worked on at a time: several images, or some rows of one."""
    row = x.shape[1] * math.prod(windows.kernel) * math.prod(windows.out[1:]) * dtype.itemsize
    height = windows.out[0]
    number = min(max(1, BLOCK // max(1, row * height)), -(-len(x) // thread_count()))
    tall = min(height, max(1, BLOCK // max(1, row)))
    return _slices(len(x), number), _slices(height, tall)


def _slices(length: int, step: int) -> list[slice]:
    return [slice(i, min(i + step, length)) for i in range(0, length, max(1, step))]


def _shared(work: Callable[[Sequence[_T]], _R], items: Sequence[_T], multiplications: int) -> list[_R]:
    return in_parallel(work, items) if multiplications > SMALL else [work(items)]


def _columns(
    x: Array, blocks: Sequence[Block], windows: Windows, groups: int, dtype: np.dtype[Any]
) -> Iterator[tuple[Block, Array]]:
    """Blocks and their columns (images, groups, entries of a window, windows), all in one buffer."""
    places, buffer, at = (slice(None),) * (2 + len(windows.kernel)), np.empty(0, dtype), None
    for images, rows in blocks:
        if images is not at:
            at, views = images, windows.over(windows.plane(x[images]))
        part = views[(*places, rows)]
        shape = len(part), groups, part.shape[1] // groups * math.prod(windows.kernel), -1
        if windows.pointwise:
            yield (images, rows), part.reshape(shape).astype(dtype, copy=False)
        else:
            if buffer.size < part.size:
                buffer = np.empty(part.size, dtype)
            columns = buffer[: part.size].reshape(part.shape)
            np.copyto(columns, part)
            yield (images, rows), columns.reshape(shape)
