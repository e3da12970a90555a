"""Arrays and plain values in safetensors files, written atomically.

A dict of arrays becomes a plain safetensors file. Nested dicts, lists, tuples, numbers and strings become
JSON in the metadata of the file. The JSON refers to each array by its name. The file holds data only, so
loading a file never runs code.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, DataFileError, DTypeError, FileError
from autograd_lite.files import checked_path, write

from .arrays import as_array

__all__ = ["load", "save"]

Array = npt.NDArray[Any]

TREE, CHECKSUM = "autograd_lite.tree", "autograd_lite.crc32"
"""The keys of our entries in the metadata of a file."""


def save(state_dict: Mapping[Any, Any], path: str | os.PathLike[str]) -> None:
    """Write arrays to a safetensors file, which other programs can read too.

    The write is atomic: an older file stays until the new one is complete.

    Args:
        state_dict: arrays by name, e.g. `model.state_dict()`. Values may also be dicts, lists, tuples,
            numbers, strings and None.
        path: the path of the file, usually `name.safetensors`.

    Raises:
        DTypeError: a value has another type.
        DataError: a key is not valid Unicode.
        FileError: the file cannot be written.

    Example:
        >>> import os, tempfile, nn
        >>> model = nn.Linear(3, 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "linear.safetensors")
        ...     nn.save(model.state_dict(), path)
        ...     model.load_state_dict(nn.load(path))
        ...     nn.save({"model": model.state_dict(), "epoch": 3}, path)
        ...     nn.load(path)["epoch"]
        LoadedKeys(missing_keys=[], unexpected_keys=[])
        3
    """
    import safetensors.numpy  # here, to keep `import nn` fast

    if not isinstance(state_dict, Mapping):
        raise DTypeError(
            f"nn.save: expected a dict of arrays, got a {type(state_dict).__name__}; write "
            "nn.save(model.state_dict(), path)"
        )
    path = checked_path("nn.save", path)
    arrays: dict[str, Array] = {}
    tree = json.dumps(packed(state_dict, "", arrays))
    flat = all(isinstance(k, str) and isinstance(v, (np.ndarray, Tensor)) for k, v in state_dict.items())
    metadata = {CHECKSUM: _checksum("" if flat else tree, arrays)} | ({} if flat else {TREE: tree})
    try:
        content = safetensors.numpy.save(arrays, metadata)
    except (safetensors.SafetensorError, KeyError) as error:
        dtypes = ", ".join(sorted({str(x.dtype) for x in arrays.values()}))
        raise DTypeError(f"nn.save: safetensors cannot store one of the dtypes {dtypes}: {error}") from error
    _write(path, content)


def load(path: str | os.PathLike[str]) -> dict[Any, Any]:
    """Read a safetensors file of `nn.save`, PyTorch, or another program.

    Args:
        path: the path of the file.

    Returns:
        The arrays by name, or the dict that was saved. bfloat16, which NumPy lacks, becomes float32.

    Raises:
        FileError: the file cannot be read.
        DataError: the file is cut off, damaged, or not a safetensors file.
        DTypeError: an array has a dtype that NumPy lacks.
    """
    import safetensors

    path = checked_path("nn.load", path)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FileError(f"nn.load: {path} does not exist; looked in {_folder_of(path)}") from error
    except OSError as error:
        raise FileError(f"nn.load: cannot read {path}: {error.strerror}") from error
    try:
        arrays = {name: _array(path, name, x) for name, x in safetensors.deserialize(content)}  # type: ignore[no-untyped-call]
        metadata = _metadata(content)
        tree = metadata.get(TREE, "")
        if CHECKSUM in metadata and metadata[CHECKSUM] != _checksum(tree, arrays):
            raise DataError("the checksum does not match: the numbers are not those that were written")
        value = unpacked(json.loads(tree), arrays) if tree else arrays
        if not isinstance(value, dict):
            raise DataError(f"it holds a {type(value).__name__} instead of a dict")
        return value
    except DTypeError:
        raise
    except (safetensors.SafetensorError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise DataFileError(
            _of_another_kind(path, content)
            or f"nn.load: {path} ({len(content)} bytes) is cut off, damaged, or not a safetensors file "
            f"({error}); copy it again, or write it anew with nn.save(model.state_dict(), path)"
        ) from error


# -- trees of values -------------------------------------------------------------------------------


def packed(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """A value as JSON; arrays go to `arrays`, named by the path of keys.

    JSON has no tuples and no keys that are numbers, so every dict and tuple carries a tag.
    """
    if isinstance(value, (np.ndarray, np.generic, Tensor)):
        while name in arrays:  # {"a": {"b": x}, "a.b": y}
            name += "'"
        if not _is_utf8(name):
            raise DataError(
                f"nn.save: the key {name!r} has a character that UTF-8 cannot encode; rename the key"
            )
        arrays[name] = _plain(name, value)
        return {"scalar" if isinstance(value, np.generic) else "array": name}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, (str, int, float)):
                raise DTypeError(
                    f"nn.save: the key {key!r} of {name or 'the dict'} is not a string or number"
                )
        stem = f"{name}." if name else ""
        return {"dict": [[k, packed(v, f"{stem}{k}", arrays)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [packed(v, f"{name}.{i}", arrays) for i, v in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if value is not None and type(value) not in (str, bool, int, float):
        raise DTypeError(
            f"nn.save: {name} is a {type(value).__name__}; expected an array, a number, a string, or dicts "
            "and lists of them; for an object with a state, save value.state_dict()"
        )
    return value


def unpacked(tree: Any, arrays: Mapping[str, Array]) -> Any:
    """The value that `packed` has packed."""
    if isinstance(tree, list):
        return [unpacked(item, arrays) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    match kind:
        case "array":
            return arrays[content]
        case "scalar":
            return arrays[content][()]
        case "tuple":
            return tuple(unpacked(item, arrays) for item in content)
        case "dict":
            return {key: unpacked(item, arrays) for key, item in content}
    raise DataError(f"a value is of the unknown kind {kind!r}")


def _plain(name: str, value: Any) -> Array:
    """A contiguous little-endian array: the format stores the bytes as they lie in memory."""
    array = as_array(value)
    if array.dtype.kind not in "biufc":
        raise DTypeError(f"nn.save: {name} is an array of dtype {array.dtype}, expected numbers")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


# -- the bytes of a file ---------------------------------------------------------------------------

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # the upper half of a float32
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "?",
    "C64": "<c8",
}
"""NumPy's dtypes by their names in safetensors."""


