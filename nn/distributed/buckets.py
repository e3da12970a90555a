"""Buckets: gradients of several parameters in one array, which travels as one message.

The buckets are in the order in which a backward pass makes the gradients: the last parameters come first.
A bucket starts when all its gradients are there and the buckets before it have started, so that all ranks
send them in one order. The rest of the backward pass goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .world import finish

__all__ = ["Bucket", "laid_out"]

Array = npt.NDArray[Any]


class Bucket:
    """The gradients of some parameters.

    Args:
        places: the numbers of the parameters.
        shapes: their shapes.
        dtype: of the gradients.
        half: send half precision.
    """

    def __init__(
        self, places: Sequence[int], shapes: Sequence[tuple[int, ...]], dtype: Any, half: bool
    ) -> None:
        self.places = list(places)
        sizes = [int(np.prod(shape)) for shape in shapes]
        self.sent = np.zeros(sum(sizes), dtype)
        self.got = np.zeros(sum(sizes), dtype)
        self.half = half
        self.parts: dict[int, tuple[slice, tuple[int, ...]]] = {}
        start = 0
        for place, size, shape in zip(places, sizes, shapes, strict=True):
            self.parts[place] = slice(start, start + size), shape
            start += size
        self.filled: set[int] = set()
        self._request: Any = None
        self._halves: tuple[Array, Array] | None = None

    @property
    def nbytes(self) -> int:
        """The bytes of a message."""
        return int(2 * self.sent.size if self.half else self.sent.nbytes)

    @property
    def full(self) -> bool:
        """Whether all gradients are there."""
        return len(self.filled) == len(self.places)

    def begin(self) -> None:
        """Empty the bucket for a backward pass."""
        self.filled.clear()

    def put(self, place: int, g: Any) -> None:
        """Lay a gradient into the bucket."""
        part, _ = self.parts[place]
        self.sent[part] = np.ravel(g)
        self.filled.add(place)

    def start(self, comm: Any) -> None:
        """Send the gradients to the other ranks; those that are missing count as 0."""
        for place in self.places:
            if place not in self.filled:
                self.sent[self.parts[place][0]] = 0
        if self.half:
            small = self.sent.astype(np.float16)
            every = np.empty((comm.Get_size(), small.size), np.float16)
            self._halves = small, every
            self._request = comm.Iallgather(small.view(np.uint8), every.view(np.uint8))
        else:
            self._request = comm.Iallreduce(self.sent, self.got)

    def look(self) -> None:
        """Give MPI a moment, in which the message may go on."""
        if self._request is not None and self._halves is None:
            self._request.Test()

    def finish(self, ranks: int) -> None:
        """Wait for the sums, and make them means."""
        if self._request is None:
            return
        finish(self._request)
        self._request = None
        if self._halves is not None:
            np.sum(self._halves[1], axis=0, dtype=self.got.dtype, out=self.got)
            self._halves = None
        self.got /= ranks

    def mean(self, place: int) -> Array:
        """The mean of a gradient over the ranks, in an array of its own."""
        part, shape = self.parts[place]
        return self.got[part].reshape(shape).copy()


def laid_out(parameters: Sequence[Any], limit: float, half: bool) -> list[Bucket]:
    """Buckets of at most `limit` bytes for parameters, the last one first; a bucket has one dtype."""
    groups: list[list[int]] = []
    size = 0
    for place in reversed(range(len(parameters))):
        p = parameters[place]
        same = groups and parameters[groups[-1][-1]].dtype == p.dtype
        if not same or size + p.data.nbytes > limit:
            groups.append([])
            size = 0
        groups[-1].append(place)
        size += p.data.nbytes
    return [
        Bucket(group, [parameters[i].shape for i in group], parameters[group[0]].dtype, half)
        for group in groups
    ]
