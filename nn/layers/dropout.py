"""Layers that drop random entries in training."""

from __future__ import annotations

from .. import functional
from ..of import Of
from ..options import check_number

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class Dropout(Of):
    """In training, set each entry to 0 with probability p, and divide the others by 1 - p.

    Raises:
        OptionError: p is not from 0 to 1.

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
        """Refuse a p that is not from 0 to 1."""
        check_number(type(self).__name__, "p", self.p, most=1, example=0.5)


class Dropout2d(Dropout):
    """Dropout of whole channels of (N, C, H, W), because neighbouring pixels are correlated."""

    function = functional.dropout2d


class Dropout1d(Dropout2d):
    """Dropout of whole channels of (N, C, L)."""

    function = functional.dropout1d


class Dropout3d(Dropout2d):
    """Dropout of whole channels of (N, C, D, H, W)."""

    function = functional.dropout3d


class AlphaDropout(Dropout):
    """Dropout after `SELU`: dropped entries become -1.7581, and mean 0 and variance 1 are kept."""

    function = functional.alpha_dropout


class FeatureAlphaDropout(Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...)."""

    function = functional.feature_alpha_dropout
