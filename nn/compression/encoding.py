"""A lossless code for models with many zero weights or few different values, and its size in bits."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import as_array
from ..module import Module
from ..utils.computed import settle
from .huffman import Huffman

__all__ = ["Compressed", "Encoded", "compress"]

Array = npt.NDArray[Any]

FAR = 255
"""A gap of this value means so many zeros that are followed by the next gap, not by an entry."""


@dataclass(frozen=True)
class Encoded:
    """An array in the shortest of four forms: all entries or the nonzero ones, stored directly or as codes.

    Attributes:
        shape: the shape of the array.
        dtype: the dtype of the array.
        gaps: the number of zeros before each nonzero entry; None if all entries are stored.
        codes: the index of each stored entry in the codebook; None if entries are stored directly.
        values: the entries, or the codebook.
        nonzero: the number of nonzero entries.

    Example:
        >>> import numpy as np
        >>> x = np.zeros((100, 100), np.float32)
        >>> x[::10, ::10] = 0.5
        >>> code = Encoded.of(x)
        >>> code.bits, bool((code.decode() == x).all())
        (2368, True)
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    gaps: Huffman | None
    codes: Huffman | None
    values: Array
    nonzero: int

    @classmethod
    def of(cls, array: npt.ArrayLike) -> Encoded:
        """The shortest form of an array of numbers."""
        array = np.asarray(array, order="C")
        # Compare bytes, so that -0.0 and every NaN are restored exactly.
        small = array.itemsize <= 8
        raw = array.reshape(-1).view(f"u{array.itemsize}") if small else array.reshape(-1)
        filled = np.flatnonzero(raw)
        forms = []
        for sparse, coded in product((False, True), repeat=2) if small else [(False, False)]:
            entries = raw[filled] if sparse else raw
            gaps = Huffman.encode(_gaps(filled)) if sparse else None
            codes, values = None, entries
            if coded:
                values, members = np.unique(entries, return_inverse=True)
                if 2 * len(values) > len(entries):
                    continue
                codes = Huffman.encode(members)
            forms.append(cls(array.shape, array.dtype, gaps, codes, values.view(array.dtype), len(filled)))
        return min(forms, key=lambda form: form.bits)

    @property
    def size(self) -> int:
        """The number of entries of the array."""
        return math.prod(self.shape)

    @property
    def parts(self) -> dict[str, int]:
        """The bits of each part: positions and codes with their Huffman tables, and values."""
        return {
            "positions": self.gaps.bits if self.gaps else 0,
            "codes": self.codes.bits if self.codes else 0,
            "values": 8 * self.values.nbytes,
        }

    @property
    def bits(self) -> int:
        """The number of bits, without the shape and the lengths of the parts, as for every array."""
        return sum(self.parts.values())

    @property
    def bits_before(self) -> int:
        """The number of bits of the array before encoding."""
        return 8 * self.size * self.dtype.itemsize

    def decode(self) -> Array:
        """The array, equal to the last bit."""
        entries = self.values if self.codes is None else self.values[self.codes.decode()]
        if self.gaps is None:
            return entries.reshape(self.shape)
        array = np.zeros(self.size, self.dtype)
        array[_places(self.gaps.decode())] = entries
        return array.reshape(self.shape)


def _gaps(places: Array) -> Array:
    """The number of zeros before each index; long gaps are cut into pieces of `FAR`."""
    passed = np.diff(places, prepend=-1) - 1
    pieces = passed // FAR
    gaps = np.full(len(places) + pieces.sum(), FAR)
    gaps[np.cumsum(pieces + 1) - 1] = passed % FAR
    return gaps


def _places(gaps: Array) -> Array:
    """The inverse of `_gaps`."""
    ends = np.cumsum(np.where(gaps < FAR, gaps + 1, FAR))
    places: Array = ends[gaps < FAR] - 1
    return places


@dataclass(frozen=True)
class Compressed:
    """A compressed model, the result of `compress`; `print` shows the size of each array.

    Attributes:
        arrays: the encoded parameters and buffers by path.
    """

    arrays: dict[str, Encoded]

    @property
    def bits(self) -> int:
        """The number of bits of all arrays."""
        return sum(array.bits for array in self.arrays.values())

    @property
    def bits_before(self) -> int:
        """The number of bits of all arrays before encoding."""
        return sum(array.bits_before for array in self.arrays.values())

    @property
    def ratio(self) -> float:
        """The compression ratio: bits before / bits."""
        return self.bits_before / max(self.bits, 1)

    def decode(self) -> dict[str, Array]:
        """The state of the model, without masks and codebooks, equal to the last bit."""
        return {path: array.decode() for path, array in self.arrays.items()}

    def __str__(self) -> str:
        head = ("array", "entries", "not 0", "values", "bits before", "positions", "codes", "bits", "ratio")
        lines: list[tuple[str, ...]] = [head]
        for path, array in self.arrays.items():
            numbers = (array.size, array.nonzero, len(array.values), array.bits_before)
            parts = (array.parts["positions"], array.parts["codes"], array.bits)
            ratio = array.bits_before / max(array.bits, 1)
            lines.append((path, *(f"{n:,}" for n in (*numbers, *parts)), f"{ratio:.1f}"))
        total = (f"{self.bits_before:,}", "", "", f"{self.bits:,}", f"{self.ratio:.1f}")
        lines.append(("all", "", "", "", *total))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        rows = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
            for line in lines
        ]
        rule = "-" * (sum(widths) + 2 * len(widths) - 2)
        return "\n".join([rows[0], rule, *rows[1:-1], rule, rows[-1]])

    __repr__ = __str__


def compress(model: Module) -> Compressed:
    """Encode a model without loss, and count the bits.

    Each array gets its shortest form: all entries, or nonzero entries with the gaps between them; numbers, or
    codes into a codebook. Gaps and codes are Huffman-coded. The size counts all that the decoder needs: code
    words, tables of their lengths, and codebooks.

    Args:
        model: the model, which does not change. Pruned, shared and normalized weights are encoded by their
            computed values.

    Example:
        >>> import nn, numpy as np
        >>> nn.manual_seed(0)
        >>> layer = nn.Linear(300, 100)
        >>> _ = nn.utils.prune.l1_unstructured(layer, "weight", amount=0.9)
        >>> _ = nn.compression.share_weights(layer, bits=5)
        >>> small = nn.compression.compress(layer)
        >>> print(small)
        array   entries  not 0  values  bits before  positions   codes    bits  ratio
        -----------------------------------------------------------------------------
        bias        100    100     100        3,200          0       0   3,200    1.0
        weight   30,000  3,000      32      960,000     14,792  14,712  30,528   31.4
        -----------------------------------------------------------------------------
        all                                 963,200                     33,728   28.6
        >>> twin = nn.Linear(300, 100)
        >>> _ = twin.load_state_dict(small.decode())
        >>> bool((twin.weight.numpy() == layer.weight.numpy()).all())
        True
    """
    plain = copy.deepcopy(model)
    for module in plain.modules():
        for name in list(module._computed or ()):
            settle(module, name)
    return Compressed({path: Encoded.of(as_array(value)) for path, value in plain.state_dict().items()})
