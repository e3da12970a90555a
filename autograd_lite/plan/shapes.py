"""Which of NumPy's functions ask for shapes alone, and which give shapes that depend on values."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .slots import is_in
from .traced import Traced, method

__all__ = ["ASKS_NO_VALUE", "shaped_by_values"]

ASKS_NO_VALUE = frozenset(
    {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.common_type}
)
"""Functions that look at shapes and dtypes alone."""

_NAMES = """
unique unique_all unique_counts unique_inverse unique_values nonzero flatnonzero argwhere where extract
compress union1d intersect1d setdiff1d setxor1d trim_zeros repeat bincount histogram histogram_bin_edges
delete insert ix_ split array_split roots polymul polydiv mask_indices
"""

SHAPED_BY_VALUES = frozenset(getattr(np, name) for name in _NAMES.split()) | {np.linalg.lstsq}


def shaped_by_values(function: Any, args: Any, kwargs: Any) -> bool:
    """Whether the shape of a result depends on values. The plan holds for calls where the shape is the same.

    Args:
        function: what a step calls.
        args, kwargs: the arguments of the call, with traced arrays.
    """
    if function.__class__ is np.ufunc:
        return False
    if function is operator.getitem:
        parts = args[1] if isinstance(args[1], tuple) else args[1:]
        return any(isinstance(part, slice) and _counts(part) for part in parts)
    if function is method:  # x.nonzero() is np.nonzero(x)
        function, args = getattr(np, args[0], None), args[1:]
    if is_in(SHAPED_BY_VALUES, function):
        return function is not np.where or len(args) == 1
    return (getattr(function, "__module__", None) or "").startswith("numpy") and _counts((args[1:], kwargs))


def _counts(tree: Any) -> bool:
    """Whether a traced whole number, such as a count or an axis, is among the arguments."""
    if isinstance(tree, Traced):
        value = tree._value
        return not tree.shape and isinstance(value, (int, np.integer, np.ndarray)) and tree.dtype.kind in "iu"
    if isinstance(tree, slice):
        tree = tree.start, tree.stop, tree.step
    items = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, (tuple, list)) else ()
    return any(map(_counts, items))
