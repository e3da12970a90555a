"""The rule tables, by mathematical kind. Importing them fills the registry."""

from . import constants, elementwise, indexing, linalg, products, ranges, reductions, shaping

__all__ = ["constants", "elementwise", "indexing", "linalg", "products", "ranges", "reductions", "shaping"]
