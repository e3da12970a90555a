"""A lossless code for models whose weights are mostly 0, or share few values; and what it saves."""

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
"""The gap that stands for so many zeros, after which no entry comes but the next gap."""


@dataclass(frozen=True)
class Encoded:
    """An array in the shortest of four forms: all entries or those that are not 0, as they are or by codes.

    Attributes:
        shape: of the array.
        dtype: of the array.
        gaps: how many zeros come before each entry that is not 0; None where all entries are stored.
        codes: for each stored entry, its place among the values; None where the values are the entries.
        values: the entries, or the codebook.
        nonzero: how many entries are not 0.

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
        # By its bytes, so that -0.0 and every NaN come back as they were.
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
        """How many entries the array has."""
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
        """All bits; beside them stand only the shape and the lengths of the parts, as beside every array."""
        return sum(self.parts.values())

    @property
    def bits_before(self) -> int:
        """Of the array itself."""
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
    """How many entries are passed over before each place; long gaps are cut into pieces."""
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
    """A model in few bits: what `compress` returns; `print` shows what each array takes.

    Attributes:
        arrays: the encoded parameters and buffers by path.
    """

    arrays: dict[str, Encoded]

    @property
    def bits(self) -> int:
        """Of all arrays."""
        return sum(array.bits for array in self.arrays.values())

    @property
    def bits_before(self) -> int:
        """Of all arrays, as they were."""
        return sum(array.bits_before for array in self.arrays.values())

    @property
    def ratio(self) -> float:
        """How many times smaller it has become."""
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
    """Encode a model without loss, and tell how many bits that takes.

    Each array is put into the form that is shortest for it: dense, or by the gaps between the entries that
    are not 0; numbers as they are, or codes into a codebook; gaps and codes by Huffman words. What is
    counted is what the decoder needs: words, tables of their lengths, codebooks.

    Args:
        model: it stays as it is. Pruned, shared and normalized weights are taken as they are computed.

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
