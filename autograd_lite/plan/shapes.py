"""Which of NumPy's functions give results whose shapes depend on values."""

from __future__ import annotations

import numpy as np

__all__ = ["SHAPED_BY_VALUES"]

_NAMES = """
unique unique_all unique_counts unique_inverse unique_values nonzero flatnonzero argwhere where extract
compress union1d intersect1d setdiff1d setxor1d trim_zeros repeat bincount histogram histogram_bin_edges
delete insert ix_ split array_split roots polymul polydiv mask_indices
"""

SHAPED_BY_VALUES = frozenset(getattr(np, name) for name in _NAMES.split()) | {np.linalg.lstsq}
"""A plan with such a step holds for calls where the shapes are the same."""
