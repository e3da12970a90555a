"""The rule tables, by mathematical kind. Importing them fills the registry."""

from . import elementwise, indexing, linalg, products, reductions, shaping

__all__ = ["elementwise", "indexing", "linalg", "products", "reductions", "shaping"]
