"""Sequences of different lengths in one batch: padded to one length, or packed without padding.

A packed batch holds the first steps of all sequences, then the second steps of all that have one, and so on.
The longest sequence comes first. Packing, padding and their inverses are single index operations, so
gradients flow through all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, OptionError, ShapeError

from ..arrays import as_array

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

Array = npt.NDArray[Any]


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Packed):
    """A batch of sequences without padding: made by `pack_padded_sequence`, read by `RNN`, `LSTM` and `GRU`.

    Args:
        data: all steps of all sequences, of shape (sum of lengths, ...).
        batch_sizes: the number of sequences with a step t, of shape (T,).
        sorted_indices: the indices that sort the batch by length, longest first; None if it is sorted.
        unsorted_indices: the inverse of `sorted_indices`; computed by default.
    """

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> Self:
        """Compute the inverse of a given order."""
        if sorted_indices is not None and unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **options: Any) -> PackedSequence:
        """The batch in another dtype; the only device is the CPU."""
        return self._replace(data=self.data.to(*args, **options))


def invert_permutation(permutation: Any) -> Tensor | None:
    """The inverse of a permutation; None for None."""
    return None if permutation is None else Tensor(np.argsort(as_array(permutation)))


def pad_sequence(
    sequences: Iterable[Any],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Any:
    """Pad sequences to the length of the longest, as one Tensor.

    Args:
        sequences: B Tensors of shapes (L, ...) with different lengths L.
        batch_first: return (B, T, ...) instead of (T, B, ...).
        padding_value: the value of the padding.
        padding_side: "right" pads at the ends, "left" at the beginnings.

    Raises:
        DataError: there are no sequences.
        ShapeError: the shapes differ in more than their lengths.

    Example:
        >>> import autograd_lite as ag, nn
        >>> nn.utils.rnn.pad_sequence([ag.Tensor([1.0, 2.0]), ag.Tensor([3.0])], batch_first=True).tolist()
        [[1.0, 2.0], [3.0, 0.0]]
    """
    if padding_side not in ("left", "right"):
        raise OptionError(f'pad_sequence(padding_side={padding_side!r}): expected "right" or "left"')
    several = _checked_sequences("pad_sequence", sequences)
    lengths = np.array([len(x) for x in several])
    steps = np.arange(lengths.max())[:, None]
    if padding_side == "left":
        steps = steps - (lengths.max() - lengths)
    places = np.cumsum(lengths) - lengths + steps
    padded = _spread(np.concatenate(several), places, (steps >= 0) & (steps < lengths), padding_value)
    return np.swapaxes(padded, 0, 1) if batch_first else padded


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The list of sequences without padding; the inverse of `pad_sequence`.

    Args:
        padded_sequences: (T, B, ...), or (B, T, ...) if `batch_first`.
        lengths: the lengths of the B sequences.
    """
    rows = padded_sequences if batch_first else np.swapaxes(padded_sequences, 0, 1)
    ends = _checked_lengths("unpad_sequence", lengths, rows.shape[1::-1])
    return [rows[b, :end] for b, end in enumerate(ends.tolist())]


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch: remove its padding.

    Args:
        input: (T, B, ...), or (B, T, ...) if `batch_first`.
        lengths: the lengths of the B sequences, each at least 1.
        batch_first: see `input`.
        enforce_sorted: require sequences in order of decreasing length; False sorts them.

    Raises:
        ShapeError: the lengths do not fit the input, or are not in order.

    Example:
        >>> import numpy as np, nn
        >>> packed = nn.utils.rnn.pack_padded_sequence(np.array([[1, 3], [2, 0]]), [2, 1])
        >>> packed.data.tolist(), packed.batch_sizes.tolist()
        ([1, 3, 2], [2, 1])
    """
    x = np.swapaxes(input, 0, 1) if batch_first else input
    ends = _checked_lengths("pack_padded_sequence", lengths, x.shape[:2])
    if enforce_sorted:
        if (np.diff(ends) > 0).any():
            raise ShapeError(
                f"pack_padded_sequence: the lengths {ends.tolist()} do not come in order, the longest first; "
                "write enforce_sorted=False"
            )
        return pack(x, ends, None)
    return pack(x, ends, Tensor(np.argsort(-ends, kind="stable")))


def pack_sequence(sequences: Iterable[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths: `pad_sequence`, then `pack_padded_sequence`.

    Args:
        sequences: B Tensors of shapes (L, ...).
        enforce_sorted: as in `pack_padded_sequence`.
    """
    several = _checked_sequences("pack_sequence", sequences)
    return pack_padded_sequence(pad_sequence(several), [len(x) for x in several], False, enforce_sorted)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Any, Tensor]:
    """A packed batch as a padded batch, and the lengths; the inverse of `pack_padded_sequence`.

    Args:
        sequence: the packed batch.
        batch_first: return (B, T, ...) instead of (T, B, ...).
        padding_value: the value of the padding.
        total_length: the length T; by default the length of the longest sequence.

    Raises:
        OptionError: `total_length` is shorter than a sequence.

    Example:
        >>> import numpy as np, nn
        >>> packed = nn.utils.rnn.pack_padded_sequence(np.array([[1, 3], [2, 0]]), [2, 1])
        >>> padded, lengths = nn.utils.rnn.pad_packed_sequence(packed)
        >>> padded.tolist(), lengths.tolist()
        ([[1, 3], [2, 0]], [2, 1])
    """
    sizes = as_array(sequence.batch_sizes)
    T = len(sizes) if total_length is None else total_length
    if len(sizes) > T:
        raise OptionError(
            f"pad_packed_sequence(total_length={T}): the longest sequence has {len(sizes)} steps"
        )
    there = np.arange(sizes[0]) < np.pad(sizes, (0, T - len(sizes)))[:, None]
    places = np.cumsum(sizes) - sizes
    places = np.pad(places, (0, T - len(sizes)))[:, None] + np.arange(sizes[0])
    if sequence.unsorted_indices is not None:
        back = as_array(sequence.unsorted_indices)
        there, places = there[:, back], places[:, back]
    padded = _spread(sequence.data, places, there, padding_value)
    return np.swapaxes(padded, 0, 1) if batch_first else padded, Tensor(there.sum(0))


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The list of sequences of a packed batch; the inverse of `pack_sequence`."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))


