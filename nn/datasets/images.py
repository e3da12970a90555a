"""MNIST, Fashion-MNIST and CIFAR-10, from files on this machine or from a download."""

from __future__ import annotations

import gzip
import math
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, DataFileError, FileError, OptionError
from autograd_lite.files import checked_path

from . import files

__all__ = ["load_cifar10", "load_fashion_mnist", "load_mnist"]

Array = npt.NDArray[Any]
Folder = str | os.PathLike[str] | None

PARTS = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
MNIST = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
FASHION = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
CIFAR = {"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"}
CIFAR_NPZ = "cifar10-11k.npz"
"""A smaller selection: 10,000 training images and 1,000 test images."""

AXES = 8
"""The largest number of axes in an IDX file of images."""

SOON = 1 << 20
"""So many bytes are read at once, without a bar."""

BLOCK = 2000
"""So many pictures are divided by 255 at a time: few enough for the cache."""

RECORD, RECORDS = 1 + 3 * 32 * 32, 60_000
"""The bytes of a label and its image in CIFAR-10, and the number of images."""

ARCHIVE = RECORDS * RECORD + (1 << 20)
"""The bytes of the unpacked archive: the records, and less than a megabyte besides."""


def load_mnist(split: str = "train", root: Folder = None, download: bool = False) -> tuple[Array, Array]:
    """The handwritten digits of MNIST: 60,000 training images and 10,000 test images.

    Args:
        split: "train" or "test".
        root: the folder with the four published IDX files. By default the folder in the environment
            variable AUTOGRAD_LITE_DATA (or its subfolder `mnist`), then the cache.
        download: download missing files into the cache.

    Returns:
        `(X, y)`: X float32 in 0 ... 1 of shape (n, 1, 28, 28), y int64 of shape (n,).

    Raises:
        FileError: the files are missing, or the download has failed.
        DataError: a file is damaged.

    Source:
        Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
    """
    return scaled(mnist_bytes(split, root, download))


def load_fashion_mnist(
    split: str = "train", root: Folder = None, download: bool = False
) -> tuple[Array, Array]:
    """Small images of clothes in ten classes, in the format of MNIST; see `load_mnist`.

    Args:
        split: "train" or "test".
        root: as in `load_mnist`; the subfolder is `fashion-mnist`.
        download: download missing files into the cache.

    Source:
        H. Xiao et al., "Fashion-MNIST: a novel image dataset", 2017.
    """
    return scaled(fashion_mnist_bytes(split, root, download))


def mnist_bytes(split: str, root: Folder, download: bool) -> tuple[Array, Array]:
    """MNIST as published: uint8 of shape (n, 28, 28), and the labels."""
    return _idx("mnist", "https://ossci-datasets.s3.amazonaws.com/mnist/", MNIST, split, root, download)


def fashion_mnist_bytes(split: str, root: Folder, download: bool) -> tuple[Array, Array]:
    """Fashion-MNIST as published: uint8 of shape (n, 28, 28), and the labels."""
    url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
    return _idx("fashion-mnist", url, FASHION, split, root, download)


def scaled(pictures: tuple[Array, Array]) -> tuple[Array, Array]:
    """Images (n, H, W) or (n, H, W, C) as float32 from 0 to 1 of shape (n, C, H, W)."""
    images, labels = pictures
    channels = np.moveaxis(images, -1, 1) if images.ndim == 4 else images[:, None]
    found = np.empty(channels.shape, np.float32)
    with files.bar("from bytes to numbers", images.size, quiet=images.size < SOON) as bar:
        for i in range(0, len(found), BLOCK):
            np.divide(channels[i : i + BLOCK], np.float32(255), out=found[i : i + BLOCK])
            bar.update(channels[i : i + BLOCK].size)
    return found, labels


def _idx(
    name: str, url: str, sums: dict[str, str], split: str, root: Folder, fetch: bool
) -> tuple[Array, Array]:
    if split not in PARTS:
        raise OptionError(f'load_{name.replace("-", "_")}({split!r}): expected "train" or "test"')
    names = PARTS[split]
    paths = files.find(name, names, root)
    if paths is None:
        if not fetch:
            raise files.not_found(name, names, root)
        paths = [(Path(root) if root else files.cache_folder() / name) / file for file in names]
        for path in paths:
            files.download(url + path.name, path, sums[path.name])
    images, labels = (read_idx(path) for path in paths)
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DataFileError(
            f"{paths[0]} holds {images.shape} and {paths[1]} {labels.shape}; they do not belong together"
        )
    return images, _classes(paths[1], labels)


def read_idx(path: str | os.PathLike[str], mmap: bool = False) -> Array:
    """Read an array from an IDX file, which may be compressed with gzip.

    Args:
        path: the path of the file.
        mmap: leave the numbers in the file, and read them where they are used; for files larger than the
            memory. The file must not be compressed.

    Raises:
        FileError: the file cannot be read.
        DataError: the file is damaged or not an IDX file.
    """
    path = checked_path("the IDX file", path)
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if mmap and packed:
                raise DataFileError(
                    f"read_idx(mmap=True): {path} is compressed; unpack it first: gunzip {path}"
                )
            return _idx_array(path, gzip.GzipFile(fileobj=raw) if packed else raw, mmap)
    except FileError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
        raise DataFileError(f"{path} is damaged: {error}; fetch it again") from error
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error


