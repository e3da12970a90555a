"""Layers that compare two vectors."""

from __future__ import annotations

from typing import Any

from .. import functional
from ..arrays import Input
from ..module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along an axis.

    Args:
        dim: the axis.
        eps: the smallest norm in the divisor.

    Example:
        >>> import numpy as np, nn
        >>> nn.CosineSimilarity()(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]])).tolist()
        [1.0]
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim, self.eps = dim, eps

    def forward(self, x1: Input, x2: Input) -> Any:
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of the difference of vectors along the last axis.

    Args:
        p: the order of the norm.
        eps: added to each difference, so that the norm has a gradient at distance 0.
        keepdim: keep the last axis, with length 1.

    Example:
        >>> import numpy as np, nn
        >>> nn.PairwiseDistance(eps=0)(np.array([[3.0, 0.0]]), np.array([[0.0, 4.0]])).tolist()
        [5.0]
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Input, x2: Input) -> Any:
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
