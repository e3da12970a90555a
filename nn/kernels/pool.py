"""Pooling over any number of axes: for each offset in the window, one pass over all windows.

The entries at one offset of every window are a strided view of the plane. So a window of k entries costs k
passes over the output, and nothing is gathered. A few images are processed at a time, so that the passes
after the first find them in the cache. The threads share the images.

Where the native kernels are there (`native/pool.c`), they take over, and this file does what they leave.

Shapes: x (N, C, *size), y (N, C, *out).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.sums import widened

from .native import pool as native
from .native import twin
from .threads import in_parallel
from .windows import Array, Pairs, Sizes, Windows

__all__ = ["avg_pooling", "avg_pooling_backward", "max_indices", "max_pooling", "max_pooling_backward"]

BLOCK = 1 << 20
"""Bytes of the plane at a time. With more, later passes miss the cache. With less, the calls are so short
that the threads wait for each other, which cost a third."""

FEW = 16
"""Windows of up to this number of entries are added one by one, larger ones pairwise."""

SMALL = 1 << 17
"""Up to this number of entries, a second thread does not pay."""

BITS: dict[np.dtype[Any], np.dtype[Any]] = {
    np.dtype(np.float32): np.dtype(np.int32),
    np.dtype(np.float64): np.dtype(np.int64),
}
"""The integer dtypes for clearing the bits of entries that were not chosen. A bit mask takes a tenth of the
time of a choice for each entry, with its unpredictable branches. It also stops NaN and inf, which a product
with 0 would not."""


# -- the maximum -----------------------------------------------------------------------------------


@twin(native.max_pooling)
def max_pooling(
    x: Array, *, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> tuple[Array, Any]:
    """The maximum of each window, and its position: the first maximum, or the last NaN."""
    windows = Windows(x.shape[2:], kernel, stride, padding, dilation)
    y = np.empty((*x.shape[:2], *windows.out), x.dtype)
    chosen = np.zeros(y.shape, np.min_scalar_type(max(0, math.prod(kernel) - 1)))
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min

    def work(blocks: Sequence[slice]) -> None:
        for some in blocks:
            plane, best, which = windows.plane(x[some], lowest), y[some], chosen[some]
            for i, offset in enumerate(np.ndindex(*kernel)):
                if i == 0:
                    best[...] = plane[windows.at(offset)]
                else:
                    entries = np.ascontiguousarray(plane[windows.at(offset)])  # read twice
                    # i grows, so "i where entries are larger" is a maximum, which is fast on small integers.
                    np.maximum(which, (entries > best).view(np.uint8) * which.dtype.type(i), out=which)
                    np.maximum(best, entries, out=best)
            if windows.padded and (low := best == lowest).any():  # an entry of the padding is never chosen
                inside = windows.plane(np.ones((1, 1, *windows.size), bool), False)
                for i, offset in reversed([*enumerate(np.ndindex(*kernel))]):
                    which[low & inside[windows.at(offset)]] = i
            if np.isnan(best).any():
                for i, offset in enumerate(np.ndindex(*kernel)):
                    which[np.isnan(plane[windows.at(offset)])] = i

    _shared(work, x)
    return y, (chosen, windows)


@twin(native.max_pooling_backward)
def max_pooling_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """The cotangent of x: each entry of g goes to the entry that was the maximum."""
    chosen, windows = residuals
    g = widened(g)  # an entry of x may be in many windows
    bits = BITS.get(g.dtype)

    def part(some: slice, i: int) -> Array:
        here: Array = chosen[some] == i
        if bits is None:
            return np.where(here, g[some], 0)
        mask: Array = np.negative(here.view(np.int8)).astype(bits)  # -1 is all ones
        mask &= g[some].view(bits)
        return mask.view(g.dtype)

    return (_spread(g, windows, part),)


def max_indices(x: Array, *, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes) -> Array:
    """The index of each window's maximum in the flattened channel of x."""
    _, (chosen, windows) = max_pooling(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    offsets = np.unravel_index(chosen.astype(np.int64), kernel)
    starts = np.indices(windows.out, sparse=True)
    places = [
        start * s + offset * d - before
        for start, offset, s, d, (before, _) in zip(starts, offsets, stride, dilation, padding, strict=True)
    ]
    flat: Array = np.ravel_multi_index(tuple(places), windows.size)
    return flat


# -- the mean --------------------------------------------------------------------------------------


@twin(native.avg_pooling)
def avg_pooling(
    x: Array, *, divisor: Any, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> tuple[Array, Any]:
    """The sum of each window divided by `divisor`, a number or an array of shape `out`."""
    windows = Windows(x.shape[2:], kernel, stride, padding, dilation)
    dtype = x.dtype if x.dtype.kind in "fc" else np.dtype(float)
    y = np.empty((*x.shape[:2], *windows.out), np.float32 if dtype == np.float16 else dtype)

    offsets = list(np.ndindex(*kernel))

    def work(blocks: Sequence[slice]) -> None:
        for some in blocks:
            _add_up(windows, windows.plane(x[some]), offsets, y[some])
            y[some] /= divisor

    _shared(work, x)
    return y.astype(dtype, copy=False), (divisor, windows)


def _add_up(windows: Windows, plane: Array, offsets: list[Sizes], out: Array) -> None:
    """Write the sum over some offsets of the windows; many offsets are summed pairwise."""
    if len(offsets) > FEW:
        half, rest = len(offsets) // 2, np.empty_like(out)
        _add_up(windows, plane, offsets[:half], out)
        _add_up(windows, plane, offsets[half:], rest)
        np.add(out, rest, out=out)
        return
    for i, offset in enumerate(offsets):
        entries = plane[windows.at(offset)]
        np.add(out, entries, out=out) if i else np.copyto(out, entries)


def avg_pooling_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """The cotangent of x: g / divisor for each entry of the window."""
    divisor, windows = residuals
    g = widened(g)
    shares = (g / divisor).astype(g.dtype, copy=False)

    return (_spread(g, windows, lambda some, i: shares[some]),)


# -- blocks of work --------------------------------------------------------------------------------


def _spread(g: Array, windows: Windows, part: Callable[[slice, int], Array]) -> Array:
    """The cotangent of x: the i-th offset of the windows of some images contributes `part(some, i)`.

    If the windows do not overlap, entries are written, not added. If they also tile x, the array need not
    be cleared first. This halves the memory traffic.
    """
    dx = (np.empty if windows.tile else np.zeros)((*g.shape[:2], *windows.size), g.dtype)

    def work(blocks: Sequence[slice]) -> None:
        for some in blocks:
            plane = dx[some]
            if windows.padded:
                plane = np.zeros((*plane.shape[:2], *windows.full), g.dtype)
            for i, offset in enumerate(np.ndindex(*windows.kernel)):
                entries = plane[windows.at(offset)]
                if windows.apart:
                    entries[...] = part(some, i)
                else:
                    entries += part(some, i)
            if windows.padded:
                dx[some] = plane[windows.inner]

    _shared(work, dx)
    return dx


def _shared(work: Callable[[Sequence[slice]], None], x: Array) -> None:
    step = max(1, min(BLOCK * len(x) // max(1, x.nbytes), -(-len(x) // 2)))
    blocks = [slice(i, i + step) for i in range(0, len(x), step)]
    if x.size > SMALL:
        in_parallel(work, blocks)
    else:
        work(blocks)
