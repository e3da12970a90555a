"""Convolution over any number of axes, as a matrix product of weights and windows.

The windows are copied into the columns of a matrix (im2col), and BLAS multiplies that matrix with the
weights. The copy writes each entry of x once for each entry of the kernel. That takes a tenth to a quarter
of the time. The code copies about `BLOCK` bytes at a time, so that the product finds the columns in the
cache. The threads share the images.

Where the native kernels are there (`native/conv.c`, `native/winograd.c`), they take over, and this file does
what they leave.

Two alternatives were measured: summing one product for each row of the kernel, and copying padded rows in
one run. Both came within a few percent on large maps and were slower on small ones. Winograd's algorithm
pays only where its transforms are in C.

Everything is built from three maps, each linear in both arguments:

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

from autograd_lite.sums import added, contracted, total

from . import small_maps
from .native import conv as native
from .native import twin
from .threads import blas_on_one_thread, in_parallel, thread_count
from .windows import Array, Pairs, Sizes, Windows

__all__ = [
    "convolution",
    "convolution_backward",
    "convolution_each",
    "convolution_work",
    "transposed_convolution",
    "transposed_convolution_backward",
    "transposed_convolution_each",
    "transposed_convolution_work",
]

BLOCK = 1 << 21
"""Bytes of columns at a time. More would leave the cache, less would make the products small."""

SMALL = 1 << 21
"""Up to this number of multiply-adds, a second thread does not pay."""

FEW = 128
"""Up to this number of windows in an image, one product for the gradient of the weights takes several
images. BLAS is slow at short sums, and at sums of more entries than the cache holds."""

_T = TypeVar("_T")
_R = TypeVar("_R")

Block = tuple[slice, slice]
"""A range of images, and a range of rows of windows (along the first spatial axis) in each."""


# -- the ops ---------------------------------------------------------------------------------------


def convolution(
    x: Array, w: Array, b: Array | None, *, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int
) -> tuple[Array, Any]:
    """The convolution, and the residuals for the backward pass."""
    windows = Windows(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return convolved(x, w, b, windows, groups), (x, w, windows, groups)


def convolution_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, w and b."""
    x, w, windows, groups = residuals
    return (
        input_gradient(g, w.conj(), None, windows, groups) if needs[0] else None,
        weight_gradient(g, x.conj(), w.shape, windows, groups) if needs[1] else None,
        total(g, (0, *range(2, g.ndim))) if needs[2] else None,
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
    """The transpose of the convolution that maps arrays of `size` to the size of x."""
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
        total(g, (0, *range(2, g.ndim))) if needs[2] else None,
    )


# -- the cotangents of weights for each member of a batch ------------------------------------------


def convolution_each(
    g: Array,
    x: Array,
    w: Array,
    b: Array | None,
    *,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
    needs: tuple[bool, ...],
) -> tuple[Array | None, ...]:
    """Cotangents of w and b for each member: g (batch, N, O, *out), x (batch, N, C, *size)."""
    windows = Windows(x.shape[3:], w.shape[2:], stride, padding, dilation)
    return _of_members(g, x.conj(), w.shape, windows, groups, needs, g)


def transposed_convolution_each(
    g: Array,
    x: Array,
    w: Array,
    b: Array | None,
    *,
    size: Sizes,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
    needs: tuple[bool, ...],
) -> tuple[Array | None, ...]:
    """Cotangents of w and b for each member."""
    windows = Windows(size, w.shape[2:], stride, padding, dilation, out=x.shape[3:])
    return _of_members(x.conj(), g, w.shape, windows, groups, needs, g)


def _of_members(
    g: Array, x: Array, shape: Sizes, windows: Windows, groups: int, needs: tuple[bool, ...], of_bias: Array
) -> tuple[Array | None, ...]:
    """`weight_gradient` for each member: the members are groups of channels."""
    dw, many = None, len(g)
    if needs[1]:
        g, x = (np.moveaxis(a, 0, 1).reshape(a.shape[1], many * a.shape[2], *a.shape[3:]) for a in (g, x))
        dw = weight_gradient(g, x, (many * shape[0], *shape[1:]), windows, many * groups)
    return (
        None,
        None if dw is None else dw.reshape(many, *shape),
        total(of_bias, (1, *range(3, of_bias.ndim))) if needs[2] else None,
    )


# -- the three maps --------------------------------------------------------------------------------


