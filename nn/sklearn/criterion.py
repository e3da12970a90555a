"""The loss of a fit: targets and sample weights by the numbers of the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import OptionError

from ..reductions import note

__all__ = ["Indexed"]

Array = npt.NDArray[Any]


class Indexed:
    """A loss whose targets are the numbers of samples, so that each sample can bring its weight along.

    Without weights it is the loss itself. With weights w it is sum(w l) / sum(w) over a batch, where l is the
    loss of each sample.

    Args:
        loss: `loss(outputs, targets)`.
        targets: of all samples, (n, ...).
        weights: of all samples, (n,), or None.
    """

    def __init__(self, loss: Any, targets: Array, weights: Array | None) -> None:
        self.loss, self.targets, self.weights = loss, targets, weights
        if weights is not None:
            if getattr(loss, "reduction", None) is None:
                raise OptionError(
                    f"weights of samples or classes need a criterion with the option reduction, "
                    f"such as nn.MSELoss; {loss!r} has none"
                )
            loss.reduction = "none"

    def __call__(self, outputs: Any, numbers: Any) -> Any:
        chosen = numbers.numpy()
        targets = self.targets[chosen]
        if targets.dtype.kind == "f" and targets.size == outputs.size:
            targets = targets.reshape(outputs.shape)
        if self.weights is None:
            return self.loss(outputs, targets)
        weights = self.weights[chosen].astype(outputs.dtype)
        losses = self.loss(outputs, targets)
        each = np.mean(losses, axis=tuple(range(1, losses.ndim))) if losses.ndim > 1 else losses
        total = float(weights.sum())
        result = np.sum(weights * each) / (total or 1.0)
        note(result, total)
        return result
