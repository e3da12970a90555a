"""Losses, as functions of outputs and targets."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.arrays import asarray, on_host, read_at, some, unwrap
from autograd_lite.errors import DTypeError, IndexingError, OptionError, ShapeError
from autograd_lite.sums import narrowed, widened
from autograd_lite.words.mistakes import warn_of_mistake

from ..arrays import Input, as_array, as_operand, within
from ..kernels import losses as kernels
from ..options import check_number
from ..reductions import note
from . import rows, smooth
from .exactness import exact
from .former import takes_former_names

__all__ = ["cross_entropy", "mse_loss", "nll_loss"]

Array = npt.NDArray[Any]


@takes_former_names
@exact
def mse_loss(
    input: Input, target: Input, reduction: str = "mean", weight: npt.ArrayLike | None = None
) -> Any:
    """(x - y)^2, summed or averaged over all entries.

    Args:
        input: x, of any shape.
        target: y, of the same shape.
        reduction: "none", "mean" or "sum".
        weight: a factor for each entry, of the same shape. The mean is divided by the sum of the weights.

    Raises:
        ShapeError: the shapes differ. To broadcast them would hide a mistake.

    Example:
        >>> import numpy as np
        >>> float(mse_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
        2.0
    """
    check_options(reduction)
    input, target = of_one_shape("mse_loss", input, target)
    return weighed("mse_loss", (input - target) ** 2, weight, reduction)


@takes_former_names
@exact
def cross_entropy(
    input: Input,
    target: Input,
    weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-sum_c q_c w_c log softmax(x)_c, where q are the probabilities of the classes.

    Args:
        input: scores (logits) of shape (C,), (N, C) or (N, C, d1, ...).
        target: class indices of the shape of `input` without its class axis, or probabilities of the
            shape of `input`.
        weight: one weight w for each class, of shape (C,).
        ignore_index: a target with this class index has no loss and no gradient.
        reduction: "none", "mean" or "sum". For class indices the mean is the sum divided by the sum of
            the targets' weights.
        label_smoothing: the part of each target that is spread evenly over all classes, from 0 to 1.

    Returns:
        A single number, or for "none" losses of the shape of `input` without its class axis.

    Raises:
        ShapeError: the shapes of target or weight do not fit the scores.
        DTypeError: the class indices are not integers.
        IndexingError: a class index is not from 0 to C - 1.

    Example:
        >>> import numpy as np
        >>> scores = np.array([[0.0, 0.0], [0.0, 0.0]])
        >>> float(cross_entropy(scores, np.array([0, 1]))), float(np.log(2))
        (0.6931471805599453, 0.6931471805599453)
    """
    check_options(reduction, label_smoothing)
    input = as_operand("cross_entropy: input", input)
    if input.ndim == 0:
        raise ShapeError(f"cross_entropy: input of shape {input.shape}; expected scores of shape (N, C)")
    check_scores("cross_entropy", input, {ag.softmax: "the softmax", ag.log_softmax: "the log-softmax"})
    input = input if input.dtype.kind == "f" else input.astype(float)
    return _cross_entropy("cross_entropy", input, target, weight, ignore_index, reduction, label_smoothing)


@takes_former_names
@exact
def nll_loss(
    input: Input,
    target: Input,
    weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """-w_t x_t: the negative log-likelihood of the targets, from log-probabilities.

    Args:
        input: log-probabilities x of shape (C,), (N, C) or (N, C, d1, ...), e.g. from `log_softmax`.
        target: class indices t of the shape of `input` without its class axis.
        weight: one weight w for each class, of shape (C,).
        ignore_index: a target with this class index has no loss and no gradient.
        reduction: "none", "mean" or "sum". The mean is the sum divided by the sum of the targets' weights.

    Raises:
        ShapeError: the shapes of target or weight do not fit the input.
        DTypeError: the class indices are not integers.
        IndexingError: a class index is not from 0 to C - 1.
    """
    check_options(reduction)
    input = as_operand("nll_loss: input", input)
    check_log_probabilities("nll_loss", input)
    return _cross_entropy("nll_loss", input, target, weight, ignore_index, reduction, 0.0)


def _cross_entropy(
    name: str,
    input: Any,
    target: Any,
    weight: npt.ArrayLike | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Any:
    """The loss from scores, or, for "nll_loss", from log-probabilities of the same shape."""
    axis = 1 if input.ndim > 1 else 0
    target = target if isinstance(target, Tensor) else as_array(target)
    weights = None if weight is None else as_array(weight).astype(input.dtype, copy=False)
    if weights is not None and weights.shape != (input.shape[axis],):
        raise ShapeError(
            f"{name}: weight has shape {weights.shape}; expected one weight for each class of the "
            f"input {input.shape}: ({input.shape[axis]},)"
        )
    x = np.moveaxis(input, 1, -1) if input.ndim > 2 else input  # the last axis is that of the classes
    logits = name == "cross_entropy"
    if target.shape == input.shape and target.dtype.kind == "f":
        q: Any = np.moveaxis(target, 1, -1) if input.ndim > 2 else target
        log_p = rows.log_softmax(x) if logits else x
        return reduced(_expected(log_p, q, weights, label_smoothing), reduction)
    _check_indices(name, input, target)
    indices = asarray(unwrap(target))
    classes = x.shape[-1]
    counts = None
    shares: Any = 1
    usual = weights is None and not 0 <= ignore_index < classes and within(indices, 0, classes - 1)
    if not usual:
        counts = indices != ignore_index
        _check_range(name, indices, counts, classes)
        indices = np.where(counts, indices, 0)
        shares = counts.astype(x.dtype) if weights is None else np.where(counts, read_at(weights, indices), 0)
    chosen = indices.astype(np.intp)  # a copy: the user may overwrite the targets before the backward pass
    if not label_smoothing:
        losses = _counted(_chosen(x, chosen, logits), counts)
        losses = losses if usual else losses * shares
    else:
        log_p = rows.log_softmax(x) if logits else x
        spread = -((log_p if weights is None else log_p * weights).sum(axis=-1))
        losses = _counted(_chosen(log_p, chosen, False), counts) * shares * (1 - label_smoothing)
        losses = losses + _counted(spread, counts) * (label_smoothing / classes)
    if usual:
        return reduced(losses, reduction)
    count = np.sum(shares, dtype=np.float64)
    return reduced(losses, reduction, float(count) if on_host(count) else count)


def _counted(losses: Any, counts: Array | None) -> Any:
    """Losses with 0 for ignored targets, where they may be NaN or inf."""
    return losses if counts is None else np.where(counts, losses, 0)


def _chosen(x: Any, indices: Array, logits: bool) -> Any:
    """The loss of each target, from scores or from log-probabilities."""
    if logits and x.ndim == 2:
        return target_losses(x, indices)
    if logits:
        return target_losses(np.reshape(x, (-1, x.shape[-1])), indices.reshape(-1)).reshape(indices.shape)
    return -x[(*np.indices(indices.shape, sparse=True), indices)]


def _expected(log_p: Any, q: Any, weights: Array | None, smoothing: float) -> Any:
    """The losses for targets that are probabilities."""
    if smoothing:
        q = q * (1 - smoothing) + smoothing / log_p.shape[-1]
    q = q if weights is None else q * weights
    impossible = log_p == -np.inf
    if impossible.any():  # an impossible class with q = 0 adds 0, not 0 times inf
        log_p = np.where(impossible & (q == 0), 0, log_p)
    return -((log_p * q).sum(axis=-1))


@ag.fused(kernels.target_losses, kernels.target_losses_backward, samples=((0, 0), 0))
def target_losses(x: Any, targets: Any) -> Any:
    """-log softmax(x)[target] for each row of x."""
    return -ag.log_softmax(x)[np.arange(len(targets)), targets]


def _check_indices(name: str, input: Any, target: Any) -> None:
    if target.dtype.kind not in "biufc":
        raise DTypeError(
            f"{name}: class indices are integers, target is {target.dtype}; number the classes: "
            "y = np.unique(y, return_inverse=True)[1]"
        )
    expected = input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
    if target.shape != expected:
        repair = ""
        if target.shape == input.shape:
            repair = "; write target.astype(float)"
        elif target.ndim > input.ndim:
            repair = "; the output comes first: loss(output, target)"
        elif target.size == input.shape[0] and input.ndim == 2:
            repair = "; write target.reshape(-1)"
        raise ShapeError(
            f"{name}: input {input.shape} and target {target.shape} do not fit; expected class "
            f"indices of shape {expected} or probabilities of shape {input.shape}{repair}"
        )
    if target.dtype.kind not in "biu":
        raise DTypeError(
            f"{name}: class indices are integers, target is {target.dtype}; write target.astype(int)"
        )


def _check_range(name: str, indices: Array, counts: Array, classes: int) -> None:
    outside = counts & ((indices < 0) | (indices >= classes))
    if some(outside):
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        raise IndexingError(
            f"{name}: target{list(place)} is {indices[place]}, but the scores are of {classes} "
            f"classes, 0 to {classes - 1}; number the classes from 0, or widen the last layer"
        )


COMPUTES = {rows.softmax: ag.softmax, rows.log_softmax: ag.log_softmax, smooth.sigmoid: ag.sigmoid}
"""The ops with kernels, and the engine's ops that they compute."""

MOVES = (np.reshape, np.squeeze, np.ravel, np.expand_dims, np.transpose, np.moveaxis, operator.getitem)
"""Ops that move entries and change none."""


def _made_by(x: Any) -> Any:
    """The op that computed the entries of a Tensor; None if no op was recorded."""
    node = x.node if isinstance(x, Tensor) else None
    while node is not None and node.op in MOVES and isinstance(node.inputs[0], ag.Node):
        node = node.inputs[0]
    return None if node is None else COMPUTES.get(node.op, node.op)  # type: ignore[arg-type]


def check_scores(name: str, input: Any, applied: Mapping[Any, str]) -> None:
    """Warn if the scores for a loss went through a function that the loss applies, too.

    Args:
        name: the name of the loss.
        input: the input of the loss.
        applied: the functions that the loss applies, each with its name.
    """
    if function := applied.get(_made_by(input)):
        warn_of_mistake(
            f"{name} takes scores, and applies {function} itself; this input went through it already. Leave "
            f"{function} out of the model, and apply it to the scores where probabilities are shown"
        )


def check_log_probabilities(name: str, input: Any) -> None:
    """Warn if the input of a loss that takes log-probabilities is the result of a softmax."""
    if _made_by(input) is ag.softmax:
        warn_of_mistake(
            f"{name} takes log-probabilities, this input is the result of a softmax: let the model end with "
            "nn.LogSoftmax(dim=1) in place of nn.Softmax(dim=1)"
        )


def check_options(reduction: str, label_smoothing: float = 0.0) -> None:
    """Refuse an unknown `reduction`, and a `label_smoothing` that is not from 0 to 1."""
    if not isinstance(reduction, str) or reduction not in ("none", "mean", "sum"):
        came = repr(reduction) if isinstance(reduction, str) else f"a {type(reduction).__name__}"
        raise OptionError(f'reduction={came}; expected "none", "mean" or "sum"')
    check_number("cross_entropy", "label_smoothing", label_smoothing, most=1, example=0.1)


def weighed(name: str, losses: Any, weight: npt.ArrayLike | None, reduction: str) -> Any:
    """The losses times a weight for each, or their sum, or the weighed mean."""
    if weight is None:
        return reduced(losses, reduction)
    factors = as_array(weight).astype(losses.dtype, copy=False)
    if factors.shape != losses.shape:
        raise ShapeError(
            f"{name}: weight has shape {factors.shape}; expected that of the input, {losses.shape}"
        )
    return reduced(losses * factors, reduction, float(np.sum(factors, dtype=np.float64)))


def reduced(losses: Any, reduction: str, total: Any = None) -> Any:
    """The losses, their sum, or their mean: the sum divided by `total`, or by their number without a `total`.

    The mean of no losses is NaN, as in PyTorch. Its gradient is 0, because it depends on no loss.
    """
    if reduction == "none":
        return losses
    if reduction == "sum":
        result, total = losses.sum(), None
    elif total is None:
        result, total = losses.mean(), losses.size
    elif not on_host(total):  # one for each member of a batch
        divisor = np.where(total != 0, total, math.nan).astype(losses.dtype)
        result = np.where(total != 0, losses.sum() / divisor, math.nan)
    elif total:
        result = narrowed(widened(losses).sum() / total, losses)
    else:
        result = 0 * losses.sum() + math.nan  # no target counts
    note(result, total)  # the divisor; None for a sum
    return result


def of_one_shape(name: str, input: Any, target: Any) -> tuple[Any, Any]:
    """Output and target as ops take them; different shapes are refused."""
    input, target = as_operand(f"{name}: input", input), as_operand(f"{name}: target", target)
    if input.shape != target.shape:
        repair = ""
        if input.size == target.size:
            repair = f"; write target.reshape({', '.join(map(str, (-1, *input.shape[1:])))})"
        elif target.dtype.kind in "biu" and target.shape == input.shape[:1]:
            repair = "; for class indices take nn.CrossEntropyLoss()"
        elif target.shape == input.shape[:1]:
            repair = "; let the last layer have one output, and write target.reshape(-1, 1)"
        raise ShapeError(
            f"{name}: input has shape {input.shape}, target {target.shape}; they must be equal{repair}"
        )
    return input, target
