"""Optimizers, losses and metrics by Keras' names and with its defaults."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import metrics, optim
from ..functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    mse_loss,
    one_hot,
)

__all__ = ["LOSSES", "METRICS", "OPTIMIZERS", "SGD", "Adam", "RMSprop"]

Array = npt.NDArray[Any]
Make = Callable[[Any], optim.Optimizer]


def SGD(learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> Make:  # noqa: N802
    """Stochastic gradient descent: a function from parameters to `nn.optim.SGD`."""
    return partial(optim.SGD, lr=learning_rate, momentum=momentum, nesterov=nesterov)


def Adam(  # noqa: N802
    learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
) -> Make:
    """Adam with Keras' epsilon: a function from parameters to `nn.optim.Adam`."""
    return partial(optim.Adam, lr=learning_rate, betas=(beta_1, beta_2), eps=epsilon)


def RMSprop(learning_rate: float = 0.001, rho: float = 0.9, momentum: float = 0.0) -> Make:  # noqa: N802
    """RMSProp with Keras' rho: a function from parameters to `nn.optim.RMSprop`."""
    return partial(optim.RMSprop, lr=learning_rate, alpha=rho, momentum=momentum, eps=1e-7)


OPTIMIZERS: dict[str, Make] = {"sgd": SGD(), "adam": Adam(), "rmsprop": RMSprop()}


def _as_columns(output: Any, target: Any) -> Array:
    """Targets (n,) for outputs (n, 1) as a column, so that nothing is broadcast."""
    y = np.asarray(target.numpy() if hasattr(target, "numpy") else target, output.dtype)
    return y[:, None] if y.ndim == output.ndim - 1 and output.shape[-1] == 1 else y


def _mse(output: Any, target: Any) -> Any:
    return mse_loss(output, _as_columns(output, target))


def _mae(output: Any, target: Any) -> Any:
    return l1_loss(output, _as_columns(output, target))


def _binary(output: Any, target: Any) -> Any:
    return binary_cross_entropy_with_logits(output, _as_columns(output, target))


LOSSES: dict[str, tuple[str | None, Callable[..., Any]]] = {
    "sparse_categorical_crossentropy": ("softmax", cross_entropy),
    "categorical_crossentropy": ("softmax", cross_entropy),
    "binary_crossentropy": ("sigmoid", _binary),
    "mean_squared_error": (None, _mse),
    "mse": (None, _mse),
    "mean_absolute_error": (None, _mae),
    "mae": (None, _mae),
}
"""By name: the activation that the last layer must have, and the loss of the outputs before it."""


def accuracy(output: Array, target: Array) -> float:
    """The fraction of right classes, of probabilities (n, classes), or (n, 1) of the second of two."""
    if output.shape[-1] > 1:
        return metrics.accuracy(output, target)
    return float(np.mean((output > 0.5) == (_as_columns(output, target) > 0.5)))


def mse(output: Array, target: Array) -> float:
    """The mean squared error."""
    return float(np.mean((output - _as_columns(output, target)) ** 2))


def mae(output: Array, target: Array) -> float:
    """The mean absolute error."""
    return float(np.mean(np.abs(output - _as_columns(output, target))))


METRICS: dict[str, Callable[[Array, Array], float]] = {
    "accuracy": accuracy,
    "acc": accuracy,
    "mse": mse,
    "mae": mae,
}


def to_categorical(y: npt.ArrayLike, num_classes: int | None = None) -> npt.NDArray[np.float32]:
    """Classes (n,) as rows of 0 and one 1, (n, num_classes).

    Example:
        >>> from nn import keras
        >>> keras.utils.to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    classes = np.asarray(y, dtype=int)
    n = int(classes.max()) + 1 if num_classes is None else num_classes
    rows: npt.NDArray[np.float32] = np.asarray(one_hot(classes, n), np.float32)
    return rows
