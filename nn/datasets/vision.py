"""MNIST, Fashion-MNIST and CIFAR-10 as datasets of pictures, in the form of torchvision."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt

from autograd_lite import Tensor

from ..data import Dataset, default_collate, default_convert
from . import files
from .images import cifar10_bytes, fashion_mnist_bytes, mnist_bytes

__all__ = ["CIFAR10", "MNIST", "FashionMNIST"]

Array = npt.NDArray[Any]
Transforming = Callable[[Any], Any] | None


class Pictures(Dataset):
    """Pictures in memory, with their classes: sample i is `(transform(picture), target_transform(class))`.

    Args:
        root: a folder where the files are, or are put when they are downloaded. If they are not there,
            those are taken that AUTOGRAD_LITE_DATA names, or the cache holds.
        train: the training data, or the test data.
        transform: of a picture, an array of uint8; e.g. `nn.transforms.ToTensor()`. Those of
            `nn.transforms` are applied to whole batches by a DataLoader, which is much faster.
        target_transform: of a class, an int.
        download: fetch the files if they are nowhere.

    Attributes:
        data: all pictures.
        targets: all classes.
        classes: their names.

    Raises:
        FileError: the files are not there, or cannot be fetched.
        DataError: a file is damaged.
    """

    folder: ClassVar[str]
    read: ClassVar[Any]
    classes: ClassVar[list[str]]

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Transforming = None,
        target_transform: Transforming = None,
        download: bool = False,
    ) -> None:
        self.root, self.train = root, train
        self.transform, self.target_transform = transform, target_transform
        self._pictures, self._labels = self._found("train" if train else "test", download)

    def _found(self, split: str, download: bool) -> tuple[Array, Array]:
        """The files of the root, as torchvision or `load_mnist` lay them out, then those from elsewhere."""
        places = [Path(self.root, self.folder), Path(self.root)] if self.root else []
        for place in places:
            with suppress(files.MissingFilesError):
                return self.read(split, place, False)  # type: ignore[no-any-return]
        try:
            return self.read(split, None, False)  # type: ignore[no-any-return]
        except files.MissingFilesError:
            if not download:
                raise
        return self.read(split, places[0] if places else None, True)  # type: ignore[no-any-return]

    @property
    def data(self) -> Any:
        """All pictures."""
        return Tensor(self._pictures)

    @property
    def targets(self) -> Any:
        """All classes."""
        return Tensor(self._labels)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: k for k, name in enumerate(self.classes)}

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether a transform is, or may be."""
        return any(getattr(t, "is_random", True) for t in (self.transform, self.target_transform) if t)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        picture, label = self._pictures[index], int(self._labels[index])
        return (
            self.transform(picture) if self.transform else picture,
            self.target_transform(label) if self.target_transform else label,
        )

    def batch_at(self, indices: Sequence[int]) -> list[Any]:
        """Many samples, at once if the transform can."""
        if self.target_transform or not getattr(self.transform, "on_batches", self.transform is None):
            return default_collate([self[i] for i in indices])  # type: ignore[no-any-return]
        places = list(indices)
        pictures = self._pictures[places]
        pictures = self.transform.batch(pictures) if self.transform else pictures  # type: ignore[attr-defined]
        return [default_convert(pictures), Tensor(self._labels[places])]

    def __repr__(self) -> str:
        part = "train" if self.train else "test"
        return f"{type(self).__name__}({part}, {len(self)} pictures, transform={self.transform})"


class MNIST(Pictures):
    """The handwritten digits: see `load_mnist`, and `nn.transforms` for what to do with pictures.

    Args:
        root: a folder where the files are, or are put when they are downloaded. If they are not there,
            those are taken that AUTOGRAD_LITE_DATA names, or the cache holds.
        train: the 60,000 for training, or the 10,000 for the test.
        transform: of a picture, an array of uint8 of shape (28, 28); e.g. `nn.transforms.ToTensor()`.
        target_transform: of a class, an int.
        download: fetch the files if they are nowhere.
    """

    folder = "MNIST/raw"
    read = staticmethod(mnist_bytes)
    classes: ClassVar[list[str]] = [
        f"{k} - {name}"
        for k, name in enumerate("zero one two three four five six seven eight nine".split())  # noqa: SIM905
    ]


class FashionMNIST(Pictures):
    """Small pictures of clothes: see `load_fashion_mnist`; arguments as in `MNIST`."""

    folder = "FashionMNIST/raw"
    read = staticmethod(fashion_mnist_bytes)
    classes: ClassVar[list[str]] = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


class CIFAR10(Pictures):
    """Small photographs: see `load_cifar10`; arguments as in `MNIST`, pictures are (32, 32, 3)."""

    folder = ""
    read = staticmethod(cifar10_bytes)
    classes: ClassVar[list[str]] = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]

    @property
    def data(self) -> Any:
        """All pictures, as an array as in torchvision."""
        return self._pictures

    @property
    def targets(self) -> Any:
        """All classes, as a list as in torchvision."""
        return self._labels.tolist()
