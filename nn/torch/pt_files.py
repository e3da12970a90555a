"""`.pt` files: written for PyTorch, and read without PyTorch. Nothing in a file is run.

>>> import io, nn.torch as torch
>>> file = io.BytesIO()
>>> torch.save({"weight": torch.ones(2, 2), "epoch": 3}, file)
>>> _ = file.seek(0)
>>> torch.load(file)["weight"].tolist()
[[1.0, 1.0], [1.0, 1.0]]
"""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Device
from autograd_lite.errors import AutogradLiteError, DataError, DataFileError, DTypeError, FileError
from autograd_lite.files import checked_path, replacing

from .. import serialization
from .names_in_files import NAMES, Storage
from .pickle_reader import Built, ForbiddenNameError, read
from .pickle_writer import Writer

__all__ = ["load", "save"]

Array = npt.NDArray[Any]

MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")
"""How a file begins that PyTorch wrote before version 1.6, or with `_use_new_zipfile_serialization=False`."""

ALIGNMENT = 64
"""Storages begin at multiples of this many bytes, as in PyTorch's files."""


SKIPPED = {
    name: Built(lambda *_: {}, lambda *_: None) if isinstance(means, Built) else means
    for name, means in NAMES.items()
}
"""The same names, but nothing is built: for finding out where a pickle ends, and what it refers to."""


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2, **options: Any) -> None:
    """Write data to a `.pt` file, which PyTorch reads with `torch.load(f)`.

    A file that exists stays whole until the new one is complete. NumPy arrays stay NumPy arrays, which
    PyTorch reads with `weights_only=False`; those in the state of an optimizer become Tensors. Views of one
    array are written as views of one storage.

    Args:
        obj: Tensors, parameters, NumPy arrays, numbers, strings, bytes, dtypes, None, and dicts, lists,
            tuples and sets of these: states of models and optimizers, checkpoints.
        f: a path, or an open file of bytes. A path that ends in `.safetensors` gives a safetensors file.
        pickle_module, pickle_protocol, options: as in PyTorch; without effect.

    Raises:
        DTypeError: something in `obj` is no data, e.g. a whole model.
        FileError: the file cannot be written.

    Example:
        >>> import nn
        >>> save(nn.Linear(2, 1), "model.pt")
        Traceback (most recent call last):
        autograd_lite.errors.DTypeError: torch.save: the value is a Linear, and files hold data only (...);
        write torch.save(model.state_dict(), path), and model.load_state_dict(torch.load(path))
    """
    if hasattr(f, "write"):
        _write(obj, f)
        return
    path = checked_path("torch.save", f)
    if path.suffix == ".safetensors":
        serialization.save(obj, path)
        return
    writer = Writer()
    pickle = writer.pickled(obj)  # before the file is opened: an error leaves no trace
    try:
        with replacing(path) as file:
            _archive(pickle, writer.storages, file)
    except OSError as error:
        raise FileError(f"torch.save: cannot write {path}: {error.strerror}") from error


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = True,
    mmap: bool | None = None,
    **options: Any,
) -> Any:
    """Read a file of `torch.save`, of this library or of PyTorch, or a safetensors file.

    Tensors come back as Tensors, parameters as parameters, NumPy arrays as arrays. bfloat16 becomes float32.
    Any file is safe to read: it can only give data.

    Args:
        f: a path, or an open file of bytes.
        map_location: as in PyTorch; everything is on the CPU.
        pickle_module, weights_only, mmap, options: as in PyTorch; without effect.

    Raises:
        FileError: the file cannot be read.
        DataError: the file is cut off, damaged, or of another kind, or holds more than data.
        UnsupportedError: `map_location` is another device.
    """
    if isinstance(map_location, str):
        Device(map_location)
    if hasattr(f, "read"):
        return _read(io.BytesIO(f.read()), "the file")
    path = checked_path("torch.load", f)
    try:
        with open(path, "rb") as file:
            if file.read(9)[8:] != b"{":
                return _read(file, str(path))
        return serialization.load(path)
    except AutogradLiteError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"torch.load: {path} does not exist; looked in {path.absolute().parent}") from error
    except OSError as error:
        raise FileError(f"torch.load: cannot read {path}: {error.strerror}") from error


# -- writing ---------------------------------------------------------------------------------------


def _write(obj: Any, file: IO[bytes]) -> None:
    writer = Writer()
    _archive(writer.pickled(obj), writer.storages, file)


