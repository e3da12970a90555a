"""Losses as modules: options at construction, then `loss(output, target)`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor

from . import functional
from .functional.losses import check_options
from .module import Module

__all__ = ["CrossEntropyLoss", "MSELoss"]

Array = npt.NDArray[Any]


class CrossEntropyLoss(Module):
    """The cross entropy between softmax(scores) and the target classes; see `nn.functional.cross_entropy`.

    Args:
        weight: one weight for each class, of shape (C,).
        ignore_index: class indices of this value do not count.
        reduction: "none", "mean" or "sum".
        label_smoothing: this part of each target is spread evenly over all classes.

    Example:
        >>> import numpy as np, nn
        >>> loss = nn.CrossEntropyLoss(reduction="none")
        >>> loss(np.array([[0.0, 0.0], [0.0, 100.0]]), np.array([0, 0])).tolist()
        [0.6931471805599453, 100.0]
    """

    def __init__(
        self,
        weight: npt.ArrayLike | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        check_options(reduction, label_smoothing)
        self.register_buffer("weight", None if weight is None else np.array(weight))
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor | Array, target: Tensor | npt.ArrayLike) -> Any:
        return functional.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class MSELoss(Module):
    """The mean of (output - target)^2; see `nn.functional.mse_loss`.

    Args:
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.MSELoss()(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
        2.0
    """

    def __init__(self, reduction: str = "mean") -> None:
        check_options(reduction)
        self.reduction = reduction

    def forward(self, input: Tensor | Array, target: Tensor | Array) -> Any:
        return functional.mse_loss(input, target, self.reduction)
