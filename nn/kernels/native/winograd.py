"""Winograd's convolution F(4x4, 3x3) in float32: transforms in C (`winograd.c`), products by BLAS.

The three maps of `nn/kernels/conv.py`, for kernels of 3x3 with stride 1 and many channels. A convolution takes a
quarter of the products of the direct one. With float64 the direct kernel stays: there, exactness counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.sums import added

from ..threads import blas_on_one_thread, in_parallel
from ..windows import Array, Sizes, Windows
from . import call, native_type

__all__ = ["convolved", "input_gradient", "serves", "weight_gradient"]

CHANNELS = 32
"""With fewer channels on either side, the transforms cost more than the products that they save."""

TILES = 64
"""With fewer tiles in all, the transform of the weights costs more."""

TOGETHER = 128
"""About the number of tiles of a call: their values stay in the cache."""

LONGEST = 1 << 10
"""The longest row: its tiles must fit into one call, which takes 256."""

SMALL = 1 << 20
"""Up to this number of products in the direct kernel, a second thread does not pay."""

A, B = 5 / 8, 3 / 2
"""The points beside 0 and infinity, and their negatives, as in `winograd.c`."""


def _kernel_values() -> Array:
    """The matrix (36, 9) that evaluates a kernel at the points of both axes."""
    a, b = 2 * A**2 * (A**2 - B**2), 2 * B**2 * (B**2 - A**2)
    rows = [(0.0, (A * B) ** 2), (A, a), (-A, a), (B, b), (-B, b)]
    along = np.array([[1 / n, p / n, p * p / n] for p, n in rows] + [[0, 0, 1]])
    return np.kron(along, along).astype(np.float32)


KERNEL_VALUES = _kernel_values()


class _Planes(NamedTuple):
    """Planes of one kind, and the tiles of 4x4 that cover the results; the start of the struct `Tiles`."""

    channels: int
    size: Sizes
    before: Sizes
    tiles: Sizes

    def rows(self, row: int, rows: int) -> Array:
        """The struct for some tile rows."""
        return np.array([self.channels, *self.size, *self.before, *self.tiles, row, rows], np.int64)


def serves(number: int, shape: Sizes, windows: Windows, groups: int, *arrays: Array | None) -> bool:
    """Whether the functions of this file are the fastest.

    Args:
        number: the number of images.
        shape: the shape of the weights.
        windows: the windows of the convolution.
        groups: the number of groups.
        arrays: what goes into the convolution; None is left out.
    """
    if groups != 1 or windows.kernel != (3, 3) or {*windows.stride, *windows.dilation} != {1}:
        return False
    tiles = number * _tiles(windows.out)[0] * _tiles(windows.out)[1]
    if min(shape[:2]) < CHANNELS or tiles < TILES or max(*windows.size, *windows.out) > LONGEST:
        return False
    padded = all(0 <= before <= 2 for before, _ in windows.padding)
    return padded and min(windows.out) > 0 and native_type(*arrays) == np.float32


def convolved(x: Array, w: Array, b: Array | None, windows: Windows) -> Any:
    """y[n, o] = sum over c of w[o, c] * x[n, c], plus b[o]; `NotImplemented` if an entry is not finite."""
    values = (KERNEL_VALUES @ w.reshape(-1, 9).T).reshape(36, *w.shape[:2])
    before = tuple(before for before, _ in windows.padding)
    return _sum(x, values, b, windows.out, before)


def input_gradient(g: Array, w: Array, b: Array | None, windows: Windows) -> Any:
    """dx[n, c] = sum over o of the windows w[o, c] g[n, o], each added at its position in x, plus b[c]."""
    turned = KERNEL_VALUES.reshape(36, 3, 3)[:, ::-1, ::-1].reshape(36, 9)
    values = (turned @ w.reshape(-1, 9).T).reshape(36, *w.shape[:2])
    before = tuple(2 - before for before, _ in windows.padding)
    return _sum(g, values.mT, b, windows.size, before)


def weight_gradient(g: Array, x: Array, shape: Sizes, windows: Windows) -> Any:
    """dw[o, c] = sum over n of g[n, o] * x[n, c]; `NotImplemented` if an entry is not finite."""
    g, x = np.ascontiguousarray(g), np.ascontiguousarray(x)
    of_g, of_x = _planes(g, windows.out), _planes(x, windows.out, tuple(p for p, _ in windows.padding))

    def products(rows: range) -> Iterator[Array]:
        line = _line(of_x)
        for block in _blocks(rows, of_x):
            values_g, values_x = (_values(planes, len(block)) for planes in (of_g, of_x))
            call("winograd_spread", g.dtype, of_g.rows(block.start, len(block)), g, line, values_g)
            call("winograd_values", x.dtype, of_x.rows(block.start, len(block)), x, line, values_x)
            yield values_g @ values_x.mT

    parts = _shared(lambda rows: added(products(rows)), len(x), of_x, shape[0])
    dw: Array = KERNEL_VALUES.T @ added(parts).reshape(36, -1)
    dw = np.ascontiguousarray(dw.T).reshape(shape)
    return dw if np.isfinite(dw).all() else NotImplemented


def _sum(x: Array, of_kernel: Array, b: Array | None, out: Sizes, before: Sizes) -> Any:
    """The convolution of x with kernels whose values at the points are given."""
    x, outputs = np.ascontiguousarray(x), of_kernel.shape[1]
    b = None if b is None else np.ascontiguousarray(b)
    y = np.empty((len(x), outputs, *out), x.dtype)
    of_x, of_y = _planes(x, out, before), _planes(y, out)

    def work(rows: range) -> int:
        line, strange = _line(of_x), 0
        for block in _blocks(rows, of_x):
            values = _values(of_x, len(block))
            call("winograd_values", x.dtype, of_x.rows(block.start, len(block)), x, line, values)
            products = of_kernel @ values
            strange |= call(
                "winograd_results", x.dtype, of_y.rows(block.start, len(block)), products, b, y
            )
        return strange

    return NotImplemented if any(_shared(work, len(x), of_x, outputs)) else y


def _tiles(out: Sizes) -> Sizes:
    return tuple(-(-n // 4) for n in out)


def _planes(x: Array, out: Sizes, before: Sizes = (0, 0)) -> _Planes:
    return _Planes(x.shape[1], x.shape[2:], before, _tiles(out))


def _line(planes: _Planes) -> Array:
    """Memory for a row with its padding."""
    return np.empty(4 * planes.tiles[1] + 2, np.float32)


def _values(planes: _Planes, rows: int) -> Array:
    return np.empty((36, planes.channels, rows * planes.tiles[1]), np.float32)


def _blocks(rows: range, planes: _Planes) -> Iterator[range]:
    """The tile rows of each call."""
    step = max(1, TOGETHER // planes.tiles[1])
    return (rows[i : i + step] for i in range(0, len(rows), step))


def _shared(work: Any, number: int, planes: _Planes, outputs: int) -> list[Any]:
    """Share the tile rows of all images among the threads, if it pays."""
    rows = range(number * planes.tiles[0])
    if len(rows) * planes.tiles[1] * 16 * 9 * planes.channels * outputs > SMALL:
        return in_parallel(work, rows)
    with blas_on_one_thread():
        return [work(rows)]