def _archive(pickle: bytes, storages: list[Array], file: IO[bytes]) -> None:
    """The zip archive: the pickle, the byte order, the storages, the version of the format."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _record(archive, "data.pkl", pickle)
        _record(archive, "byteorder", sys.byteorder.encode())
        for number, storage in enumerate(storages):
            _record(archive, f"data/{number}", np.ascontiguousarray(storage).reshape(-1).view(np.uint8).data)
        _record(archive, "version", b"3\n")


def _record(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    """One record, whose content begins at a multiple of the alignment: the extra field fills the gap."""
    entry = zipfile.ZipInfo(f"archive/{name}")
    start = archive.fp.tell() + 30 + len(entry.filename) + 4  # type: ignore[union-attr]
    gap = -start % ALIGNMENT
    entry.extra = struct.pack("<2sH", b"FB", gap) + b"Z" * gap
    archive.writestr(entry, content)


# -- reading ---------------------------------------------------------------------------------------


def _read(file: IO[bytes], name: str) -> Any:
    """The value in an open file of any of the known kinds."""
    file.seek(0)
    start = file.read(len(MAGIC))
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    kind = _kind(start, name)
    try:
        return kind(file, size)
    except ForbiddenNameError as error:
        raise DataFileError(
            f"torch.load: {name} holds an object of {error}, and only data is read. In PyTorch, save "
            "the state: torch.save(model.state_dict(), path)"
        ) from error
    except DTypeError as error:
        raise DTypeError(f"torch.load: {name}: {error}") from error
    except Exception as error:  # whatever a damaged file leads to
        raise DataFileError(
            f"torch.load: {name} ({size} bytes) is cut off, damaged, or of another kind "
            f"({type(error).__name__}: {error}); copy the file again, or write it anew"
        ) from error


def _kind(start: bytes, name: str) -> Callable[[IO[bytes], int], Any]:
    """The reader for a file that begins with these bytes."""
    if start[:4] == b"PK\3\4":
        return _from_zip
    if start == MAGIC:
        return _from_legacy
    if start[8:9] == b"{":
        repair = "a safetensors file; read it by its path, not as an open file"
    elif start[:1] == b"\x80" and start[1:2] in b"\2\3\4\5":
        repair = "a pickle, which torch.save did not write; there, write torch.save(data, path)"
    else:
        repair = "no file of torch.save; a file of np.save is read by np.load(path)"
    raise DataFileError(f"torch.load: {name} is {repair}")


def _from_zip(file: IO[bytes], size: int) -> Any:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type for entry in entries) or sum(e.file_size for e in entries) > size:
            raise DataError("a record is compressed, or records overlap")
        (pickle,) = [e.filename for e in entries if e.filename.endswith("/data.pkl")]
        folder = pickle.removesuffix("data.pkl")
        if folder + "constants.pkl" in archive.NameToInfo:
            raise DataError("it is a TorchScript module; in PyTorch, save torch.jit.load(path).state_dict()")
        order = (
            archive.read(folder + "byteorder") if folder + "byteorder" in archive.NameToInfo else b"little"
        )
        if order.strip() != b"little":
            raise DataError("its numbers are big-endian; write it anew on another machine")
        storages: dict[str, Storage] = {}

        def stored(reference: Any) -> Storage:
            key = _checked(reference)[2]
            if key not in storages:
                content = bytearray(archive.read(f"{folder}data/{key}"))
                storages[key] = Storage(reference[1], reference[4], content)
            return storages[key]

        return read(archive.read(pickle), NAMES, stored, size)


def _from_legacy(file: IO[bytes], size: int) -> Any:
    """The format before PyTorch 1.6: three pickles of facts, the value, the keys, then the storages."""
    read(file, {}, _checked, size)  # the magic number
    read(file, {}, _checked, size)  # the version
    if read(file, {}, _checked, size).get("little_endian") is not True:
        raise DataError("its numbers are big-endian; write it anew on another machine")
    value = file.tell()
    references: dict[str, tuple[Any, ...]] = {}

    def note(reference: Any) -> None:
        if reference[5:] and reference[5] is not None:
            raise DataError("a storage is a part of another; in a newer PyTorch, write the file anew")
        references[_checked(reference)[2]] = reference

    read(file, SKIPPED, note, size)
    storages: dict[str, Storage] = {}
    for key in read(file, {}, _checked, size):
        _, kind, _, _, count = references[key][:5]
        file.read(8)  # the number of entries, once more
        storages[key] = Storage(kind, count, bytearray(file.read(min(kind.bytes_of(count), size))))
    file.seek(value)
    return read(file, NAMES, lambda reference: storages[reference[2]], size)


def _checked(reference: Any) -> tuple[Any, ...]:
    """The tuple that stands for a storage: its kind, its key, its device, the number of its entries."""
    if type(reference) is not tuple or len(reference) < 5 or reference[0] != "storage":
        raise DataError("a storage is not described as in PyTorch's files")
    return reference
