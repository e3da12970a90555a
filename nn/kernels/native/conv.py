"""The shapes of the native convolution: `conv.c` gets planes, taps and parts as tables of numbers.

The three functions have the names and the arguments of their NumPy twins in `nn/kernels/conv.py`. What the
tables mean is explained in `conv.c`. All positions that the tables hold follow from `Windows`. So no array
from outside reaches the C code as an index.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from autograd_lite.sums import added

from ..small_maps import is_small
from ..threads import in_parallel, thread_count
from ..windows import Array, Sizes, Windows
from . import call, native_type, winograd

__all__ = ["convolved", "input_gradient", "weight_gradient"]

AXES = 3
"""The C code knows 3 spatial axes; missing ones have length 1."""

OUTPUTS = 4
"""The outputs in a block of packed weights, as in `conv.c`."""

SMALL = 1 << 22
"""Up to this number of multiply-adds, a second thread does not pay."""

FEW = 512
"""With fewer windows in all images, the products of BLAS are faster for the gradient of the weights."""


def convolved(x: Array, w: Array, b: Array | None, windows: Windows, groups: int) -> Any:
    """y[n, o] = sum over c of w[o, c] * x[n, c], plus b[o]."""
    _check(x, groups * w.shape[1], windows.size)
    if (y := winograd.convolved(x, w, b, windows, groups)) is not NotImplemented:
        return y
    if _is_product(windows) or is_small(len(x), w.shape, windows, groups):
        return NotImplemented
    return _sum(x, w, b, windows, groups, len(w), windows.out, _forward)


def input_gradient(g: Array, w: Array, b: Array | None, windows: Windows, groups: int) -> Any:
    """dx[n, c] = sum over o of the windows w[o, c] g[n, o], each added at its position in x, plus b[c]."""
    _check(g, len(w), windows.out)
    if (dx := winograd.input_gradient(g, w, b, windows, groups)) is not NotImplemented:
        return dx
    if _is_product(windows) or is_small(len(g), w.shape, windows, groups):
        return NotImplemented
    if not np.isfinite(w).all():  # padding of g times inf would be NaN
        return NotImplemented
    return _sum(g, w, b, windows, groups, groups * w.shape[1], windows.size, _backward)


def weight_gradient(g: Array, x: Array, shape: Sizes, windows: Windows, groups: int) -> Any:
    """dw[o, c] = sum over n of g[n, o] * x[n, c]."""
    _check(g, shape[0], windows.out)
    _check(x, groups * shape[1], windows.size)
    if (dw := winograd.weight_gradient(g, x, shape, windows, groups)) is not NotImplemented:
        return dw
    if is_small(len(g), shape, windows, groups):
        return NotImplemented
    dtype, places, each = native_type(g, x), math.prod(windows.out), shape[0] // groups
    if dtype is None or not _served(windows, g, x) or _is_product(windows) or len(g) * places < FEW:
        return NotImplemented
    tables, lanes = _of_weights(_key(windows), shape[1], each, groups, dtype)
    if not lanes:
        return NotImplemented
    at, part, blocks, entries = tables.at, tables.parts, -(-each // lanes), math.prod(shape[1:])
    g, x = np.ascontiguousarray(g), np.ascontiguousarray(x)
    size = call("weight_scratch", dtype, tables.shape)

    def work(images: range) -> Any:
        sums, carry = np.zeros((2, groups, blocks, len(at), lanes), dtype)
        scratch = np.empty(size, dtype)
        arrays = tables.shape, part, at, x, g, sums, carry
        call("weight_gradient", dtype, *arrays, images.start, images.stop, scratch)
        return sums

    parts = _shared(work, range(len(g)), g.size * entries)
    dw = added(parts)[:, :, :entries]
    dw = dw.swapaxes(2, 3).reshape(groups, blocks * lanes, -1)[:, :each]
    dw = np.ascontiguousarray(dw).reshape(shape)
    return dw if np.isfinite(dw).all() else NotImplemented  # Kahan's correction of inf is NaN


# -- tables ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tables:
    """The tables of one geometry; `shape` and `parts` are the structs of `conv.c`."""

    shape: Array
    parts: Array
    at: Array
    of_tap: Array


@dataclass(frozen=True)
class _Shape:
    """The struct `Shape` of `conv.c`, field by field."""

    groups: int
    channels: int
    outputs: int
    size: Sizes
    before: Sizes
    stride: Sizes
    phases: Sizes
    rows: Sizes
    parts: int
    taps: int
    places: int
    of_output: int
    of_group: int


_Key = tuple[Sizes, Sizes, Sizes, Sizes, Sizes, Sizes]
"""Size, kernel, stride, padding before, dilation and number of windows, with 3 entries each."""


def _key(windows: Windows) -> _Key:
    """The windows as a key of the tables, with leading axes of length 1."""
    missing = AXES - len(windows.size)
    ones, none = (1,) * missing, (0,) * missing
    return (
        (*ones, *windows.size),
        (*ones, *windows.kernel),
        (*ones, *windows.stride),
        (*none, *windows.before),
        (*ones, *windows.dilation),
        (*ones, *windows.out),
    )


@lru_cache(maxsize=256)
def _forward(key: _Key, channels: int, outputs: int, groups: int) -> _Tables:
    """One part: its windows lie in y without gaps. The phases of x are those of the kernel's entries."""
    size, kernel, stride, before, dilation, out = key
    offsets = [np.arange(k) * d for k, d in zip(kernel, dilation, strict=True)]
    phases = tuple(int(max(o % s)) + 1 for o, s in zip(offsets, stride, strict=True))
    rows = tuple(n + int(o[-1]) // s for n, o, s in zip(out, offsets, stride, strict=True))
    grid = np.meshgrid(*offsets, indexing="ij")
    phase = np.ravel_multi_index([o % s for o, s in zip(grid, stride, strict=True)], phases)
    place = np.ravel_multi_index([o // s for o, s in zip(grid, stride, strict=True)], rows)
    planes = (np.arange(channels)[:, None] * math.prod(phases) + phase.ravel()) * math.prod(rows)
    at = (planes + place.ravel()).ravel()
    entries, places = len(at), math.prod(out)
    part = (entries, 0, *out, 0, out[1] * out[2], out[2], 1)
    shape = _Shape(
        groups,
        channels,
        outputs,
        size,
        before,
        stride,
        phases,
        rows,
        parts=1,
        taps=entries,
        places=places,
        of_output=entries,
        of_group=entries * outputs,
    )
    return _tables(shape, [part], at, np.arange(entries))


@dataclass(frozen=True)
class _Phase:
    """Every `stride`-th entry of dx along one axis, from `start` on, and what contributes to it.

    Entry s m + r of the padded x gets w[k] g[m - e], for all k with k d = s e + r.
    """

    start: int
    count: int
    kernel: Array
    """The k that contribute."""
    places: Array
    """The place in g, for each k, of what the first entry gets: m - e."""


def _phases(size: int, kernel: int, stride: int, before: int, dilation: int) -> list[_Phase]:
    """The phases of one axis that are not empty."""
    offsets, phases = np.arange(kernel) * dilation, []
    for r in range(stride):
        first = -((r - before) // stride)  # the smallest m with s m + r >= before
        start = stride * first + r - before
        (k,) = np.nonzero(offsets % stride == r)
        if start < size:
            phases.append(_Phase(start, (size - start - 1) // stride + 1, k, first - offsets[k] // stride))
    return phases


@lru_cache(maxsize=256)
def _backward(key: _Key, channels: int, outputs: int, groups: int) -> _Tables:
    """A part for each phase of x along each axis; g is padded so that all its places are at least 0."""
    size, kernel, stride, before, dilation, out = key
    axes = [_phases(*numbers) for numbers in zip(size, kernel, stride, before, dilation, strict=True)]
    around = tuple(-min((int(n) for phase in phases for n in phase.places), default=0) for phases in axes)
    rows = tuple(
        max(phase.count + max([0, *(phase.places + a)]) for phase in phases)
        for phases, a in zip(axes, around, strict=True)
    )
    entries, plane, first = math.prod(kernel), math.prod(rows), 0
    steps = stride[0] * size[1] * size[2], stride[1] * size[2], stride[2]
    each, parts, at, of_tap = np.arange(channels)[:, None], [], [], []
    for phases in itertools.product(*axes):
        places = _grid([phase.places + a for phase, a in zip(phases, around, strict=True)], rows)
        which = _grid([phase.kernel for phase in phases], kernel)
        start = _grid([np.array([phase.start]) for phase in phases], size)
        counts = (phase.count for phase in phases)
        parts.append((channels * len(which), first, *counts, int(start[0]), *steps))
        at.append((each * plane + places).ravel())
        of_tap.append((each * outputs * entries + which).ravel())
        first += channels * len(which)
    shape = _Shape(
        groups,
        channels,
        outputs,
        size=out,
        before=around,
        stride=(1, 1, 1),
        phases=(1, 1, 1),
        rows=rows,
        parts=len(parts),
        taps=first,
        places=math.prod(size),
        of_output=entries,
        of_group=channels * outputs * entries,
    )
    return _tables(shape, parts, np.concatenate(at), np.concatenate(of_tap))


@lru_cache(maxsize=256)
def _of_weights(
    key: _Key, channels: int, outputs: int, groups: int, dtype: np.dtype[Any]
) -> tuple[_Tables, int]:
    """The tables of the weight gradient, with taps that fill the last tile, and the outputs of a tile.

    The number of outputs is 0 where NumPy is faster, as most of each tile would be dropped.
    """
    tables, tile = _forward(key, channels, outputs, groups), np.zeros(2, np.int64)
    call("weight_tile", dtype, tables.shape, tile[:1], tile[1:])
    lanes, step = (int(n) for n in tile)
    at, part = np.pad(tables.at, (0, -len(tables.at) % step), mode="edge"), tables.parts.copy()
    part[0, 0] = len(at)
    full = 2 * len(tables.at) * outputs >= len(at) * -(-outputs // lanes) * lanes
    return _Tables(tables.shape, part, at, tables.of_tap), lanes if full else 0


def _grid(places: list[Array], shape: Sizes) -> Array:
    """The flat places of all combinations, one place from each axis."""
    return np.ravel_multi_index(np.meshgrid(*places, indexing="ij"), shape).ravel()


def _tables(shape: _Shape, parts: list[tuple[int, ...]], at: Array, of_tap: Array) -> _Tables:
    numbers = [n for field in astuple(shape) for n in (field if isinstance(field, tuple) else (field,))]
    return _Tables(*(np.ascontiguousarray(a, np.int64) for a in (numbers, parts, at, of_tap)))


# -- calls -----------------------------------------------------------------------------------------


def _is_product(windows: Windows) -> bool:
    """Whether each window is one entry, so that BLAS does it all without a copy."""
    return not windows.padded and {*windows.kernel, *windows.stride} == {1}


def _served(windows: Windows, *arrays: Array) -> bool:
    return len(windows.size) <= AXES and all(a.size for a in arrays) and min(windows.out) > 0


def _check(x: Array, channels: int, size: Sizes) -> None:
    """Raise if an array has not the shape that the tables are made for."""
    if x.shape[1:] != (channels, *size):
        raise ValueError(
            f"an array of shape {x.shape}; expected (N, {channels}, {', '.join(map(str, size))})"
        )


def _sum(
    x: Array,
    w: Array,
    b: Array | None,
    windows: Windows,
    groups: int,
    outputs: int,
    places: Sizes,
    tables_of: Callable[[_Key, int, int, int], _Tables],
) -> Any:
    """The convolution of x that the tables describe; y has `outputs` channels."""
    dtype = native_type(x, w, b)
    if dtype is None or not _served(windows, x, w) or 0 in places:
        return NotImplemented
    each = outputs // groups
    if len(w) % groups or w.shape[2:] != windows.kernel or (b is not None and b.shape != (outputs,)):
        raise ValueError(f"weights {w.shape} and bias for {outputs} channels in {groups} groups do not fit")
    tables = tables_of(_key(windows), x.shape[1] // groups, each, groups)
    x, w = np.ascontiguousarray(x), np.ascontiguousarray(w)
    b = None if b is None else np.ascontiguousarray(b)
    block = 1 if each == 1 else OUTPUTS
    blocks = -(-each // block)
    packed = np.empty(groups * blocks * block * len(tables.at), dtype)
    call("pack_weights", dtype, tables.shape, tables.parts, tables.of_tap, w, packed)
    y = np.empty((len(x), outputs, *places), dtype)
    size = call("convolve_scratch", dtype, tables.shape)

    def convolve(images: range, part: range) -> None:
        first, last, scratch = part.start * block, min(part.stop * block, each), np.empty(size, dtype)
        arrays = tables.shape, tables.parts, tables.at, x, packed, b, y
        call("convolve", dtype, *arrays, images.start, images.stop, first, last, scratch)

    multiplications = (
        len(x) * groups * each * sum(int(part[0] * math.prod(part[2:5])) for part in tables.parts)
    )
    if len(x) < thread_count():
        _shared(lambda part: convolve(range(len(x)), part), range(blocks), multiplications)
    else:
        _shared(lambda images: convolve(images, range(blocks)), range(len(x)), multiplications)
    return y


def _shared(work: Callable[[Any], Any], items: range, multiplications: int) -> list[Any]:
    """Share the items among the threads, if it pays; `work` gets a range."""
    return in_parallel(work, items) if multiplications > SMALL else [work(items)]
