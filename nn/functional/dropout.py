"""Functions that drop random entries in training."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor

from ..options import check_number
from ..random import draw
from .exactness import exact

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

Array = npt.NDArray[Any]


@exact
def dropout(input: Tensor | Array, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Set each entry to 0 with probability p, and divide the others by 1 - p, which keeps the mean.

    Args:
        input: of any shape.
        p: the probability with which an entry is dropped, from 0 to 1.
        training: drop entries; if False, the result is the input itself.
        inplace: accepted as in PyTorch, without effect.

    Raises:
        OptionError: p is not from 0 to 1.

    Source:
        N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """
    return _dropped(input, p, input.shape) if training and p else input


@exact
def dropout2d(input: Tensor | Array, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels, because neighbouring entries are correlated.

    Args:
        input: of shape (N, C, ...).
        p: the probability with which a channel is dropped, from 0 to 1.
        training: drop channels; if False, the result is the input itself.
        inplace: accepted as in PyTorch, without effect.

    Raises:
        OptionError: p is not from 0 to 1.

    Source:
        J. Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """
    return _dropped(input, p, _channels(input)) if training and p else input


dropout1d = dropout3d = dropout2d


def _channels(input: Any) -> tuple[int, ...]:
    """The shape with one entry for each channel of (N, C, ...)."""
    return (*input.shape[:2], *(1,) * (input.ndim - 2))


def _uniform(shape: tuple[int, ...]) -> Array:
    return cast(Array, draw("random", shape, np.float32))


def _dropped(input: Any, p: float, shape: tuple[int, ...]) -> Any:
    check_number("dropout", "p", p, most=1, example=0.5)
    kept = ag.drawn(_uniform, shape) >= p
    return input * (kept * (1 / (1 - p) if p < 1 else 0.0)).astype(input.dtype)


@exact
def alpha_dropout(
    input: Tensor | Array, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Any:
    """Dropout after `selu`: dropped entries become -1.7581, and mean 0 and variance 1 are kept.

    Args:
        input: of any shape.
        p: the probability with which an entry is dropped, from 0 to 1.
        training: drop entries; if False, the result is the input itself.
        inplace: accepted as in PyTorch, without effect.

    Raises:
        OptionError: p is not from 0 to 1.

    Source:
        G. Klambauer et al., "Self-normalizing neural networks", 2017.
    """
    return _alpha_dropped(input, p, input.shape, training)


@exact
def feature_alpha_dropout(
    input: Tensor | Array, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Any:
    """`alpha_dropout` of whole channels.

    Args:
        input: of shape (N, C, ...).
        p: the probability with which a channel is dropped, from 0 to 1.
        training: drop channels; if False, the result is the input itself.
        inplace: accepted as in PyTorch, without effect.

    Raises:
        OptionError: p is not from 0 to 1.
    """
    return _alpha_dropped(input, p, _channels(input), training)


def _alpha_dropped(input: Any, p: float, shape: tuple[int, ...], training: bool) -> Any:
    check_number("alpha_dropout", "p", p, most=1, example=0.5)
    if not training or not p:
        return input
    low = -1.7580993408473766  # the limit of selu(x) as x tends to -inf
    kept = ag.drawn(_uniform, shape) >= p
    a = ((1 - p) * (1 + p * low * low)) ** -0.5 if p < 1 else 0.0
    return np.where(kept, input, low) * a - a * low * p
