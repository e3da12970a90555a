"""The rule tables, by mathematical kind. Importing them fills the registry."""

from . import (
    constants,
    decompositions,
    elementwise,
    indexing,
    linalg,
    norms,
    products,
    ranges,
    reductions,
    shaping,
)

__all__ = [
    "constants",
    "decompositions",
    "elementwise",
    "indexing",
    "linalg",
    "norms",
    "products",
    "ranges",
    "reductions",
    "shaping",
]
