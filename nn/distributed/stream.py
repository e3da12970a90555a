"""`DistributedStream`: each rank reads its own samples of a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ..data import IterableDataset
from .world import place_of

__all__ = ["DistributedStream"]


class DistributedStream(IterableDataset):
    """The samples of one rank: of a stream every `num_replicas`-th one.

    Args:
        stream: an iterable of samples, in the same order on all ranks.
        num_replicas: the number of ranks; by default all.
        rank: this rank.
        own: the stream has the samples of this rank alone, e.g. those of `files[rank::world_size]`; it is
            read as it is.

    Raises:
        OptionError: `rank` is not one of the ranks.

    Example:
        >>> [list(DistributedStream(range(5), num_replicas=2, rank=r)) for r in (0, 1)]
        [[0, 2, 4], [1, 3]]
    """

    def __init__(
        self,
        stream: Iterable[Any],
        num_replicas: int | None = None,
        rank: int | None = None,
        *,
        own: bool = False,
    ) -> None:
        self.stream, self.own = stream, own
        self.num_replicas, self.rank = place_of("DistributedStream", num_replicas, rank)

    def __iter__(self) -> Iterator[Any]:
        samples = iter(self.stream)
        return samples if self.own else islice(samples, self.rank, None, self.num_replicas)
