"""Batches for a Trainer: pairs of inputs and targets in the dtype of the model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, DTypeError, OptionError, ShapeError

from ..arrays import as_array
from ..data import DataLoader, Dataset, TensorDataset
from ..options import check_number

__all__ = ["Batches", "cause_of_nan", "generators", "length"]

Array = npt.NDArray[Any]


class Batches:
    """Makes loaders from data, and pairs of arrays from batches.

    Args:
        dtype: the dtype for floating-point arrays; None keeps their dtype.
    """

    def __init__(self, dtype: np.dtype[Any] | None) -> None:
        self.dtype = dtype

    def for_training(
        self, X: Any, y: Any, batch_size: int, shuffle: bool, validation: Any, split: float
    ) -> tuple[DataLoader, DataLoader | None]:
        """The loaders of training and validation; see `Trainer.fit`."""
        if split:
            X, y, validation = self._split(X, y, validation, split)
        loader = self.loader("fit", X, y, batch_size, shuffle)
        if validation is None:
            return loader, None
        pair = isinstance(validation, (tuple, list)) and len(validation) == 2
        if not pair and not isinstance(validation, (Dataset, DataLoader)):
            raise DTypeError(
                "fit(validation_data=...): expected a pair of arrays: (X_test, y_test), or a Dataset or a "
                "DataLoader of pairs; to keep a part of X and y: fit(validation_split=0.2)"
            )
        held_X, held_y = validation if pair else (validation, None)
        return loader, self.loader("fit(validation_data=...)", held_X, held_y, max(batch_size, 256))

    def _split(self, X: Any, y: Any, validation: Any, split: float) -> tuple[Array, Array, Any]:
        """Split the data for training and validation: the ends of X and y become validation data."""
        if validation is not None or isinstance(X, (Dataset, DataLoader)):
            raise OptionError(
                "fit(validation_split=...) is for arrays X and y alone; with validation_data, leave it out"
            )
        X, y = self._arrays("fit", X, y)
        check_number("fit", "validation_split", split, most=1, example=0.2)
        n = math.floor(len(X) * (1 - split))
        if not 0 < n < len(X):
            raise OptionError(
                f"fit(validation_split={split}): of {len(X)} samples, {n} are left for training and "
                f"{len(X) - n} for validation; expected some for each, e.g. validation_split=0.2"
            )
        return X[:n], y[:n], (X[n:], y[n:])

    def loader(self, who: str, X: Any, y: Any, batch_size: int, shuffle: bool = False) -> DataLoader:
        """A loader for arrays or a Dataset; a loader stays unchanged."""
        if y is not None or not isinstance(X, (Dataset, DataLoader)):
            X = TensorDataset(*self._arrays(who, X, y))
        loader = X if isinstance(X, DataLoader) else DataLoader(X, batch_size, shuffle)
        if length(loader) == 0:
            raise DataError(f"{who}: there are no batches in the loader, of {len(loader.dataset)} samples")
        return loader

    def inputs(self, X: Any, batch_size: int) -> DataLoader:
        """A loader for inputs without targets."""
        if not isinstance(X, (Dataset, DataLoader)):
            X = numbers("predict", "X", X)
            if not X.size:
                raise DataError(f"predict: X has shape {X.shape}, there are no samples in it")
            X = TensorDataset(X)
        return X if isinstance(X, DataLoader) else DataLoader(X, batch_size)

    def pair(self, batch: Any) -> tuple[Array, Array]:
        """Inputs and targets of a batch."""
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            what = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else f"a {type(batch).__name__}"
            raise DTypeError(
                f"a batch of the loader is {what}, expected a pair of inputs and targets; write "
                "nn.DataLoader(nn.TensorDataset(X, y), batch_size=32), or a collate_fn that returns pairs"
            )
        return self.cast(numbers("loader", "X", batch[0])), self.cast(numbers("loader", "y", batch[1]))

    def cast(self, x: Array) -> Array:
        """Cast floating-point arrays to the dtype of the model; other arrays stay."""
        return x.astype(self.dtype, copy=False) if x.dtype.kind == "f" and self.dtype else x

    def _arrays(self, who: str, X: Any, y: Any) -> tuple[Array, Array]:
        X, y = self.cast(numbers(who, "X", X)), self.cast(numbers(who, "y", y))
        if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
            raise ShapeError(
                f"{who}: X has shape {X.shape} and y {y.shape}; expected as many targets as inputs, "
                "along the first axes"
            )
        if len(X) == 0:
            raise DataError(f"{who}: X has shape {X.shape}, there are no samples in it")
        return X, y


def length(loader: DataLoader) -> int | None:
    """The number of batches of a loader; None for a stream of unknown length."""
    try:
        return len(loader)
    except TypeError:
        return None


def generators(*loaders: DataLoader | None) -> list[np.random.Generator]:
    """All generators that decide the order of samples, in loaders and their samplers, without repetitions."""
    found: dict[int, np.random.Generator] = {}
    for loader in loaders:
        batches = getattr(loader, "batch_sampler", None)
        for owner in (loader, getattr(loader, "sampler", None), batches, getattr(batches, "sampler", None)):
            decides = getattr(owner, "generator", None)
            if isinstance(decides, np.random.Generator):
                found[id(decides)] = decides
    return list(found.values())


def numbers(who: str, name: str, values: Any) -> Array:
    """The array of inputs or targets; arrays without numbers are refused."""
    if values is None or isinstance(values, (Dataset, DataLoader)):
        came = "None" if values is None else f"of type {type(values).__name__}"
        raise DTypeError(
            f"{who}: {name} is {came}; expected an array: fit(X, y, batch_size=...) makes the batches itself"
        )
    array = as_array(values)
    if array.dtype.kind not in "biufc":
        repair = (
            "number the classes: y = np.unique(y, return_inverse=True)[1]"
            if name == "y"
            else "write X.astype(float)"
        )
        raise DTypeError(f"{who}: {name} is of dtype {array.dtype}, expected numbers; {repair}")
    return array


def cause_of_nan(dataset: Any, x: Array, t: Array) -> str:
    """The likely cause of a loss that is not finite: first the data, then the learning rate."""
    whole = isinstance(dataset, TensorDataset) and len(dataset.tensors) == 2
    for name, values in zip("Xy", map(as_array, dataset.tensors) if whole else (x, t), strict=True):
        finite = np.isfinite(values)
        if not finite.all():
            place = tuple(map(int, np.argwhere(~finite)[0]))
            found = "NaN" if np.isnan(values[place]) else "inf"
            row = f"row {place[0]}" if whole else f"row {place[0]} of this batch"
            return f"{name} has {found} in {row}; leave such rows out, or fill them in"
    return (
        "A smaller learning rate, or inputs scaled to about -1 ... 1, may help; to see which op it comes "
        "from: with ag.detect_anomaly(): trainer.fit(...)"
    )
