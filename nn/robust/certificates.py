"""Proofs from bounds of the outputs: no small change of the inputs changes the predicted class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor

from ..arrays import as_array
from ..layers import Linear, Sequential
from ..module import Module
from ..options import check_number
from .attacks import check_classes, check_range, examined
from .balls import Range
from .bounds import checked, proven, through

__all__ = ["certified", "certified_accuracy", "worst_logits"]

Array = npt.NDArray[Any]


def worst_logits(
    model: Module, lower: npt.ArrayLike | Tensor, upper: npt.ArrayLike | Tensor, y: npt.ArrayLike
) -> Any:
    """Upper bounds of z_j - z_y, the logit of each class minus that of the right class y; 0 for j = y.

    If the model ends in a linear layer, the bounds use differences of its rows, which is tighter than
    differences of bounds. With these bounds as logits of a loss, training is certified training:

        eps = 0.1
        loss = nn.functional.cross_entropy(nn.robust.worst_logits(model, X - eps, X + eps, y), y)

    Args:
        model: a model from inputs to logits (n, classes); see `interval_bounds` for its layers.
        lower: the lower bound of each entry of the inputs, of shape (n, ...).
        upper: the upper bound.
        y: the right classes, of shape (n,).

    Returns:
        An array of shape (n, classes): on the tape, or under `ag.no_grad()` with its rounding errors inside,
        as in `interval_bounds`. The class is certified if all others are below 0.

    Raises:
        ShapeError: the model does not give logits (n, classes), or `y` does not fit them.
        UnsupportedError: see `interval_bounds`.

    Source:
        S. Gowal et al., "On the effectiveness of interval bound propagation for training verifiably
        robust models", 2018.

    Example:
        >>> import nn, numpy as np
        >>> model = nn.Linear(1, 2, bias=False)
        >>> model.weight.data = np.array([[2.0], [1.0]])
        >>> nn.robust.worst_logits(model, np.array([[0.5]]), np.array([[1.5]]), [0]).tolist()
        [[0.0, -0.5]]
    """
    y = as_array(y)
    inner, last = _split(model)
    weights = [w for w in (last.weight, last.bias) if w is not None] if type(last) is Linear else []

    def worst(lower: Any, upper: Any, *weights: Any) -> Any:
        low, high = through(inner, lower, upper)
        return _of_rows(y, low, high, *weights) if weights else _of_bounds(y, *through(last, low, high))

    given = (*checked("worst_logits", lower, upper), *weights)
    return worst(*given) if (enclosed := proven(worst, *given)) is None else Tensor(enclosed[1])


def _of_bounds(y: Array, low: Any, high: Any) -> Any:
    """Differences of the bounds of the logits."""
    check_classes("worst_logits", y, low.shape)
    right = np.arange(low.shape[-1]) == y[:, None]
    return np.where(right, 0.0, high - np.take_along_axis(low, y[:, None], axis=1))


def _of_rows(y: Array, low: Any, high: Any, weight: Any, bias: Any = None) -> Any:
    """Bounds of the differences of logits, from bounds of the features before the last layer."""
    check_classes("worst_logits", y, (*low.shape[:-1], len(weight)))
    centre, radius = (low + high) / 2, (high - low) / 2
    rows: Any = weight - weight[y][:, None]  # (n, classes, features)
    worst = (rows @ centre[:, :, None] + np.abs(rows) @ radius[:, :, None])[:, :, 0]
    return worst if bias is None else worst + bias - bias[y][:, None]


def certified(
    model: Module, X: npt.ArrayLike, y: npt.ArrayLike, eps: float, clip: Range = (0.0, 1.0)
) -> npt.NDArray[np.bool_]:
    """The samples for which no change of at most `eps` per entry can change the right prediction.

    Args:
        model: a model from inputs to logits (n, classes), called in evaluation mode; it does not change.
        X: inputs of shape (n, ...).
        y: the right classes, of shape (n,).
        eps: the largest change of an entry.
        clip: the range (least, largest) of valid inputs; None for no limits.

    Returns:
        A boolean for each sample. False means no proof; to search for such a change, use `pgd`.

    Raises:
        UnsupportedError: see `interval_bounds`.

    Example:
        >>> import nn, numpy as np
        >>> model = nn.Linear(1, 2, bias=False)
        >>> model.weight.data = np.array([[2.0], [1.0]])
        >>> nn.robust.certified(model, np.array([[0.05], [0.8]]), np.array([0, 0]), eps=0.1)
        array([False,  True])
    """
    check_number("certified", "eps", eps, example=0.1)
    x, y = check_range("certified", X, clip), as_array(y)
    lower, upper = x - eps, x + eps
    if clip is not None:
        lower, upper = np.clip(lower, *clip), np.clip(upper, *clip)
    with examined(model), ag.no_grad():
        worst = as_array(worst_logits(model, lower, upper, y))
    right = np.arange(worst.shape[1]) == y[:, None]
    return np.asarray(((worst < 0) | right).all(axis=1))


def certified_accuracy(
    model: Module, X: npt.ArrayLike, y: npt.ArrayLike, eps: float, clip: Range = (0.0, 1.0)
) -> float:
    """The fraction of `certified` samples: no attack within `eps` can reduce the accuracy below it."""
    return float(np.mean(certified(model, X, y, eps, clip)))


def _split(model: Module) -> tuple[Module, Module]:
    """The model without its last layer, and the last layer."""
    if type(model) is Sequential and len(model) and model._hooks is None:
        return model[:-1], model[-1]
    return Sequential(), model
