"""Datasets: samples by index, or as a stream."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise
from types import GenericAlias
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, IndexingError, OptionError, ShapeError

from ..arrays import as_array
from ..random import as_generator
from .collate import default_collate

__all__ = [
    "Augmented",
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]


class Dataset:
    """Base class of datasets: subclass it and define `__len__` and `__getitem__(i)`.

    A class that can make many samples at once may also define `batch_at(indices)`. It returns the same batch
    as `default_collate` of these samples.

    Attributes:
        is_random: True if samples may draw random numbers; a loader then gives them a generator.
    """

    is_random: bool = True

    __class_getitem__: Any = classmethod(GenericAlias)

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__")

    def __add__(self, other: Any) -> Any:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Base class of streams of samples: subclass it and define `__iter__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__")

    def __add__(self, other: Any) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Arrays of the same length: sample i is the tuple of their i-th entries.

    Args:
        tensors: arrays or Tensors; the first axis is the sample axis. Samples have the same type.

    Raises:
        ShapeError: the lengths differ.
        DTypeError: the arrays are given as one tuple.

    Example:
        >>> import numpy as np, nn
        >>> dataset = nn.TensorDataset(np.arange(6).reshape(3, 2), np.array([0, 1, 0]))
        >>> dataset[1]
        (array([2, 3]), np.int64(1))
    """

    def __init__(self, *tensors: Tensor | npt.ArrayLike) -> None:
        if len(tensors) == 1 and isinstance(tensors[0], tuple):
            raise DTypeError("TensorDataset: got one tuple; give the arrays one by one: TensorDataset(X, y)")
        self.tensors: tuple[Any, ...] = tuple(
            x.detach() if isinstance(x, Tensor) else as_array(x) for x in tensors
        )
        shapes = [x.shape for x in self.tensors]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise ShapeError(
                f"TensorDataset: arrays of shapes {', '.join(map(str, shapes))}; expected one or more arrays "
                "whose first axes have the same size, the number of samples"
            )

    is_random = False

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(x[index] for x in self.tensors)

    def batch_at(self, indices: Sequence[int]) -> list[Any]:
        """Many samples at once."""
        parts = [x[list(indices)] for x in self.tensors]
        return [x if isinstance(x, Tensor) else Tensor(x) for x in parts]


class StackDataset(Dataset):
    """Datasets side by side: sample i is the tuple, or the dict, of their i-th samples.

    Args:
        args: datasets of one length, for tuples.
        kwargs: datasets of one length by name, for dicts.

    Raises:
        ShapeError: the lengths differ.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.datasets: Any = args or kwargs
        lengths = {len(dataset) for dataset in args or kwargs.values()}
        if len(lengths) != 1 or (args and kwargs):
            raise ShapeError(
                "StackDataset: expected datasets of one length, either all by name or none, got lengths "
                f"{sorted(lengths)}"
            )
        (self._length,) = lengths

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, tuple):
            return tuple(dataset[index] for dataset in self.datasets)
        return {name: dataset[index] for name, dataset in self.datasets.items()}


class Subset(Dataset):
    """The samples of a dataset at some indices.

    Args:
        dataset: the dataset.
        indices: the indices, in the order of the subset.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (list, np.ndarray)):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def batch_at(self, indices: Sequence[int]) -> Any:
        """Many samples at once, if the dataset supports it."""
        return batch_of(self.dataset, [self.indices[i] for i in indices])

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether the samples of the dataset are random."""
        return bool(declared(self.dataset, "is_random", True))


class Augmented(Dataset):
    """A dataset whose inputs are transformed at each access.

    Args:
        dataset: a dataset of tuples that begin with the input, as in `TensorDataset(X, y)`.
        transform: a function of one input. In a DataLoader, the transforms of `nn.transforms` run on
            whole batches.

    Example:
        >>> import numpy as np, nn
        >>> images, labels = np.zeros((100, 1, 28, 28), np.float32), np.zeros(100, int)
        >>> varied = nn.data.Augmented(nn.TensorDataset(images, labels), nn.transforms.RandomCrop(24))
        >>> x, y = next(iter(nn.DataLoader(varied, batch_size=20, num_workers=1)))
        >>> x.shape
        (20, 1, 24, 24)
    """

    def __init__(self, dataset: Any, transform: Callable[[Any], Any]) -> None:
        self.dataset, self.transform = dataset, transform

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether the transform or the dataset may be random."""
        own = getattr(self.transform, "is_random", True)
        return bool(own or declared(self.dataset, "is_random", True))

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        first, *others = self.dataset[index]
        return (self.transform(first), *others)

    def batch_at(self, indices: Sequence[int]) -> Any:
        """Many samples, at once if the transform supports batches."""
        if not getattr(self.transform, "on_batches", False):
            return default_collate([self[i] for i in indices])
        first, *others = batch_of(self.dataset, indices)
        return [self.transform.batch(first), *others]  # type: ignore[attr-defined]


