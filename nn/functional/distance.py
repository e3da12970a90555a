"""Distances and similarities of vectors, and the losses made of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.sums import narrowed, total

from ..arrays import Input
from .exactness import exact
from .former import takes_former_names
from .losses import check_options, of_one_shape, reduced

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "margin_ranking_loss",
    "normalize",
    "pairwise_distance",
    "pdist",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@exact
def normalize(input: Input, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """x / max(|x|, eps) along an axis, with the p-norm |x|.

    Args:
        input: x, of any shape.
        p: the order of the norm.
        dim: the axis.
        eps: the smallest divisor.
    """
    return input / np.maximum(_norm(input, p, dim), eps)


def _norm(x: Any, p: float, dim: int) -> Any:
    """The norm along an axis; of an array with the sum of a Tensor, which is pairwise along every axis."""
    norm = np.linalg.vector_norm(
        Tensor(x) if isinstance(x, np.ndarray) else x, axis=dim, keepdims=True, ord=p
    )
    return norm.numpy() if isinstance(x, np.ndarray) else norm


@exact
def cosine_similarity(x1: Input, x2: Input, dim: int = 1, eps: float = 1e-8) -> Any:
    """<a, b> / (max(|a|, eps) max(|b|, eps)) along an axis.

    Args:
        x1: a, of any shape.
        x2: b, of a shape that broadcasts with that of a.
        dim: the axis.
        eps: the smallest norm in the divisor.
    """
    one, other = (x / np.maximum(_norm(x, 2.0, dim), eps) for x in (x1, x2))
    products = one * other
    return narrowed(total(products, dim), products)


@exact
def pairwise_distance(x1: Input, x2: Input, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of a - b + eps along the last axis.

    Args:
        x1: a, of shape (..., D).
        x2: b, of a shape that broadcasts with that of a.
        p: the order of the norm.
        eps: added to each difference, so that the norm has a gradient where a = b.
        keepdim: keep the last axis, with length 1.
    """
    return np.linalg.vector_norm(x1 - x2 + eps, axis=-1, keepdims=keepdim, ord=p)


@exact
def pdist(input: Input, p: float = 2.0) -> Any:
    """The p-norms of the differences of all pairs of rows i < j, in the order of i, then j.

    Args:
        input: of shape (N, D).
        p: the order of the norm.

    Returns:
        An array of shape (N (N - 1) / 2,).

    Example:
        >>> import numpy as np
        >>> pdist(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])).round(3).tolist()
        [5.0, 1.0, 4.243]
    """
    one, other = np.triu_indices(len(input), 1)
    return np.linalg.vector_norm(input[one] - input[other], axis=-1, ord=p)


@takes_former_names
@exact
def cosine_embedding_loss(
    input1: Input, input2: Input, target: Input, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """1 - cos(a, b) where y = 1, and max(0, cos(a, b) - margin) where y = -1.

    Args:
        input1: a, of shape (N, D) or (D,).
        input2: b, of the same shape.
        target: y, of shape (N,) or ().
        margin: the cosine up to which a pair with y = -1 has no loss, from -1 to 1.
        reduction: "none", "mean" or "sum".
    """
    check_options(reduction)
    input1, input2 = of_one_shape("cosine_embedding_loss", input1, input2)
    similarity = cosine_similarity(input1, input2, dim=-1)
    return reduced(np.where(target == 1, 1 - similarity, ag.relu(similarity - margin)), reduction)


@takes_former_names
@exact
def margin_ranking_loss(
    input1: Input, input2: Input, target: Input, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """max(0, -y (a - b) + margin): a should be above b where y = 1, and below where y = -1.

    Args:
        input1: a, of any shape.
        input2: b, of the same shape.
        target: y, of a shape that broadcasts with theirs.
        margin: the difference from which on a pair in the right order has no loss.
        reduction: "none", "mean" or "sum".

    Raises:
        ShapeError: the shapes of a and b differ.
    """
    check_options(reduction)
    input1, input2 = of_one_shape("margin_ranking_loss", input1, input2)
    return reduced(ag.relu(-target * (input1 - input2) + margin), reduction)


@takes_former_names
@exact
def triplet_margin_loss(
    anchor: Input,
    positive: Input,
    negative: Input,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin).

    Args:
        anchor: samples, of shape (N, D).
        positive: a sample like each anchor, of the same shape.
        negative: a sample unlike each anchor, of the same shape.
        margin: the difference by which the second distance should exceed the first.
        p: the order of the norm.
        eps: added to each difference, as in `pairwise_distance`.
        swap: take d(positive, negative) for the second distance where it is the smaller one.
        reduction: "none", "mean" or "sum".

    Source:
        V. Balntas et al., "Learning shallow convolutional feature descriptors with triplet losses", 2016.
    """
    check_options(reduction)
    anchor, positive = of_one_shape("triplet_margin_loss", anchor, positive)
    anchor, negative = of_one_shape("triplet_margin_loss", anchor, negative)
    distance = partial(pairwise_distance, p=p, eps=eps)
    return triplet_margin_with_distance_loss(
        anchor, positive, negative,
        distance_function=distance, margin=margin, swap=swap, reduction=reduction,
    )  # fmt: skip


@takes_former_names
@exact
def triplet_margin_with_distance_loss(
    anchor: Input,
    positive: Input,
    negative: Input,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) with a distance of one's own.

    Args:
        anchor: samples, of any shape.
        positive: a sample like each anchor, of the same shape.
        negative: a sample unlike each anchor, of the same shape.
        distance_function: d, a function of two batches; by default `pairwise_distance`.
        margin: the difference by which the second distance should exceed the first.
        swap: take d(positive, negative) for the second distance where it is the smaller one.
        reduction: "none", "mean" or "sum".
    """
    check_options(reduction)
    distance = distance_function or pairwise_distance
    far = distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    return reduced(ag.relu(distance(anchor, positive) - far + margin), reduction)
