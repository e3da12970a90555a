"""Huffman codes: integers as bits, with fewer bits for more frequent integers."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError

__all__ = ["Huffman", "code_lengths"]

Array = npt.NDArray[Any]

WINDOW = 57
"""The largest length of a word in bits: at any offset in a byte, a word fits into 64 bits."""


@dataclass(frozen=True)
class Huffman:
    """A sequence of integers in a canonical Huffman code.

    The lengths of its words define a canonical code: words of equal length count up in the order of their
    integers.

    Attributes:
        count: the length of the sequence.
        lengths: the word length of each integer, uint8; 0 for integers that do not occur.
        payload: the words one after another, as bytes.

    Source:
        D. Huffman, "A method for the construction of minimum-redundancy codes", 1952.

    Example:
        >>> import numpy as np
        >>> code = Huffman.encode(np.array([0, 1, 0, 2, 0, 0, 1, 0]))
        >>> code.lengths.tolist(), code.bits
        ([1, 2, 2], 40)
        >>> code.decode().tolist()
        [0, 1, 0, 2, 0, 0, 1, 0]
    """

    count: int
    lengths: Array
    payload: Array

    @classmethod
    def encode(cls, numbers: npt.ArrayLike) -> Huffman:
        """Encode integers of at least 0, of any shape; the table is short if they are small."""
        numbers = np.ravel(numbers)
        lengths = code_lengths(np.bincount(numbers))
        sizes = lengths[numbers].astype(np.int64)
        # The bits of all words: word after word, each from its highest bit down.
        starts = np.cumsum(sizes) - sizes
        places = np.arange(sizes.sum()) - np.repeat(starts, sizes)
        shifts = np.repeat(sizes, sizes) - 1 - places
        stream = np.repeat(_words(lengths)[numbers], sizes) >> shifts.astype(np.uint64) & np.uint64(1)
        return cls(len(numbers), lengths, np.packbits(stream.astype(np.uint8)))

    @property
    def bits(self) -> int:
        """The number of bits: the payload, and 8 bits for the length of each word."""
        return 8 * (self.payload.size + self.lengths.size)

    def decode(self) -> Array:
        """The numbers.

        Raises:
            DataError: the payload ends too early.
        """
        used = np.flatnonzero(self.lengths)
        order = used[np.argsort(self.lengths[used], kind="stable")]
        sizes = self.lengths[order].astype(np.uint64)
        # As binary fractions, canonical words are sorted. So the word at a position is the largest word that
        # does not exceed the bits from this position on. One search does this for all positions.
        fractions = _words(self.lengths)[order] << (np.uint64(WINDOW) - sizes)
        which = np.searchsorted(fractions, _windows(self.payload), side="right") - 1
        steps, found = sizes[which].tolist(), np.empty(self.count, np.int64)
        place, end = 0, len(steps)
        for i in range(self.count):
            if place + (steps[place] if place < end else 1) > end:
                raise DataError(f"the Huffman code ends after {i} of {self.count} numbers")
            found[i] = place
            place += steps[place]
        return order[which[found]]


def code_lengths(counts: npt.ArrayLike) -> Array:
    """The word length of each integer in a Huffman code, uint8.

    The two rarest nodes are merged again and again, and each merge makes the words below longer by one bit.

    Args:
        counts: the frequency of each integer.

    Example:
        >>> code_lengths([10, 5, 0, 2, 3]).tolist()
        [1, 2, 0, 3, 3]
    """
    counts = np.asarray(counts)
    used = np.flatnonzero(counts)
    lengths = np.zeros(len(counts), np.int64)
    parents = np.zeros(max(2 * len(used) - 1, 0), np.int64)
    heap = [(int(count), i) for i, count in enumerate(counts[used])]
    heapq.heapify(heap)
    for parent in range(len(used), len(parents)):
        (first, a), (second, b) = heapq.heappop(heap), heapq.heappop(heap)
        parents[a] = parents[b] = parent
        heapq.heappush(heap, (first + second, parent))
    depths = np.zeros(len(parents), np.int64)
    for i in range(len(parents) - 2, -1, -1):  # parents come after their children
        depths[i] = depths[parents[i]] + 1
    lengths[used] = np.maximum(depths[: len(used)], 1)  # a single integer needs a word too
    if lengths.max(initial=0) > WINDOW:
        raise DataError(f"the counts differ so much that a Huffman word would have more than {WINDOW} bits")
    return lengths.astype(np.uint8)


def _words(lengths: Array) -> Array:
    """The words of a canonical code, as integers."""
    words, word, before = np.zeros(len(lengths), np.uint64), 0, 0
    for number in np.argsort(lengths, kind="stable"):
        if size := int(lengths[number]):
            word <<= size - before
            words[number], before = word, size
            word += 1
    return words


def _windows(payload: Array) -> Array:
    """The WINDOW bits from each bit position on, as integers; zeros follow the end."""
    padded = np.concatenate([payload, np.zeros(8, np.uint8)]).astype(np.uint64)
    whole = np.zeros(len(payload), np.uint64)
    for i in range(8):
        whole = whole << np.uint64(8) | padded[i : i + len(payload)]
    ahead = whole[:, None] << np.arange(8, dtype=np.uint64)
    return (ahead >> np.uint64(64 - WINDOW)).ravel()
