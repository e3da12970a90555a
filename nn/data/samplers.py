"""Samplers: the order in which a loader visits a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import islice
from types import GenericAlias
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, OptionError

from ..arrays import as_array
from ..options import check_whole
from ..random import as_generator

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


LIMIT = 1 << 22
"""Up to this number of indices, all are drawn at once when an iteration begins."""

BLOCK = 1 << 16
"""The number of indices in each draw if there are more than `LIMIT`."""


def _own(generator: np.random.Generator) -> np.random.Generator:
    """A new generator for one iteration."""
    return np.random.default_rng(generator.integers(2**63))


def _drawn(
    generator: np.random.Generator, wanted: int, draw: Callable[[np.random.Generator, int], Any]
) -> Iterator[int]:
    """`wanted` numbers of `draw(generator, size)`."""
    if wanted <= LIMIT:
        return iter(draw(generator, wanted).tolist() if wanted else [])
    own = _own(generator)
    sizes = (min(BLOCK, wanted - done) for done in range(0, wanted, BLOCK))
    return (i for size in sizes for i in draw(own, size).tolist())


class Sampler:
    """Base class of samplers: subclass it and define `__iter__`, and `__len__` if the order ends.

    A random order is drawn all at once when an iteration begins. So the order does not depend on how far
    ahead a loader works. Orders of millions of indices are drawn step by step, from a new generator. Its
    seed is drawn when the iteration begins.
    """

    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self, data_source: Sized | None = None) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__")


class SequentialSampler(Sampler):
    """The indices 0, 1, 2, ... in order.

    Args:
        data_source: the dataset.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """All samples in random order, or a random draw from them.

    Args:
        data_source: the dataset.
        replacement: draw with replacement, so that a sample may repeat.
        num_samples: the number of draws; by default the size of the dataset. Without replacement, a larger
            number starts a new random order after each full one.
        generator: a NumPy Generator or a seed; by default the generator that `nn.manual_seed` seeds.

    Raises:
        OptionError: `num_samples` is not a positive int.
        DataError: there are no samples.

    Example:
        >>> import nn
        >>> sorted(nn.data.RandomSampler("abcd", generator=0))
        [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: np.random.Generator | int | None = None,
    ) -> None:
        if num_samples is not None:
            check_whole("RandomSampler", "num_samples", num_samples)
        self.data_source, self.replacement = data_source, replacement
        self._num_samples = num_samples
        self.generator = as_generator("RandomSampler", generator)

    @property
    def num_samples(self) -> int:
        """The number of draws."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, wanted = len(self.data_source), self.num_samples
        if n == 0 and wanted:
            raise DataError("RandomSampler: there are no samples to draw from")
        if self.replacement:
            return _drawn(self.generator, wanted, lambda own, size: own.integers(n, size=size))
        if LIMIT < n > wanted:
            return iter(self.generator.choice(n, wanted, replace=False).tolist())
        rounds = range(-(-wanted // n) if n else 0)
        if wanted <= LIMIT or len(rounds) == 1:
            orders: Iterable[Any] = [self.generator.permutation(n) for _ in rounds]
        else:
            own = _own(self.generator)
            orders = (own.permutation(n) for _ in rounds)
        return islice((i for order in orders for i in order.tolist()), wanted)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The samples at some indices, in random order.

    Args:
        indices: the indices.
        generator: as in `RandomSampler`.
    """

    def __init__(self, indices: Sequence[int], generator: np.random.Generator | int | None = None) -> None:
        self.indices = indices
        self.generator = as_generator("SubsetRandomSampler", generator)

    def __iter__(self) -> Iterator[int]:
        order = self.generator.permutation(len(self.indices))
        return iter([int(self.indices[i]) for i in order.tolist()])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Draw samples with probabilities proportional to weights, e.g. to balance rare classes.

    Args:
        weights: a weight of at least 0 for each sample; they need not add up to 1.
        num_samples: the number of draws.
        replacement: draw with replacement, so that a sample may repeat.
        generator: as in `RandomSampler`.

    Raises:
        OptionError: `num_samples` is not a positive int, or is too large to draw without replacement.
        DataError: a weight is negative, NaN or infinite, or all weights are 0.

    Example:
        >>> import nn
        >>> list(nn.data.WeightedRandomSampler([0, 1, 0], num_samples=3))
        [1, 1, 1]
    """

    def __init__(
        self,
        weights: npt.ArrayLike,
        num_samples: int,
        replacement: bool = True,
        generator: np.random.Generator | int | None = None,
    ) -> None:
        check_whole("WeightedRandomSampler", "num_samples", num_samples)
        self.weights = as_array(weights).astype(np.float64)
        if self.weights.ndim != 1 or not (self.weights >= 0).all() or not 0 < self.weights.sum() < np.inf:
            raise DataError(
                "WeightedRandomSampler: expected one weight for each sample, of at least 0 and not all 0"
            )
        drawable = int(np.count_nonzero(self.weights))
        if not replacement and num_samples > drawable:
            raise OptionError(
                f"WeightedRandomSampler(num_samples={num_samples}, replacement=False): only {drawable} "
                f"weights are not 0; write num_samples={drawable}, or replacement=True"
            )
        self.num_samples, self.replacement = num_samples, replacement
        self.generator = as_generator("WeightedRandomSampler", generator)

    def __iter__(self) -> Iterator[int]:
        p = self.weights / self.weights.sum()
        if not self.replacement:
            return iter(self.generator.choice(len(p), self.num_samples, False, p).tolist())
        return _drawn(self.generator, self.num_samples, lambda own, size: own.choice(len(p), size, True, p))

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of indices, one list for each batch.

    Args:
        sampler: an iterable of indices.
        batch_size: the number of indices in a batch; the last batch may be smaller.
        drop_last: drop the last batch if it is smaller.

    Raises:
        OptionError: `batch_size` is not a positive int.

    Example:
        >>> import nn
        >>> list(nn.data.BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        check_whole("BatchSampler", "batch_size", batch_size, example=32)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        places = iter(self.sampler)
        while batch := list(islice(places, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
