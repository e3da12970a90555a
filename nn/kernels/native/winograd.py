"""Winograd's convolution F(4x4, 3x3) in float32: transforms in C (`winograd.c`), products by BLAS.

The three maps of `nn/kernels/conv.py`, for kernels of 3x3 with stride 1 and many channels: a quarter of the
products of the direct kernel. With float64 the direct kernel stays, since there exactness counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.sums import added

from ..threads import blas_on_one_thread, in_parallel
from ..windows import Array, Sizes, Windows
from . import call, native_type

__all__ = ["convolved", "input_gradient", "weight_gradient"]

CHANNELS, PAIRS = 32, 1 << 11
"""With fewer channels on either side, or fewer pairs of an input and an output, the transforms cost more than
the products that they save."""

FULL, FULLER = 0.6, 0.8
"""The least fraction of the tiles' results that is used. The gradient of the weights has twice the values to
transform, so there it is more, and twice the channels."""

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


def _matrix() -> Array:
    """The matrix (36, 9) that evaluates a kernel at the points of both axes."""
    a, b = 2 * A**2 * (A**2 - B**2), 2 * B**2 * (B**2 - A**2)
    rows = [(0.0, (A * B) ** 2), (A, a), (-A, a), (B, b), (-B, b)]
    along = np.array([[1 / n, p / n, p * p / n] for p, n in rows] + [[0, 0, 1]])
    return np.kron(along, along).astype(np.float32)


KERNEL = _matrix()


class _Planes(NamedTuple):
    """Planes of one kind, and the tiles of 4x4 that cover the results; the start of the struct `Tiles`."""

    channels: int
    size: Sizes
    before: Sizes
    tiles: Sizes

    def rows(self, row: int, rows: int) -> Array:
        """The struct for some tile rows."""
        return np.array([self.channels, *self.size, *self.before, *self.tiles, row, rows], np.int64)


@np.errstate(all="ignore")  # the direct kernel repeats what is not finite
def convolved(x: Array, w: Array, b: Array | None, windows: Windows, groups: int) -> Any:
    """y[n, o] = sum over c of w[o, c] * x[n, c], plus b[o]; `NotImplemented` if an entry is not finite."""
    if not _pays(len(x), w.shape, windows, groups, x, w, b):
        return NotImplemented
    return _sum(x, _kernel_values(KERNEL, w), b, windows.out, windows.before)


@np.errstate(all="ignore")
def input_gradient(g: Array, w: Array, b: Array | None, windows: Windows, groups: int) -> Any:
    """dx[n, c] = sum over o of the windows w[o, c] g[n, o], each added at its position in x, plus b[c]."""
    if not _pays(len(g), w.shape, windows, groups, g, w, b):
        return NotImplemented
    turned = KERNEL.reshape(36, 3, 3)[:, ::-1, ::-1].reshape(36, 9)
    before = tuple(2 - before for before in windows.before)
    return _sum(g, _kernel_values(turned, w).mT, b, windows.size, before)


@np.errstate(all="ignore")
def weight_gradient(g: Array, x: Array, shape: Sizes, windows: Windows, groups: int) -> Any:
    """dw[o, c] = sum over n of g[n, o] * x[n, c]; `NotImplemented` if an entry is not finite."""
    rich = min(shape[:2]) >= 2 * CHANNELS and _used(windows.out) >= FULLER
    if not rich or not _pays(len(x), shape, windows, groups, g, x):
        return NotImplemented
    g, x = np.ascontiguousarray(g), np.ascontiguousarray(x)
    of_g, of_x = _planes(g, windows.out), _planes(x, windows.out, windows.before)

    def products(rows: range) -> Iterator[Array]:
        for block in _blocks(rows, of_x):
            values_g, values_x = (_values(planes, len(block)) for planes in (of_g, of_x))
            call("winograd_spread", g.dtype, of_g.rows(block.start, len(block)), g, values_g)
            call("winograd_values", x.dtype, of_x.rows(block.start, len(block)), x, values_x)
            yield values_g @ values_x.mT

    parts = _shared(lambda rows: added(products(rows)), len(x), of_x, shape[0])
    with blas_on_one_thread():
        dw: Array = KERNEL.T @ added(parts).reshape(36, -1)
    dw = np.ascontiguousarray(dw.T).reshape(shape)
    return dw if np.isfinite(dw).all() else NotImplemented


def _pays(number: int, shape: Sizes, windows: Windows, groups: int, *arrays: Array | None) -> bool:
    """Whether the windows are served, and the sums over channels are faster than the direct kernel's."""
    if groups != 1 or windows.kernel != (3, 3) or {*windows.stride, *windows.dilation} != {1}:
        return False
    channels, pairs, tiles = min(shape[:2]), shape[0] * shape[1], number * math.prod(_tiles(windows.out))
    if channels < CHANNELS or pairs < PAIRS or tiles < TILES or max(*windows.size, *windows.out) > LONGEST:
        return False
    if _used(windows.out) < FULL:
        return False
    padded = all(0 <= before <= 2 for before in windows.before)
    return padded and min(windows.out) > 0 and native_type(*arrays) == np.float32


def _kernel_values(matrix: Array, w: Array) -> Array:
    """The values of all kernels: (36, O, C)."""
    with blas_on_one_thread():  # BLAS' own threads would wait in a loop, on the cores of ours
        return (matrix @ w.reshape(-1, 9).T).reshape(36, *w.shape[:2])


def _sum(x: Array, of_kernel: Array, b: Array | None, out: Sizes, before: Sizes) -> Any:
    """The convolution of x with kernels whose values at the points are given."""
    x, outputs = np.ascontiguousarray(x), of_kernel.shape[1]
    b = None if b is None else np.ascontiguousarray(b)
    y = np.empty((len(x), outputs, *out), x.dtype)
    of_x, of_y = _planes(x, out, before), _planes(y, out)

    def work(rows: range) -> int:
        strange = 0
        for block in _blocks(rows, of_x):
            values = _values(of_x, len(block))
            call("winograd_values", x.dtype, of_x.rows(block.start, len(block)), x, values)
            products = of_kernel @ values
            strange |= call("winograd_results", x.dtype, of_y.rows(block.start, len(block)), products, b, y)
        return strange

    return NotImplemented if any(_shared(work, len(x), of_x, outputs)) else y


def _tiles(out: Sizes) -> Sizes:
    return tuple(-(-n // 4) for n in out)


def _used(out: Sizes) -> float:
    """The fraction of the tiles' results that is used."""
    return math.prod(out) / max(1, 16 * math.prod(_tiles(out)))


def _planes(x: Array, out: Sizes, before: Sizes = (0, 0)) -> _Planes:
    return _Planes(x.shape[1], x.shape[2:], before, _tiles(out))


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
