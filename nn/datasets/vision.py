"""MNIST, Fashion-MNIST and CIFAR-10 as datasets of images, as in torchvision."""

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
    """Images in memory, with their classes: sample i is `(transform(image), target_transform(class))`.

    Args:
        root: the folder of the files, and of the download. If files are missing there, those in
            AUTOGRAD_LITE_DATA or in the cache are used.
        train: True for the training data, False for the test data.
        transform: a function of an image, an array of uint8; e.g. `nn.transforms.ToTensor()`. In a
            DataLoader, the transforms of `nn.transforms` run on whole batches, which is much faster.
        target_transform: a function of a class, an int.
        download: download missing files.

    Attributes:
        data: all images.
        targets: the classes of all images.
        classes: the names of the classes.

    Raises:
        FileError: the files are missing, or the download has failed.
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
        """The files in the root, in torchvision's layout or that of `load_mnist`, or from elsewhere."""
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
        """All images."""
        return Tensor(self._pictures)

    @property
    def targets(self) -> Any:
        """The classes of all images."""
        return Tensor(self._labels)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: k for k, name in enumerate(self.classes)}

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether a transform may be random."""
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
        """Many samples, at once if the transform supports batches."""
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
    """The handwritten digits: see `load_mnist`, and `nn.transforms` for transforms of images.

    Args:
        root: the folder of the files, and of the download. If files are missing there, those in
            AUTOGRAD_LITE_DATA or in the cache are used.
        train: True for the 60,000 training images, False for the 10,000 test images.
        transform: a function of an image, uint8 of shape (28, 28); e.g. `nn.transforms.ToTensor()`.
        target_transform: a function of a class, an int.
        download: download missing files.
    """

    folder = "MNIST/raw"
    read = staticmethod(mnist_bytes)
    classes: ClassVar[list[str]] = [
        f"{k} - {name}"
        for k, name in enumerate("zero one two three four five six seven eight nine".split())  # noqa: SIM905
    ]


class FashionMNIST(Pictures):
    """Small images of clothes: see `load_fashion_mnist`; arguments as in `MNIST`."""

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
    """Small photographs of shape (32, 32, 3): see `load_cifar10`; arguments as in `MNIST`."""

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
        """All images, as an array, as in torchvision."""
        return self._pictures

    @property
    def targets(self) -> Any:
        """The classes of all images, as a list, as in torchvision."""
        return self._labels.tolist()
