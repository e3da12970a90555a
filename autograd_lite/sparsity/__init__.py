"""Sparse derivatives: index sets run through a function, and its columns or rows are coloured."""

from . import rules
from .derivatives import SparseDerivative, sparse_hessian, sparse_jacobian
from .pattern import Pattern

__all__ = ["Pattern", "SparseDerivative", "rules", "sparse_hessian", "sparse_jacobian"]
