"""Activations: elementwise functions as layers."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..module import Module

__all__ = ["ReLU", "Sigmoid", "Tanh"]

Array = npt.NDArray[Any]


class ReLU(Module):
    """max(x, 0).

    Example:
        >>> import numpy as np, nn
        >>> nn.ReLU()(np.array([-1.0, 2.0]))
        array([0., 2.])
    """

    def forward(self, x: Tensor | Array) -> Any:
        return functional.relu(x)


class Tanh(Module):
    """The hyperbolic tangent.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.Tanh()(np.array(0.0)))
        0.0
    """

    def forward(self, x: Tensor | Array) -> Any:
        return functional.tanh(x)


class Sigmoid(Module):
    """The logistic function 1 / (1 + e^-x).

    Example:
        >>> import numpy as np, nn
        >>> float(nn.Sigmoid()(np.array(0.0)))
        0.5
    """

    def forward(self, x: Tensor | Array) -> Any:
        return functional.sigmoid(x)