def _array(path: Path, name: str, stored: Mapping[str, Any]) -> Array:
    """A new array from one stored entry of a file."""
    kind = stored["dtype"]
    if kind not in DTYPES:
        raise DTypeError(
            f"nn.load: {name!r} in {path} is of dtype {kind}, which NumPy lacks; in PyTorch, write the "
            "file anew with safetensors.torch.save_file({k: v.float() for k, v in state_dict.items()}, path)"
        )
    array = np.frombuffer(stored["data"], DTYPES[kind]).reshape(stored["shape"])
    if kind == "BF16":
        return (array.astype("<u4") << 16).view("<f4").astype(np.float32, copy=False)
    return array.astype(array.dtype.newbyteorder("="))


def _of_another_kind(path: Path, content: bytes) -> str | None:
    """What to write for a pickle or a file of NumPy; None for other files."""
    pickled = content[:1] == b"\x80" and content[1:2] in b"\2\3\4\5" and content[2:3] != b"\0"
    if pickled or (content[:4] == b"PK\3\4" and b"data.pkl" in content):
        return (
            f"nn.load: {path} is a pickle, as torch.save writes it, not a safetensors file; read it with "
            "nn.torch.load(path). For a safetensors file, in PyTorch "
            'write safetensors.torch.save_file(torch.load(path), "model.safetensors"), then here '
            'nn.load("model.safetensors")'
        )
    if content[:6] == b"\x93NUMPY" or (content[:4] == b"PK\3\4" and b".npy" in content):
        return f"nn.load: {path} is a file of np.save or np.savez; write np.load(path)"
    return None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _checksum(tree: str, arrays: Mapping[str, Array]) -> str:
    """A checksum, to detect a file of the right length with missing or overwritten parts."""
    code = zlib.crc32(tree.encode())
    for name, array in sorted(arrays.items()):
        code = zlib.crc32(f"{name} {array.dtype.str} {array.shape}".encode(), code)
        code = zlib.crc32(array.reshape(-1).view(np.uint8).data, code)
    return f"{code:08x}"


def _metadata(content: bytes) -> dict[str, str]:
    """The metadata of a valid file: JSON, after the length of the JSON."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return header.get("__metadata__") or {}


def _folder_of(path: Path) -> Path:
    """The folder of a file, for messages; relative if the current folder no longer exists."""
    try:
        return path.absolute().parent
    except OSError:
        return path.parent


def _write(path: Path, content: bytes) -> None:
    try:
        write(path, content)
    except OSError as error:
        folder = _folder_of(path)
        if isinstance(error, FileNotFoundError) and not os.path.isdir(folder):
            advice = (
                f"there is no folder {folder}; make it first: Path({str(path.parent)!r}).mkdir(parents=True)"
            )
        else:
            advice = f"{error.strerror}; choose a file in a folder that you may write to"
        raise FileError(f"nn.save: cannot write {path}: {advice}") from error