def pack(x: Any, ends: Array, order: Any) -> PackedSequence:
    """Pack the steps of x (T, B, ...), with the sequences in the given order."""
    sequences = np.arange(len(ends)) if order is None else as_array(order)
    there = np.arange(ends.max())[:, None] < ends[sequences]
    steps, columns = np.nonzero(there)
    data = x[steps, sequences[columns]]
    return PackedSequence(data if isinstance(data, Tensor) else Tensor(data), Tensor(there.sum(1)), order)


def _spread(flat: Any, places: Array, there: Array, value: float) -> Any:
    """The entries of a flat array at `places`, and `value` where `there` is False."""
    spread = flat[np.where(there, places, 0)]
    there = there.reshape(there.shape + (1,) * (flat.ndim - 1))
    filled = np.where(there, spread, np.asarray(value, flat.dtype))
    return filled if isinstance(filled, Tensor) else Tensor(filled)


def _checked_sequences(who: str, sequences: Iterable[Any]) -> Sequence[Any]:
    several = [x if isinstance(x, Tensor) else as_array(x) for x in sequences]
    if not several:
        raise DataError(f"{who}: there are no sequences")
    if any(x.ndim == 0 or x.shape[1:] != several[0].shape[1:] for x in several):
        shapes = ", ".join(str(x.shape) for x in several)
        raise ShapeError(
            f"{who}: sequences of shapes {shapes}; expected shapes (L, ...) that differ only in the length L"
        )
    return several


def _checked_lengths(who: str, lengths: Any, shape: tuple[int, ...]) -> Array:
    T, B = shape
    ends = as_array(lengths)
    if ends.shape != (B,) or ends.dtype.kind not in "iu" or ((ends < 1) | (ends > T)).any():
        raise ShapeError(
            f"{who}: expected lengths as {B} integers from 1 to {T}, one for each sequence, got "
            f"{ends.tolist()}"
        )
    return ends