def convolution_work(y: Array, x: Array, w: Array, *args: Any, **options: Any) -> int:
    """Multiply-adds: each entry of y sums over a window."""
    return y.size * math.prod(w.shape[1:])


def transposed_convolution_work(y: Any, x: Array, w: Array, *args: Any, **options: Any) -> int:
    """Multiply-adds: each entry of x is spread over a window."""
    return x.size * math.prod(w.shape[1:])


@twin(native.convolved)
def convolved(x: Array, w: Array, b: Array | None, windows: Windows, groups: int) -> Array:
    """y[n, o] = sum over c of w[o, c] * x[n, c], plus b[o]."""
    if small_maps.is_small(len(x), w.shape, windows, groups):
        return _plus(small_maps.convolved(x, w, windows), b)
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    matrix = w.reshape(groups, len(w) // groups, -1).astype(dtype, copy=False)
    y = np.empty((len(x), len(w), *windows.out), dtype)
    maps = y.reshape(len(x), groups, len(w) // groups, math.prod(windows.out))
    row = math.prod(windows.out[1:])

    def work(blocks: Sequence[Block]) -> None:
        columns = _Columns(x, windows, groups, dtype)
        for images, rows in blocks:
            part = maps[images, :, :, rows.start * row : rows.stop * row]
            np.matmul(matrix, columns(images, rows), out=part)
            if b is not None:
                part += b.reshape(groups, -1, 1)

    images, rows = _cut(len(x), windows.out, groups * matrix.shape[2], dtype)
    _shared(work, [(some, tall) for some in images for tall in rows], y.size * matrix.shape[2])
    return y


@twin(native.weight_gradient)
def weight_gradient(g: Array, x: Array, shape: Sizes, windows: Windows, groups: int) -> Array:
    """dw[o, c] = sum over n of g[n, o] * x[n, c], as the transpose of x * g^T, which is faster in BLAS."""
    if small_maps.is_small(len(x), shape, windows, groups):
        return small_maps.weight_gradient(g, x, shape, windows)
    dtype = np.result_type(g, x)
    out, entries = shape[0] // groups, math.prod(shape[1:])
    joined = math.prod(windows.out) <= FEW

    def products(blocks: Sequence[Block]) -> Iterator[Array]:
        columns = _Columns(x, windows, groups, dtype, joined)
        for images, rows in blocks:
            part = g[images, :, rows].astype(dtype, copy=False)
            number, places = len(part), math.prod(part.shape[2:])
            if joined:
                part, number, places = part.swapaxes(0, 1), 1, number * places
            part = part.reshape(number, groups, out, places)
            yield total(contracted(columns(images, rows), part.mT), 0)

    images, rows = _cut(len(x), windows.out, groups * entries, dtype)
    blocks = [(some, tall) for some in images for tall in rows]
    if not blocks:
        return np.zeros(shape, dtype)
    dw = added(_shared(lambda some: added(products(some)), blocks, g.size * entries))
    return np.ascontiguousarray(dw.mT, dtype).reshape(shape)


@twin(native.input_gradient)
def input_gradient(g: Array, w: Array, b: Array | None, windows: Windows, groups: int) -> Array:
    """dx[n, c] = sum over o of the windows w[o, c] g[n, o], each added at its position in x, plus b[c].

    Along the last axis, if its stride is 1, this is a convolution of the padded g with the flipped kernel:
    one matrix product. Along the other axes the products are added to dx, in long runs. Convolving along
    all axes would multiply more zeros; adding along the last axis too would make the runs short.
    """
    if small_maps.is_small(len(g), w.shape, windows, groups):
        return _plus(small_maps.input_gradient(g, w, windows), b)
    out, inputs, axes = len(w) // groups, w.shape[1], len(windows.kernel)
    dtype = np.result_type(g, w) if b is None else np.result_type(g, w, b)
    w = w.reshape(groups, out, inputs, *windows.kernel).astype(dtype, copy=False)
    if windows.stride[-1] == 1:
        w, laid, of_g = w[..., ::-1], windows.kernel[:-1], windows.turned()
    else:
        laid, of_g = windows.kernel, Windows(windows.out, (1,) * axes)
    order = range(3, 3 + axes)  # the kernel's axes: those of the sum, then the last one if it is convolved
    matrix = w.transpose(0, *order[: len(laid)], 2, 1, *order[len(laid) :])
    matrix = matrix.reshape(groups, math.prod(laid) * inputs, -1)
    empty = np.empty if windows.padded else np.zeros  # with padding, the plane is copied over all of dx
    dx = empty((len(g), groups, inputs, *windows.size), dtype)

    def work(blocks: Sequence[slice]) -> None:
        columns = _Columns(g, of_g, groups, dtype)
        for images in blocks:
            plane = part = dx[images]
            if windows.padded:
                plane = np.zeros((*part.shape[:3], *windows.full), dtype)
            for rows in heights:
                products = np.matmul(matrix, columns(images, rows))
                size = rows.stop - rows.start, *of_g.out[1:]
                products = products.reshape(len(part), groups, *laid, inputs, *size)
                for offset in np.ndindex(*laid):
                    plane[windows.at(offset, rows)] += products[:, :, *offset]
            if windows.padded:
                part[...] = plane[windows.inner]
            if b is not None:
                part += b.reshape(groups, inputs, *(1 for _ in windows.size))

    images, heights = _cut(len(g), of_g.out, groups * max(matrix.shape[1:]), dtype)
    _shared(work, images, g.size * inputs * math.prod(windows.kernel))
    return dx.reshape(len(g), groups * inputs, *windows.size)


def _plus(y: Array, b: Array | None) -> Array:
    """y with a bias for each channel."""
    return y if b is None else y + b.reshape(-1, *(1 for _ in y.shape[2:]))


# -- blocks of work --------------------------------------------------------------------------------


class _Columns:
    """The windows of some images as columns of a matrix: (images, groups, entries of a window, windows).

    The windows along the last axis are copied first. The windows along the other axes are copied from that
    copy, in longer runs. Where the memory order is right already (e.g. kernel size 1), nothing is copied.
    If `joined`, one matrix holds the columns of all images.
    """

    def __init__(
        self, x: Array, windows: Windows, groups: int, dtype: np.dtype[Any], joined: bool = False
    ) -> None:
        self.x, self.windows, self.groups, self.dtype = x, windows, groups, dtype
        self.joined = joined
        self.along, self.across = windows.split()
        self.plane = np.empty((0, *x.shape[1:]), dtype)
        self.images: slice | None = None

    def __call__(self, images: slice, rows: slice) -> Array:
        kernel, out = self.windows.kernel, self.windows.out
        channels, number = self.x.shape[1], images.stop - images.start
        if images is not self.images:
            stretched = np.ascontiguousarray(self.along.over(self._plane(images)))
            stretched = stretched.reshape(number, channels * kernel[-1], *self.across.size)
            views = self.across.over(stretched)
            views = views.reshape(number, channels, kernel[-1], *kernel[:-1], *out)
            self.images, self.views = images, np.moveaxis(views, 2, 1 + len(kernel))
        index: Any = (..., rows, *(slice(None) for _ in out[1:]))
        columns = self.views[index]
        entries = channels // self.groups * math.prod(kernel)
        places = (rows.stop - rows.start) * math.prod(out[1:])
        if self.joined:
            columns, number, places = np.moveaxis(columns, 0, 1 + len(kernel)), 1, number * places
        return np.ascontiguousarray(columns).reshape(number, self.groups, entries, places)

    def _plane(self, images: slice) -> Array:
        """The padded images, in a plane that is reused: its padding is 0 already."""
        x, number = self.x[images], images.stop - images.start
        if not self.windows.padded:
            return x.astype(self.dtype, copy=False)
        if len(self.plane) < number:
            self.plane = np.zeros((number, x.shape[1], *self.windows.full), self.dtype)
        self.plane[:number][self.windows.inner] = x
        return self.plane[:number]


def _cut(number: int, out: Sizes, entries: int, dtype: np.dtype[Any]) -> tuple[list[slice], list[slice]]:
    """Blocks of about `BLOCK` bytes: several images each, or some rows of one image."""
    row = max(1, entries * math.prod(out[1:]) * dtype.itemsize)
    some = min(max(1, BLOCK // (row * out[0])), -(-number // thread_count()))
    return _slices(number, some), _slices(out[0], max(1, BLOCK // row))


def _slices(length: int, step: int) -> list[slice]:
    return [slice(i, min(i + step, length)) for i in range(0, length, max(1, step))]


def _shared(work: Callable[[Sequence[_T]], _R], items: Sequence[_T], multiplications: int) -> list[_R]:
    if multiplications > SMALL:
        return in_parallel(work, items)
    with blas_on_one_thread():
        return [work(items)]
