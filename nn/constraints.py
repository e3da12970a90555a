"""Constraints on weights, applied after each step of an optimizer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import AxisError
from autograd_lite.sums import total

from .callbacks import Callback
from .options import check_number
from .utils.parameters import listed

__all__ = ["MaxNorm"]


class MaxNorm(Callback):
    """Limit the Euclidean norm of each unit's incoming weights to `max_value`.

    w <- w min(1, max_value / |w|), for each unit. With dropout, the constraint allows large learning rates.
    Give it to a Trainer as a callback, or call `apply()` after each step of the optimizer.

    Args:
        parameters: the weights. Parameters with one axis (biases, scales) are left out.
        max_value: the largest norm.
        dim: the axis of the units, as in `torch.renorm`; the norm is over all other axes. Use 0 for
            Linear and Conv layers.

    Raises:
        OptionError: `max_value` is not a number, or is negative.
        AxisError: a weight has no axis `dim`.

    Source:
        N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    Example:
        >>> import nn, numpy as np
        >>> w = nn.Parameter(np.array([[3.0, 4.0], [0.3, 0.4]]))
        >>> nn.MaxNorm([w], max_value=1.0).apply()
        >>> w.numpy().round(3).tolist()
        [[0.6, 0.8], [0.3, 0.4]]
    """

    def __init__(self, parameters: Iterable[Tensor] | Tensor, max_value: float = 2.0, dim: int = 0) -> None:
        check_number("MaxNorm", "max_value", max_value, example=2)
        self.parameters = [p for p in listed(parameters) if p.ndim > 1]
        self.max_value, self.dim = max_value, dim
        for p in self.parameters:
            if not -p.ndim <= dim < p.ndim:
                raise AxisError(f"MaxNorm(dim={dim}): a parameter of shape {p.shape} has no such axis")

    def apply(self) -> None:
        """Scale down each weight vector whose norm is above `max_value`."""
        for p in self.parameters:
            w = p.numpy()
            others = tuple(axis for axis in range(w.ndim) if axis != self.dim % w.ndim)
            lengths = np.sqrt(total(w * w, others, keepdims=True))
            if (long := lengths > self.max_value).any():
                p.data = w * np.divide(self.max_value, lengths, out=np.ones_like(lengths), where=long)

    def on_batch_end(self, step: int, loss: float) -> None:
        self.apply()