class ConcatDataset(Dataset):
    """Datasets one after another; `a + b` is `ConcatDataset([a, b])`.

    Args:
        datasets: one or more datasets.

    Raises:
        DataError: there are no datasets.

    Example:
        >>> import nn
        >>> list(nn.data.ConcatDataset(["ab", "c"]))
        ['a', 'b', 'c']
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise DataError("ConcatDataset: there is no dataset in it")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether one of the datasets is random."""
        return any(declared(dataset, "is_random", True) for dataset in self.datasets)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexingError(f"sample {index} of a ConcatDataset of {len(self)}")
        which = int(np.searchsorted(self.cumulative_sizes, place, side="right"))
        return self.datasets[which][place - ([0, *self.cumulative_sizes][which])]


class ChainDataset(IterableDataset):
    """Streams one after another.

    Args:
        datasets: iterables of samples.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: np.random.Generator | int | None = None
) -> list[Subset]:
    """Split a dataset at random.

    Args:
        dataset: the dataset.
        lengths: the number of samples in each part, or fractions that add up to 1. Fractions are rounded
            down, and the remaining samples go to the first parts.
        generator: a NumPy Generator or a seed; by default the generator that `nn.manual_seed` seeds.

    Raises:
        OptionError: the lengths do not add up to the length of the dataset, or the fractions to 1.

    Example:
        >>> import nn
        >>> [len(part) for part in nn.data.random_split(range(11), [0.8, 0.2])]
        [9, 2]
    """
    n = len(dataset)
    counts: list[Any] = list(lengths)
    if any(count < 0 for count in counts):
        raise OptionError(f"random_split(lengths={counts}): a length is negative")
    if math.isclose(sum(counts), 1) and not (n == 1 and all(isinstance(c, int) for c in counts)):
        counts = [math.floor(n * fraction) for fraction in counts]
        for i in range(n - sum(counts)):
            counts[i % len(counts)] += 1
    if sum(counts) != n or any(count != int(count) for count in counts):
        raise OptionError(
            f"random_split(lengths={list(lengths)}): they add up to {sum(lengths)}; expected lengths that "
            f"add up to {n}, as many samples as there are, or fractions that add up to 1, e.g. [0.8, 0.2]"
        )
    order = as_generator("random_split", generator).permutation(n).tolist()
    ends = [0, *accumulate(map(int, counts))]
    return [Subset(dataset, order[start:end]) for start, end in pairwise(ends)]


# -- for loaders -----------------------------------------------------------------------------------


def batch_of(dataset: Any, indices: Sequence[int], collate: Callable[[Any], Any] = default_collate) -> Any:
    """The batch of the samples at some indices, made at once if the dataset supports it."""
    at_once = declared(dataset, "batch_at", None) if collate is default_collate else None
    if at_once is not None:
        return at_once(indices)
    several = declared(dataset, "__getitems__", None)  # PyTorch's protocol: a list of samples
    return collate(several(indices) if several else [dataset[i] for i in indices])


def declared(dataset: Any, name: str, default: Any) -> Any:
    """An attribute of a dataset's class, or `default` if a subclass has overridden `__getitem__` alone.

    For example, a subclass of TensorDataset that overrides `__getitem__` alone must not inherit `batch_at`.
    """
    for cls in type(dataset).__mro__:
        if name in vars(cls):
            return getattr(dataset, name)
        if "__getitem__" in vars(cls):
            break
    return default
