"""Arrays as differences of their bits: without loss, and short where numbers change little.

The bits of an array are combined by XOR with those of an earlier array. Where a number has changed in its
last digits only, its first bytes become 0. So the bytes are sorted: all first bytes, all second bytes, and so
on. Each such plane is compressed alone; a plane of noise is kept as it is.

Differences compose: `composed(a, b)` leads from the array before `a` to the array after `b`.

>>> a = np.linspace(0, 1, 10_000, dtype=np.float32)
>>> b = a + np.float32(1e-6)
>>> delta = coded(b, a)
>>> delta.nbytes < b.nbytes / 2, bool((decoded(delta, a) == b).all())
(True, True)
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError

__all__ = ["Delta", "coded", "composed", "decoded"]

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

SMALL = 4096
"""Arrays of up to this number of bytes have a single piece."""

NOISE = 7.0
"""Bytes of more bits of entropy are not compressed."""

DENSE = 0.75
"""A plane with fewer bytes that are not 0 has two parts: where these are, and what they are."""

OVERHEAD = 400
"""Bytes of memory that a delta needs beside its pieces."""

RAW, PACKED, SPARSE = b"r", b"z", b"s"
"""The first byte of a piece: as it is, compressed, or in two parts. A piece of zeros is empty."""


@dataclass(frozen=True, slots=True)
class Delta:
    """An array as the difference from another one."""

    dtype: str
    shape: tuple[int, ...]
    alone: bool
    """Whether the difference is that from zeros, so that no other array is needed."""
    pieces: tuple[bytes, ...]

    @property
    def nbytes(self) -> int:
        """The memory of the delta, in bytes."""
        return OVERHEAD + sum(map(len, self.pieces))


def coded(new: Array, old: Array | None = None) -> Delta:
    """An array as the difference of its bits from an earlier array.

    The earlier array counts if it has the same dtype and is not longer; what it lacks counts as zeros. So
    arrays that grow at their ends are short too.

    Args:
        new: an array of numbers or booleans, in the machine's byte order.
        old: an earlier array, or None.
    """
    raw = bytes_of(new)
    alone = old is None or old.dtype != new.dtype or old.size > new.size
    if old is not None and not alone:
        raw = raw.copy()
        np.bitwise_xor(raw[: old.nbytes], bytes_of(old), out=raw[: old.nbytes])
    return _delta(new.dtype, new.shape, alone, raw)


def decoded(delta: Delta, old: Array | None = None) -> Array:
    """The array that `coded(new, old)` was made of.

    Raises:
        DataError: the delta does not belong to this earlier array, or is damaged.
    """
    raw = _raw(delta)
    if not delta.alone:
        if old is None or old.dtype.str != delta.dtype or old.nbytes > raw.size:
            raise DataError("a difference has lost the array that it starts from")
        np.bitwise_xor(raw[: old.nbytes], bytes_of(old), out=raw[: old.nbytes])
    return raw.view(delta.dtype).reshape(delta.shape)


def composed(first: Delta | None, second: Delta) -> Delta:
    """One delta in place of two.

    Args:
        first: from an array a to an array b; None if there is none.
        second: from b to c.

    Returns:
        The delta from a to c.
    """
    if first is None or second.alone:
        return second
    before, raw = _raw(first), _raw(second)
    np.bitwise_xor(raw[: before.size], before, out=raw[: before.size])
    return _delta(np.dtype(second.dtype), second.shape, first.alone, raw)


def bytes_of(array: Array) -> Bytes:
    """The bytes of an array in row-major order."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


# -- planes ----------------------------------------------------------------------------------------


def _delta(dtype: np.dtype[Any], shape: tuple[int, ...], alone: bool, raw: Bytes) -> Delta:
    width = dtype.itemsize
    planes = np.ascontiguousarray(raw.reshape(-1, width).T)
    pieces = planes.reshape(1, -1) if raw.size <= SMALL else planes
    return Delta(dtype.str, shape, alone, tuple(map(_packed, pieces)))


def _raw(delta: Delta) -> Bytes:
    """The bytes of the difference."""
    dtype = np.dtype(delta.dtype)
    size = dtype.itemsize
    for n in delta.shape:
        size *= n
    each = size // len(delta.pieces)
    planes = np.stack([_unpacked(piece, each) for piece in delta.pieces])
    return np.ascontiguousarray(planes.reshape(dtype.itemsize, -1).T).reshape(-1)


def _packed(plane: Bytes) -> bytes:
    """A plane in few bytes: where it is not 0, and what it is there."""
    if not plane.any():
        return b""
    there = plane != 0
    if plane.size <= SMALL or np.count_nonzero(there) > DENSE * plane.size:
        return _short(plane)
    where = _short(np.packbits(there))
    return SPARSE + len(where).to_bytes(8, "little") + where + _short(plane[there])


def _short(plane: Bytes) -> bytes:
    """Bytes compressed, or as they are."""
    raw = plane.tobytes()
    if plane.size > SMALL and _entropy(plane[:: plane.size // SMALL]) > NOISE:
        return RAW + raw
    tool = zlib.compressobj(1, zlib.DEFLATED, -15, 9, zlib.Z_RLE)
    short = tool.compress(raw) + tool.flush()
    return PACKED + short if len(short) < len(raw) else RAW + raw


def _unpacked(piece: bytes, size: int) -> Bytes:
    """The plane of a piece."""
    if not piece:
        return np.zeros(size, np.uint8)
    if piece[:1] == SPARSE:
        end = 9 + int.from_bytes(piece[1:9], "little")
        there = np.unpackbits(_long(piece[9:end], -(-size // 8)), count=size).astype(bool)
        plane = np.zeros(size, np.uint8)
        plane[there] = _long(piece[end:], int(np.count_nonzero(there)))
        return plane
    return _long(piece, size)


def _long(piece: bytes, size: int) -> Bytes:
    """The bytes that `_short` was given."""
    try:
        raw = piece[1:] if piece[:1] == RAW else zlib.decompress(piece[1:], -15)
    except zlib.error as error:
        raise DataError(f"a difference is damaged: {error}") from error
    if len(raw) != size:
        raise DataError(f"a difference is damaged: {len(raw)} bytes in place of {size}")
    return np.frombuffer(raw, np.uint8)


def _entropy(sample: Bytes) -> float:
    """The entropy of bytes, in bits for each byte."""
    p = np.bincount(sample, minlength=256) / sample.size
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())
