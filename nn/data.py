"""Datasets, and loaders that cut them into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, ShapeError

from .arrays import as_array
from .options import check_whole
from .random import generator as default_generator

__all__ = ["DataLoader", "Dataset", "TensorDataset"]

Array = npt.NDArray[Any]


class Dataset:
    """Base class of datasets: subclass it and define `__len__` and `__getitem__(i)`."""

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__")

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__")


class TensorDataset(Dataset):
    """Arrays of the same length: sample i is the tuple of their i-th entries.

    Args:
        tensors: arrays or Tensors, whose first axes count the samples; samples are of the same kind.

    Raises:
        ShapeError: the lengths differ.
        DTypeError: the arrays came as one tuple.

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

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(x[index] for x in self.tensors)


class DataLoader:
    """Iterates over a dataset in batches of Tensors; each `for` over it is one epoch.

    Args:
        dataset: a Dataset, or any sequence of samples (arrays, numbers, tuples or dicts of them).
        batch_size: how many samples a batch has; the last one may have fewer.
        shuffle: whether each epoch has an order of its own.
        drop_last: leave out a last batch that is smaller.
        collate_fn: puts a list of samples together; by default each part is stacked.
        generator: draws the order; by default the one that `nn.manual_seed` seeds.

    Raises:
        OptionError: `batch_size` is not a positive int.
        DTypeError: the dataset is no sequence of samples, but e.g. the pair (X, y).

    Example:
        >>> import numpy as np, nn
        >>> X, y = np.arange(10).reshape(5, 2), np.arange(5)
        >>> [len(x) for x, t in nn.DataLoader(nn.TensorDataset(X, y), batch_size=2)]
        [2, 2, 1]
    """

    def __init__(
        self,
        dataset: Dataset | Sequence[Any],
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        generator: np.random.Generator | None = None,
    ) -> None:
        _check_samples(dataset, batch_size)
        check_whole("DataLoader", "batch_size", batch_size, example=32)
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.collate_fn = collate_fn
        self.generator = generator or default_generator

    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.dataset)
        order = self.generator.permutation(n) if self.shuffle else np.arange(n)
        for k in range(len(self)):
            yield self._batch(order[k * self.batch_size : (k + 1) * self.batch_size])

    def _batch(self, indices: Array) -> Any:
        if isinstance(self.dataset, TensorDataset) and self.collate_fn is None:
            return tuple(map(_as_tensor, self.dataset[indices]))  # all at once
        return (self.collate_fn or _collate)([self.dataset[int(i)] for i in indices])


def _check_samples(dataset: Any, batch_size: Any) -> None:
    """Refuse arrays that are not put together into samples, and what has no order to draw from."""
    arrays = (Tensor, np.ndarray)
    columns = isinstance(dataset, (tuple, list)) and all(isinstance(x, arrays) for x in dataset)
    # A list of arrays of one shape is a fine dataset; one of X and y has columns in place of samples.
    columns = columns and (isinstance(dataset, tuple) or _are_columns(dataset))
    if columns or isinstance(batch_size, arrays):
        raise DTypeError(
            "DataLoader: inputs and targets are put together into samples first; write "
            "nn.DataLoader(nn.TensorDataset(X, y), batch_size=32)"
        )
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise DTypeError(
            f"DataLoader: a {type(dataset).__name__} is no sequence of samples, with a length and an index; "
            "write list(...), or a class that inherits from nn.Dataset"
        )


def _are_columns(arrays: list[Any]) -> bool:
    """Whether arrays are equally long and yet no samples of one shape."""
    lengths = {x.shape[:1] for x in arrays}
    return len(lengths) == 1 and () not in lengths and len({x.shape for x in arrays}) > 1


def _collate(samples: list[Any]) -> Any:
    """A batch out of samples: tuples and dicts part by part, arrays and numbers stacked, text in a list."""
    first = samples[0]
    if isinstance(first, str):
        return samples
    if isinstance(first, dict):
        return {key: _collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, (tuple, list)):
        return tuple(_collate(list(parts)) for parts in zip(*samples, strict=True))
    arrays = [as_array(x) for x in samples]
    shapes = {x.shape for x in arrays}
    if len(shapes) > 1:
        raise ShapeError(
            f"samples of shapes {', '.join(map(str, sorted(shapes)))} cannot be stacked into a batch; bring "
            "them to one shape, or give DataLoader(..., collate_fn=...)"
        )
    return Tensor(np.stack(arrays))


def _as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)
