"""The native gradient of a table's rows; names and arguments as in `nn/kernels/embedding.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..windows import Array
from . import call, native_type

__all__ = ["table_rows_backward"]

FEW = 1 << 10
"""Up to this number of entries, NumPy takes no longer than one call through ctypes."""


def table_rows_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """The cotangent of the table: the sum of g over the places where a row was read."""
    numbers, V = residuals
    dtype = native_type(g)
    if dtype is None or g.size <= FEW or g.ndim != numbers.ndim + 1 or not _are_rows(numbers, V):
        return NotImplemented
    if g.shape[:-1] != numbers.shape:
        raise ValueError(f"a cotangent of shape {g.shape}; expected {(*numbers.shape, g.shape[-1])}")
    g, N, D = np.ascontiguousarray(g), numbers.size, g.shape[-1]
    table, places, sums = np.empty((V, D), dtype), np.empty(V + 1 + N, np.int64), np.empty(2 * D)
    call("table_rows_backward", dtype, g, numbers, table, places, sums, N, V, D)
    return table, None


def _are_rows(numbers: Array, V: int) -> bool:
    """Whether C can read the numbers, and all are rows of the table; others are left to NumPy."""
    if type(numbers) is not np.ndarray or numbers.dtype != np.int64 or not numbers.size:
        return False
    return numbers.flags.c_contiguous and int(numbers.view(np.uint64).max()) < V
