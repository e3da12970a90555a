"""Activation functions that are bounded, or work on several features at once.

At a kink the derivative of a piecewise function is that of its flat side, as in PyTorch. `inplace` is
accepted as in PyTorch, without effect: the tape keeps the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from ..arrays import as_array
from . import smooth
from .exactness import exact

__all__ = [
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardtanh",
    "logsigmoid",
    "ltu",
    "maxout",
    "scaled_tanh",
    "sigmoid",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]

Array = npt.NDArray[Any]
Input = Tensor | Array

tanh = ag.tanh

# -- steps and saturated lines ---------------------------------------------------------------------


@exact
def ltu(input: Input) -> Any:
    """The linear threshold unit: 1 where x >= 0, else 0. It has no gradient.

    Args:
        input: x, of any shape.

    Source:
        W. McCulloch, W. Pitts, "A logical calculus of the ideas immanent in nervous activity", 1943.
    """
    x = as_array(input)
    return (x >= 0).astype(x.dtype)


@exact
def threshold(input: Input, threshold: float, value: float, inplace: bool = False) -> Any:
    """x where x > threshold, else `value`.

    Args:
        input: x, of any shape.
        threshold: the largest x that `value` replaces.
        value: the output where x <= threshold.
        inplace: accepted as in PyTorch, without effect.
    """
    return np.where(input > threshold, input, value)


@exact
def hardtanh(input: Input, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """The saturated-linear function: x, clipped to the interval from min_val to max_val.

    Args:
        input: x, of any shape.
        min_val: the smallest output.
        max_val: the largest output.
        inplace: accepted as in PyTorch, without effect.

    Raises:
        OptionError: min_val is not below max_val.
    """
    if not min_val < max_val:
        raise OptionError(f"hardtanh(min_val={min_val}, max_val={max_val}): expected min_val < max_val")
    return np.where(input <= min_val, min_val, np.where(input >= max_val, max_val, input))


@exact
def hardsigmoid(input: Input, inplace: bool = False) -> Any:
    """A line from 0 at x = -3 to 1 at x = 3, and constant outside.

    Args:
        input: x, of any shape.
        inplace: accepted as in PyTorch, without effect.
    """
    return hardtanh(input, -3.0, 3.0) / 6 + 0.5


@exact
def hardshrink(input: Input, lambd: float = 0.5) -> Any:
    """x where |x| > lambd, else 0.

    Args:
        input: x, of any shape.
        lambd: the threshold.
    """
    return np.where((input > lambd) | (input < -lambd), input, 0)


@exact
def softshrink(input: Input, lambd: float = 0.5) -> Any:
    """x moved by lambd towards 0; 0 where |x| <= lambd.

    Args:
        input: x, of any shape.
        lambd: the threshold.
    """
    return np.where(input > lambd, input - lambd, np.where(input < -lambd, input + lambd, 0))


# -- functions of sigmoid shape --------------------------------------------------------------------


@exact
def sigmoid(input: Input, steepness: float = 1.0) -> Any:
    """The logistic function 1 / (1 + e^(-steepness x)).

    Args:
        input: x, of any shape.
        steepness: four times the slope at 0.
    """
    return smooth.sigmoid(input if steepness == 1 else input * steepness)


@exact
def logsigmoid(input: Input) -> Any:
    """log(sigmoid(x)) = -log(1 + e^-x), exact where the sigmoid underflows.

    Args:
        input: x, of any shape.
    """
    return -ag.softplus(-input)


@exact
def scaled_tanh(input: Input) -> Any:
    """1.7159 tanh(2x / 3): about 1 at 1 and -1 at -1, where the second derivative is largest.

    Args:
        input: x, of any shape.

    Source:
        Y. LeCun et al., "Efficient backprop", 1998.
    """
    return 1.7159 * np.tanh(input * (2 / 3))


@exact
def softsign(input: Input) -> Any:
    """x / (1 + |x|).

    Args:
        input: x, of any shape.
    """
    return input / (1 + np.abs(input))


@exact
def tanhshrink(input: Input) -> Any:
    """x - tanh(x).

    Args:
        input: x, of any shape.
    """
    return input - np.tanh(input)


# -- functions of several neurons ------------------------------------------------------------------


@exact
def glu(input: Input, dim: int = -1) -> Any:
    """a sigmoid(b), where a and b are the two halves of x along an axis.

    Args:
        input: x, of any shape.
        dim: the axis.

    Raises:
        ShapeError: the axis has an odd length.

    Source:
        Y. Dauphin et al., "Language modeling with gated convolutional networks", 2017.
    """
    if input.shape[dim] % 2:
        raise ShapeError(f"glu: axis {dim} of an input of shape {input.shape} cannot be halved")
    a, b = np.split(input, 2, axis=dim)
    return a * smooth.sigmoid(b)


@exact
def maxout(input: Input, pieces: int, dim: int = -1) -> Any:
    """The largest of each `pieces` neighbouring features: after a linear layer, a learned convex function.

    Args:
        input: x, with pieces C features along `dim`.
        pieces: the number of linear functions in each maximum.
        dim: the axis of the features.

    Returns:
        C features along `dim`.

    Raises:
        ShapeError: the number of features is no multiple of `pieces`.

    Source:
        I. Goodfellow et al., "Maxout networks", 2013.
    """
    axis = dim % input.ndim
    if input.shape[axis] % pieces:
        raise ShapeError(
            f"maxout: {input.shape[axis]} features cannot be put into groups of {pieces}; let the layer "
            f"before have a multiple of {pieces}"
        )
    shape = (*input.shape[:axis], -1, pieces, *input.shape[axis + 1 :])
    return np.max(np.reshape(input, shape), axis=axis + 1)
