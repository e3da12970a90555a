"""The softmax and functions made of it as layers; the formulas are in `nn.functional`."""

from __future__ import annotations

from .. import functional
from ..of import Of

__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class Softmax(Of):
    """e^x / sum(e^x) along an axis: positive numbers with sum 1.

    Example:
        >>> import numpy as np, nn
        >>> nn.Softmax(dim=0)(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """

    function = functional.softmax
    dim: int | None = None


class Softmax2d(Softmax):
    """The softmax over the channels at each pixel of (N, C, H, W) or (C, H, W)."""

    def __init__(self) -> None:
        self.dim = -3


class Softmin(Of):
    """softmax(-x).

    Example:
        >>> import numpy as np, nn
        >>> nn.Softmin(dim=0)(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """

    function = functional.softmin
    dim: int | None = None


class LogSoftmax(Of):
    """log(softmax(x)), exact where softmax underflows.

    Example:
        >>> import numpy as np, nn
        >>> nn.LogSoftmax(dim=0)(np.array([0.0, 1000.0])).tolist()
        [-1000.0, 0.0]
    """

    function = functional.log_softmax
    dim: int | None = None
