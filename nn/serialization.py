"""Arrays in files: the safetensors format, written atomically."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, DTypeError, FileError

from .arrays import as_array

__all__ = ["load", "save"]


def save(state_dict: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write arrays to a safetensors file, which other programs can read too.

    The file appears whole or not at all: one that was there before stays until the new one is
    complete.

    Args:
        state_dict: arrays by name, e.g. `model.state_dict()`.
        path: the file, by custom `name.safetensors`.

    Raises:
        DTypeError: a value is not an array of numbers.
        FileError: the file cannot be written.

    Example:
        >>> import os, tempfile, nn
        >>> model = nn.Linear(3, 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "linear.safetensors")
        ...     nn.save(model.state_dict(), path)
        ...     model.load_state_dict(nn.load(path))
        LoadedKeys(missing_keys=[], unexpected_keys=[])
    """
    import safetensors.numpy  # here, so that `import nn` is fast

    if not isinstance(state_dict, Mapping):
        raise DTypeError(
            f"nn.save: expected a dict of arrays, got a {type(state_dict).__name__}; write "
            "nn.save(model.state_dict(), path)"
        )
    arrays = {str(name): _plain(name, value) for name, value in state_dict.items()}
    try:
        content = safetensors.numpy.save(arrays)
    except (safetensors.SafetensorError, KeyError) as error:
        dtypes = ", ".join(sorted({str(x.dtype) for x in arrays.values()}))
        raise DTypeError(f"nn.save: safetensors cannot store one of the dtypes {dtypes}: {error}") from error
    _write_atomically(Path(path), content)


def load(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of a safetensors file.

    Args:
        path: a file that `nn.save`, PyTorch, or another program has written.

    Returns:
        The arrays by name.

    Raises:
        FileError: the file cannot be read.
        DataError: it is cut off, damaged, or no safetensors file.
    """
    import safetensors.numpy

    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileError(
            f"nn.load: {path} does not exist; looked in {Path(path).absolute().parent}"
        ) from error
    except OSError as error:
        raise FileError(f"nn.load: cannot read {path}: {error.strerror}") from error
    try:
        return {name: np.array(x) for name, x in safetensors.numpy.load(content).items()}
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise DataError(
            f"nn.load: {path} ({len(content)} bytes) is cut off, damaged, or no safetensors file ({error}); "
            "copy it again, or write it anew with nn.save(model.state_dict(), path)"
        ) from error


def _plain(name: object, value: Any) -> npt.NDArray[Any]:
    """A contiguous array in the byte order of the format: it takes what lies in memory as it lies."""
    array = as_array(value)
    if array.dtype.kind not in "biufc":
        raise DTypeError(
            f"nn.save: {name} is a {type(value).__name__}, expected an array of numbers; nested dicts are "
            "flattened into names with dots"
        )
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _write_atomically(path: Path, content: bytes) -> None:
    """Write a file next to its place, then put it there in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with open(draft, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        folder = path.absolute().parent
        if not folder.is_dir():
            advice = (
                f"there is no folder {folder}; make it first: Path({str(path.parent)!r}).mkdir(parents=True)"
            )
        else:
            advice = f"{error.strerror}; choose a file in a folder that you may write to"
        raise FileError(f"nn.save: cannot write {path}: {advice}") from error
