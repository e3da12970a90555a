"""`DistributedSampler`: each rank visits its own samples."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import numpy as np

from ..data.samplers import Sampler
from .world import place_of

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler):
    """The samples of one rank: of the order of all samples every `num_replicas`-th one.

    All ranks draw the same order from the seed and the epoch. Every sample belongs to exactly one rank,
    unless `even` is set.

    Args:
        dataset: the dataset.
        num_replicas: the number of ranks; by default all.
        rank: this rank.
        shuffle: a new order for each epoch, see `set_epoch`.
        seed: of the orders.
        drop_last: leave out the samples at the end that do not make one for each rank.
        even: repeat the first samples at the end, so that all ranks have the same number, as PyTorch does.

    Raises:
        OptionError: `rank` is not one of the ranks.

    Example:
        >>> [list(DistributedSampler(range(5), num_replicas=2, rank=r, shuffle=False)) for r in (0, 1)]
        [[0, 2, 4], [1, 3]]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        *,
        even: bool = False,
    ) -> None:
        self.dataset = dataset
        self.num_replicas, self.rank = place_of("DistributedSampler", num_replicas, rank)
        self.shuffle, self.seed, self.drop_last, self.even = shuffle, seed, drop_last, even
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; call it before each epoch, on all ranks."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = np.arange(n)
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(n)
        if self.drop_last:
            order = order[: n - n % self.num_replicas]
        elif self.even and n:
            order = np.resize(order, -(-n // self.num_replicas) * self.num_replicas)
        return iter(order[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        n = len(self.dataset)
        if self.drop_last:
            return n // self.num_replicas
        if self.even:
            return -(-n // self.num_replicas)
        return len(range(self.rank, n, self.num_replicas))
