"""Layers that drop entries at random, in training only."""

from __future__ import annotations

from .. import functional
from ..of import Of
from ..options import check_number

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d"]


class Dropout(Of):
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

    function = functional.dropout
    p: float = 0.5
    inplace: bool = False

    def check(self) -> None:
        """Refuse what is no probability."""
        check_number(type(self).__name__, "p", self.p, most=1, example=0.5)


class Dropout2d(Dropout):
    """Dropout of whole channels of (N, C, ...), for neighbouring pixels say nearly the same.

    Args:
        p: the probability.

    Source:
        J. Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """

    function = functional.dropout2d


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

    function = functional.alpha_dropout
