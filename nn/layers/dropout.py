"""Layers that drop entries at random, in training only."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..module import Module
from ..options import check_number

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d"]

Array = npt.NDArray[Any]


class Dropout(Module):
    """In training each entry is 0 with probability p, and else divided by 1 - p.

    Args:
        p: the probability.

    Raises:
        OptionError: p is not from 0 to 1.

    Source:
        N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    Example:
        >>> import numpy as np, nn
        >>> nn.manual_seed(0)
        >>> layer = nn.Dropout(0.5)
        >>> sorted({float(v) for v in layer(np.ones(100))})
        [0.0, 2.0]
        >>> layer.eval()(np.ones(3)).tolist()
        [1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        check_number(type(self).__name__, "p", p, most=1, example=0.5)
        self.p = p

    def forward(self, x: Tensor | Array) -> Any:
        return functional.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Dropout2d(Dropout):
    """Dropout of whole channels of (N, C, ...), for neighbouring pixels say nearly the same.

    Args:
        p: the probability.

    Source:
        J. Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """

    def forward(self, x: Tensor | Array) -> Any:
        return functional.dropout2d(x, self.p, self.training)


class Dropout1d(Dropout2d):
    """Dropout of whole channels of (N, C, L).

    Args:
        p: the probability.
    """


class Dropout3d(Dropout2d):
    """Dropout of whole channels of (N, C, D, H, W).

    Args:
        p: the probability.
    """


class AlphaDropout(Dropout):
    """Dropout after SELU: entries become -1.7581, and mean 0 and variance 1 stay what they are.

    Args:
        p: the probability.

    Source:
        G. Klambauer et al., "Self-normalizing neural networks", 2017.
    """

    def forward(self, x: Tensor | Array) -> Any:
        return functional.alpha_dropout(x, self.p, self.training)
