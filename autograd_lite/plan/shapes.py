"""Which of NumPy's functions ask for shapes alone, and which give shapes that depend on values."""

from __future__ import annotations

import numpy as np

__all__ = ["ASKS_NO_VALUE", "SHAPED_BY_VALUES"]

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
"""A plan with such a step holds for calls where the shapes are the same."""