def _idx_array(path: Path, file: Any, mmap: bool) -> Array:
    """The content of an IDX file; no more is read than its header announces."""
    head = file.read(4)
    if len(head) < 4 or head[:3] != b"\0\0\x08":
        raise DataFileError(f"{path} is not an IDX file of bytes; expected one as published with MNIST")
    axes = head[3]
    if not 1 <= axes <= AXES:
        raise DataFileError(f"{path} is damaged: it says that it has {axes} axes; fetch it again")
    shape = struct.unpack(f">{axes}I", file.read(4 * axes))
    size, content = math.prod(shape), bytearray()
    if mmap and path.stat().st_size == file.tell() + size > file.tell():
        return np.memmap(path, np.uint8, "r", file.tell(), shape)
    with files.bar(path.name, size, quiet=size < SOON) as bar:
        while len(content) <= size and (piece := file.read(min(1 << 20, size + 1 - len(content)))):
            content += piece
            bar.update(len(piece))
    if len(content) != size:
        held = f"holds {len(content)} bytes" if len(content) < size else "holds more"
        raise DataFileError(f"{path} is damaged: it says {shape} and {held}; fetch it again")
    return np.frombuffer(bytes(content), np.uint8).reshape(shape)


def _classes(path: Path, labels: Array) -> Array:
    """The labels of ten classes as int64; other labels are refused."""
    labels = labels.reshape(-1)
    with np.errstate(invalid="ignore"):
        wrong = ~np.isin(labels, np.arange(10))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataFileError(f"{path} is damaged: label {i} is {labels[i]}, expected 0 to 9; fetch it again")
    return labels.astype(np.int64)


def load_cifar10(split: str = "train", root: Folder = None, download: bool = False) -> tuple[Array, Array]:
    """The small photographs of CIFAR-10 in ten classes: 50,000 training images and 10,000 test images.

    Args:
        split: "train" or "test".
        root: the folder with the published `cifar-10-binary.tar.gz`, or with `cifar10-11k.npz`, a selection
            of 10,000 + 1,000 images. By default as in `load_mnist`; the subfolder is `cifar10`.
        download: download the archive into the cache if both files are missing.

    Returns:
        `(X, y)`: X float32 in 0 ... 1 of shape (n, 3, 32, 32), y int64 of shape (n,).

    Raises:
        FileError: the file is missing, or the download has failed.
        DataError: the file is damaged.

    Source:
        A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    return scaled(cifar10_bytes(split, root, download))


def cifar10_bytes(split: str, root: Folder, download: bool) -> tuple[Array, Array]:
    """CIFAR-10 as published: uint8 of shape (n, 32, 32, 3), and the labels."""
    if split not in PARTS:
        raise OptionError(f'load_cifar10({split!r}): expected "train" or "test"')
    ((archive, md5),) = CIFAR.items()
    found = files.find("cifar10", [archive], root) or files.find("cifar10", [CIFAR_NPZ], root)
    if found is None:
        if not download:
            raise files.not_found("cifar10", [archive], root)
        path = (Path(root) if root else files.cache_folder() / "cifar10") / archive
        files.download(f"https://www.cs.toronto.edu/~kriz/{archive}", path, md5)
        found = [path]
    path = found[0]
    try:
        read = _cifar_selection if path.name == CIFAR_NPZ else _cifar_archive
        images, labels = read(path, split)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # a damaged file may fail in any way
        raise DataFileError(f"{path} is damaged: {error}; fetch it again") from error
    return images, _classes(path, labels)


def _cifar_selection(path: Path, split: str) -> tuple[Array, Array]:
    """Two arrays from a file of np.savez; the header of each is checked before the array is read."""
    with zipfile.ZipFile(path) as archive:
        images = _member(archive, f"x_{split}", "u", lambda shape: shape[1:] == (32, 32, 3))
        n = len(images)
        labels = _member(archive, f"y_{split}", "iuf", lambda shape: shape in ((n,), (n, 1)))
    return images, labels


def _member(
    archive: zipfile.ZipFile, name: str, kinds: str, fits: Callable[[tuple[int, ...]], bool]
) -> Array:
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{name} is of version {version}")
        old = version == (1, 0)
        read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.kind not in kinds or dtype.itemsize > 8 or not fits(shape) or shape[0] > RECORDS:
            raise DataError(f"{name} is of {dtype} and has shape {shape}")
        size = math.prod(shape) * dtype.itemsize
        content = file.read(size + 1)
    if len(content) != size:
        raise DataError(f"{name} of shape {shape} does not hold the expected {size} bytes")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def _cifar_archive(path: Path, split: str) -> tuple[Array, Array]:
    """Each record is a label and 3 x 32 x 32 bytes."""
    numbers = range(1, 6) if split == "train" else ()
    names = [f"data_batch_{i}.bin" for i in numbers] or ["test_batch.bin"]
    found: dict[str, Array] = {}
    with open(path, "rb") as raw, files.bar(path.name, ARCHIVE) as bar:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file: Any = _Bounded(gzip.GzipFile(fileobj=raw) if packed else raw, bar.update)
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for member in archive:  # in order, in memory only
                folder, _, name = member.name.rpartition("/")
                if folder != "cifar-10-batches-bin" or name not in names or name in found:
                    continue
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise DataError(f"{name} is not a file, but a link or a device")
                found[name] = np.frombuffer(content.read(), np.uint8).reshape(-1, RECORD)
                if len(found) == len(names):
                    break
    if missing := [name for name in names if name not in found]:
        raise DataError(f"it has no {missing[0]}")
    joined = np.concatenate([found[name] for name in names])
    return joined[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), joined[:, 0]


class _Bounded:
    """A file that refuses to read more bytes than the published archive has."""

    def __init__(self, file: Any, told: Callable[[int], object]) -> None:
        self.file, self.left, self.told = file, ARCHIVE, told

    def read(self, size: int) -> bytes:
        if size > self.left:
            raise DataError("it holds more than the archive that was published")
        content: bytes = self.file.read(size)
        self.left -= len(content)
        self.told(len(content))
        return content
