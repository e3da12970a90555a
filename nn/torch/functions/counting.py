"""Counts and histograms, which have no gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .registry import entry

__all__: list[str] = []


@entry
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each number occurs; with weights, their sum."""
    if weights is None:
        return np.bincount(np.asarray(input), None, minlength)
    own = np.float32 if weights.dtype == np.float32 else np.float64
    return np.bincount(np.asarray(input), np.asarray(weights.detach()), minlength).astype(own)


@entry
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """The number of entries in intervals of equal length from `min` to `max`; others do not count."""
    array = np.asarray(input.detach()).reshape(-1)
    low, high = (float(array.min()), float(array.max())) if min == max == 0 and array.size else (min, max)
    if low == high:
        low, high = low - 1, high + 1
    return np.histogram(array[(array >= low) & (array <= high)], bins, (low, high))[0].astype(array.dtype)


class _Histogram(NamedTuple):
    hist: Any
    bin_edges: Any


@entry
def histogram(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """The number of entries in each interval, and the ends of the intervals."""
    array = np.asarray(input.detach())
    edges = bins if isinstance(bins, int) else np.asarray(bins)
    weights = None if weight is None else np.asarray(weight).reshape(-1)
    counts, ends = np.histogram(array.reshape(-1), edges, range, density, weights)
    return _Histogram(counts.astype(array.dtype), ends.astype(array.dtype))
