"""Losses of classification with two classes, with margins, and between distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DataError, OptionError, ShapeError

from ..arrays import Input, as_array, as_operand, within
from .exactness import exact
from .former import takes_former_names
from .losses import check_log_probabilities, check_options, check_scores, of_one_shape, reduced

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "hinge_embedding_loss",
    "kl_div",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "perceptron_loss",
    "soft_margin_loss",
]

Array = npt.NDArray[Any]

# -- probabilities ---------------------------------------------------------------------------------


@ag.primitive(broadcasts=True)
def bernoulli_surprise(p: Any, y: Any) -> Any:
    """-(y log p + (1 - y) log(1 - p)), with logarithms cut at -100."""
    with np.errstate(divide="ignore"):
        return -(y * np.maximum(np.log(p), -100) + (1 - y) * np.maximum(np.log1p(-p), -100))


ag.defvjp(
    bernoulli_surprise,
    lambda g, loss, p, y: g * (p - y) / np.maximum(p * (1 - p), 1e-12),
    lambda g, loss, p, y: g * (np.maximum(np.log1p(-p), -100) - np.maximum(np.log(p), -100)),
)


@takes_former_names
@exact
def binary_cross_entropy(
    input: Input, target: Input, weight: npt.ArrayLike | None = None, reduction: str = "mean"
) -> Any:
    """-(y log p + (1 - y) log(1 - p)), with logarithms cut at -100.

    Args:
        input: probabilities p, of any shape.
        target: y from 0 to 1, of the same shape.
        weight: a factor for each entry, broadcast to the shape of `input`.
        reduction: "none", "mean" or "sum".

    Raises:
        DataError: p or y is not from 0 to 1. For scores take `binary_cross_entropy_with_logits`.
    """
    check_options(reduction)
    input, target = of_one_shape("binary_cross_entropy", input, target)
    for name, values in (("input", input), ("target", target)):
        values = as_array(values)
        if not within(values, 0, 1):
            raise DataError(
                f"binary_cross_entropy: {name} holds numbers from {values.min():.6g} to {values.max():.6g}, "
                "expected probabilities from 0 to 1; for scores take BCEWithLogitsLoss"
            )
    loss = bernoulli_surprise(input, target)
    return reduced(loss if weight is None else loss * weight, reduction)


@takes_former_names
@exact
def binary_cross_entropy_with_logits(
    input: Input,
    target: Input,
    weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
    pos_weight: npt.ArrayLike | None = None,
) -> Any:
    """The binary cross entropy of sigmoid(x), exact where that would round to 0 or 1.

    Args:
        input: scores x, of any shape.
        target: y from 0 to 1, of the same shape.
        weight: a factor for each entry, broadcast to the shape of `input`.
        reduction: "none", "mean" or "sum".
        pos_weight: a factor for the term with y, above 1 where positive targets are rare.
    """
    check_options(reduction)
    input, target = of_one_shape("binary_cross_entropy_with_logits", input, target)
    check_scores("binary_cross_entropy_with_logits", input, {ag.sigmoid: "the sigmoid"})
    missed: Any = ag.softplus(-input) * target
    loss = (missed if pos_weight is None else missed * pos_weight) + ag.softplus(input) * (1 - target)
    return reduced(loss if weight is None else loss * weight, reduction)


@takes_former_names
@exact
def kl_div(input: Input, target: Input, reduction: str = "mean", log_target: bool = False) -> Any:
    """The Kullback-Leibler divergence, q (log q - x) for each entry, 0 where q = 0.

    Args:
        input: log-probabilities x, of any shape.
        target: probabilities q, of the same shape.
        reduction: "none", "sum", "mean" over all entries, or "batchmean". This one divides the sum by
            the length of the first axis, and gives the divergence.
        log_target: `target` holds log(q).
    """
    if reduction != "batchmean":
        check_options(reduction)
    input, target = of_one_shape("kl_div", input, target)
    check_log_probabilities("kl_div", input)
    if log_target:
        never = target == -np.inf
        loss: Any = np.where(never, 0, np.exp(target) * (np.where(never, 0, target) - input))
    else:
        loss = np.where(target > 0, target * (np.log(np.where(target > 0, target, 1)) - input), 0)
    if reduction == "batchmean":
        return reduced(loss, "mean", input.shape[0])
    return reduced(loss, reduction)


# -- margins ---------------------------------------------------------------------------------------


@takes_former_names
@exact
def perceptron_loss(input: Input, target: Input, reduction: str = "mean") -> Any:
    """max(0, -y x) for y = -1 or 1. Gradient descent on this loss is Rosenblatt's rule.

    Args:
        input: scores x, of any shape.
        target: y, of the same shape.
        reduction: "none", "mean" or "sum".

    Source:
        F. Rosenblatt, "The perceptron", 1958.

    Example:
        >>> import numpy as np
        >>> perceptron_loss(np.array([2.0, -3.0]), np.array([1.0, 1.0]), "none").tolist()
        [0.0, 3.0]
    """
    check_options(reduction)
    input, target = of_one_shape("perceptron_loss", input, target)
    return reduced(ag.relu(-input * target), reduction)


@takes_former_names
@exact
def soft_margin_loss(input: Input, target: Input, reduction: str = "mean") -> Any:
    """log(1 + e^(-y x)) for y = -1 or 1.

    Args:
        input: scores x, of any shape.
        target: y, of the same shape.
        reduction: "none", "mean" or "sum".
    """
    check_options(reduction)
    input, target = of_one_shape("soft_margin_loss", input, target)
    return reduced(ag.softplus(-input * target), reduction)


@takes_former_names
@exact
def hinge_embedding_loss(input: Input, target: Input, margin: float = 1.0, reduction: str = "mean") -> Any:
    """x where y = 1, and max(0, margin - x) where y = -1. Here x is usually a distance.

    Args:
        input: x, of any shape.
        target: y, of the same shape.
        margin: the distance from which on a pair with y = -1 has no loss.
        reduction: "none", "mean" or "sum".
    """
    check_options(reduction)
    input, target = of_one_shape("hinge_embedding_loss", input, target)
    return reduced(
        np.where(target == 1, input, 0) + np.where(target == -1, ag.relu(margin - input), 0), reduction
    )


@takes_former_names
@exact
def multi_margin_loss(
    input: Input,
    target: npt.ArrayLike | Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """The sum over the classes c except t of w_t max(0, margin - x_t + x_c)^p / C.

    Args:
        input: scores x of shape (N, C), or (C,).
        target: class indices t of shape (N,), or a single one.
        p: the power of each term, 1 or 2.
        margin: the difference by which the score of the target should exceed all others.
        weight: one weight for each class, of shape (C,).
        reduction: "none", "mean" or "sum".
    """
    check_options(reduction)
    if p not in (1, 2):
        raise OptionError(f"multi_margin_loss(p={p}): expected 1 or 2")
    input, indices = as_operand("multi_margin_loss: input", input), as_array(target)
    if input.ndim not in (1, 2) or indices.shape != input.shape[:-1]:
        raise ShapeError(
            f"multi_margin_loss: input {input.shape} and target {indices.shape} do not fit; expected (N, C) "
            "and (N,)"
        )
    own = indices[..., None] == np.arange(input.shape[-1])
    chosen = np.sum(np.where(own, input, 0), axis=-1, keepdims=True)
    missing = ag.relu(margin - chosen + input)
    terms = np.where(own, 0, missing if p == 1 else missing * missing)
    if weight is not None:
        terms = terms * as_array(weight)[indices][..., None]
    return reduced(np.mean(terms, axis=-1), reduction)


@takes_former_names
@exact
def multilabel_margin_loss(input: Input, target: npt.ArrayLike | Tensor, reduction: str = "mean") -> Any:
    """The sum over targets t and other classes c of max(0, 1 - x_t + x_c) / C.

    Args:
        input: scores x of shape (N, C), or (C,).
        target: the class indices of each sample, of the shape of `input`; -1 ends the indices of a sample.
        reduction: "none", "mean" or "sum".

    Raises:
        ShapeError: the shapes differ.
        DataError: an index is not from -1 to C - 1.

    Example:
        >>> import numpy as np
        >>> x, targets = np.array([0.1, 0.2, 0.4, 0.8]), np.array([3, 0, -1, 1])
        >>> float(multilabel_margin_loss(x, targets).round(3))
        0.85
    """
    check_options(reduction)
    input, indices = of_one_shape("multilabel_margin_loss", input, as_array(target))
    classes = input.shape[-1]
    if not within(indices, -1, classes - 1):
        raise DataError(
            f"multilabel_margin_loss: targets from {indices.min()} to {indices.max()}; expected class "
            f"indices from 0 to {classes - 1}, and -1 after the last one"
        )
    counts = np.cumprod(indices >= 0, axis=-1).astype(bool)
    hot = ((indices[..., None] == np.arange(classes)) & counts[..., None]).any(axis=-2)
    missing = ag.relu(1 - input[..., :, None] + input[..., None, :])
    terms = np.where(hot[..., :, None] & ~hot[..., None, :], missing, 0)
    return reduced(np.sum(terms, axis=(-2, -1)) / classes, reduction)


@takes_former_names
@exact
def multilabel_soft_margin_loss(
    input: Input, target: Input, weight: npt.ArrayLike | None = None, reduction: str = "mean"
) -> Any:
    """The mean over the classes of the binary cross entropy of sigmoid(x).

    Args:
        input: scores x of shape (N, C), or (C,).
        target: y, 0 or 1 for each class, of the same shape.
        weight: a factor for each class, of shape (C,).
        reduction: "none", "mean" or "sum".

    Raises:
        ShapeError: the shapes differ.
    """
    check_options(reduction)
    input, target = of_one_shape("multilabel_soft_margin_loss", input, target)
    loss = ag.softplus(-input) * target + ag.softplus(input) * (1 - target)
    loss = loss if weight is None else loss * weight
    return reduced(np.mean(loss, axis=-1), reduction)
