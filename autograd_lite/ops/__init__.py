"""The rule tables, by mathematical kind. Importing them fills the registry."""

from . import (
    constants,
    decompositions,
    elementwise,
    fft,
    indexing,
    linalg,
    norms,
    polynomials,
    products,
    ranges,
    reductions,
    running,
    shaping,
    signal,
    statistics,
)

__all__ = [
    "constants",
    "decompositions",
    "elementwise",
    "fft",
    "indexing",
    "linalg",
    "norms",
    "polynomials",
    "products",
    "ranges",
    "reductions",
    "running",
    "shaping",
    "signal",
    "statistics",
]
