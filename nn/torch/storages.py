"""Storages: the flat memory that the Tensors of a `.pt` file show, and the names of their dtypes.

A Tensor in a file is a storage, an offset, a shape and strides. Several Tensors may show one storage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, DTypeError

__all__ = ["DTYPES", "STORAGES", "UNTYPED", "dtype_named", "numbers", "root", "shown", "storage_of"]

Array = npt.NDArray[Any]

DTYPES: dict[str, str] = {
    "float64": "<f8",
    "float32": "<f4",
    "float16": "<f2",
    "bfloat16": "<u2",  # the upper half of a float32
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "<i1",
    "uint64": "<u8",
    "uint32": "<u4",
    "uint16": "<u2",
    "uint8": "<u1",
    "bool": "?",
    "complex64": "<c8",
    "complex128": "<c16",
}
"""NumPy's dtype for each dtype of PyTorch that a file may hold."""

STORAGES: dict[str, str] = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
"""The dtype of each class of storages. The newer unsigned dtypes lie in a storage of bytes."""

UNTYPED = "UntypedStorage"

LARGEST = 2**27
"""The most entries that a Tensor may have which shows the entries of its storage more than once."""


def numbers(content: Any, dtype: str) -> Array:
    """The bytes of a storage as a flat array; bfloat16, which NumPy lacks, becomes float32.

    Args:
        content: the bytes, writable.
        dtype: PyTorch's name of the dtype.

    Raises:
        DTypeError: NumPy lacks the dtype.

    Example:
        >>> numbers(bytearray(b"\\x80\\x3f\\x00\\x40"), "bfloat16")
        array([1., 2.], dtype=float32)
    """
    array = np.frombuffer(content, dtype_named(dtype))
    if dtype == "bfloat16":
        widened: npt.NDArray[np.uint32] = array.astype(np.uint32) << np.uint32(16)
        return np.asarray(widened.view(np.float32))
    if dtype == "bool":  # a byte that is neither 0 nor 1 would be no boolean
        return np.not_equal(array.view(np.uint8), 0)
    native: Array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return native


def dtype_named(dtype: str) -> np.dtype[Any]:
    """NumPy's dtype for PyTorch's name.

    Raises:
        DTypeError: NumPy lacks the dtype.
    """
    if dtype not in DTYPES:
        raise DTypeError(
            f"the dtype torch.{dtype} is unknown to NumPy; in PyTorch, save x.float() instead of x"
        )
    return np.dtype(DTYPES[dtype])


def shown(storage: Array, offset: Any, shape: Any, strides: Any) -> Array:
    """The array that shows a part of a storage; offset and strides count entries.

    Raises:
        DataError: the part does not lie in the storage.

    Example:
        >>> shown(np.arange(6), 1, (2, 2), (1, 2)).tolist()
        [[1, 3], [2, 4]]
    """
    counts = [offset, *shape, *strides]
    if any(type(n) is not int or n < 0 for n in counts) or len(shape) != len(strides):
        raise DataError(f"a Tensor has the shape {shape}, the strides {strides} and the offset {offset}")
    size = math.prod(shape)
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) if size else -1
    if last >= storage.size or (size > storage.size and size > LARGEST):
        raise DataError(
            f"a Tensor of shape {tuple(shape)} does not lie in its storage of {storage.size} entries"
        )
    if not size:
        return np.empty(shape, storage.dtype)
    width = storage.itemsize
    return np.ndarray(shape, storage.dtype, storage.data, offset * width, [step * width for step in strides])


def root(array: Array) -> Array:
    """The array whose memory a view shows, where a file can say so; else a contiguous copy of the view."""
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    width = array.itemsize
    same = base.dtype == array.dtype and base.flags.c_contiguous
    fits = all(step >= 0 and step % width == 0 for step in array.strides)
    return base if same and fits else np.array(array, order="C")


def storage_of(array: Array) -> tuple[Array, int, Sequence[int]]:
    """The storage that a file holds for an array, with offset and strides in entries.

    Example:
        >>> base = np.arange(6.0)
        >>> storage, offset, strides = storage_of(base[2:].reshape(2, 2).T)
        >>> storage is base, offset, strides
        (True, 2, [1, 2])
    """
    plain = array.astype(array.dtype.newbyteorder("="), copy=False)
    storage = root(plain)
    view = plain if storage.size and np.shares_memory(storage, plain) else storage.reshape(plain.shape)
    start = view.__array_interface__["data"][0] - storage.__array_interface__["data"][0]
    offset = start // view.itemsize if view.size else 0
    return storage, offset, [step // view.itemsize for step in view.strides]
