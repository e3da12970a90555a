"""Long elementwise formulas, computed block by block, so that intermediate results stay in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import on_host

__all__ = ["blockwise"]

BLOCK = 1 << 14
"""Entries in a block. Smaller blocks spend more time in Python; larger ones do not fit into the cache."""


def blockwise(function: Callable[..., Any], *arrays: Any) -> Any:
    """`function(*arrays)`, for an elementwise function.

    Example:
        >>> blockwise(lambda a, b: np.sqrt(a * b), np.array([1.0, 2.0]), np.array([4.0, 2.0]))
        array([2., 2.])
    """
    if max(array.size for array in arrays) <= BLOCK or not all(map(on_host, arrays)):
        return function(*arrays)
    arrays = np.broadcast_arrays(*arrays)
    flat = [array.reshape(-1) for array in arrays]
    blocks = [slice(start, start + BLOCK) for start in range(0, flat[0].size, BLOCK)]
    first = function(*(array[blocks[0]] for array in flat))
    out = np.empty(flat[0].size, first.dtype)
    out[blocks[0]] = first
    for block in blocks[1:]:
        out[block] = function(*(array[block] for array in flat))
    return out.reshape(arrays[0].shape)
