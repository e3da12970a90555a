"""Rectifiers: activation functions that are near x for large x, and flat or nearly flat for negative x.

At a kink the derivative is the left one, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from ..random import draw
from . import smooth
from .activations import hardsigmoid, hardtanh
from .exactness import exact

__all__ = [
    "celu",
    "elu",
    "gelu",
    "hardswish",
    "leaky_relu",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "silu",
    "softplus",
]

Array = npt.NDArray[Any]
Input = Tensor | Array

# -- in pieces ----------------------------------------------------------------------------------------


@exact
def relu(input: Input, inplace: bool = False) -> Any:
    """max(x, 0).

    Args:
        input: x, of any shape.
        inplace: accepted as in PyTorch, without effect.

    Source:
        V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
    """
    return ag.relu(input)


@exact
def relu6(input: Input, inplace: bool = False) -> Any:
    """min(max(x, 0), 6).

    Args:
        input: x, of any shape.
        inplace: accepted as in PyTorch, without effect.
    """
    return hardtanh(input, 0.0, 6.0)


@exact
def leaky_relu(input: Input, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x where x > 0, else negative_slope x.

    Args:
        input: x, of any shape.
        negative_slope: the slope where x <= 0.
        inplace: accepted as in PyTorch, without effect.

    Source:
        A. Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """
    return np.where(input > 0, input, input * negative_slope)


@exact
def prelu(input: Input, weight: Input) -> Any:
    """x where x > 0, else w x.

    Args:
        input: x, of shape (N, C, ...) or (N,).
        weight: w, of shape (1,), or (C,) with one slope for each channel.

    Raises:
        ShapeError: the input has another number of channels than `weight` has slopes.
    """
    if weight.size > 1:
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.shape != (channels,):
            raise ShapeError(
                f"prelu: weight has shape {weight.shape}; expected (1,) or, for the channels of an input of "
                f"shape {input.shape}, ({channels},)"
            )
        weight = np.reshape(weight, (channels, *[1] * (input.ndim - 2)))
    return np.where(input > 0, input, input * weight)


@exact
def rrelu(
    input: Input, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Any:
    """x where x > 0, else a x, with a slope a drawn at random for each entry in training.

    Args:
        input: x, of any shape.
        lower: the smallest slope.
        upper: the largest slope.
        training: draw a from U(lower, upper); if False, a is the mean of both.
        inplace: accepted as in PyTorch, without effect.

    Source:
        B. Xu et al., "Empirical evaluation of rectified activations in convolution network", 2015.
    """
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    slopes = ag.drawn(lambda shape: draw("uniform", lower, upper, shape), input.shape).astype(input.dtype)
    return np.where(input > 0, input, input * slopes)


@exact
def hardswish(input: Input, inplace: bool = False) -> Any:
    """x hardsigmoid(x).

    Args:
        input: x, of any shape.
        inplace: accepted as in PyTorch, without effect.
    """
    return input * hardsigmoid(input)


@exact
def elu(input: Input, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where x > 0, else alpha (e^x - 1).

    Args:
        input: x, of any shape.
        alpha: the output tends to -alpha as x tends to -inf.
        inplace: accepted as in PyTorch, without effect.

    Source:
        D. Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2016.
    """
    return np.where(input > 0, input, alpha * np.expm1(_negative(input)))


@exact
def celu(input: Input, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where x > 0, else alpha (e^(x / alpha) - 1).

    Args:
        input: x, of any shape.
        alpha: the output tends to -alpha as x tends to -inf.
        inplace: accepted as in PyTorch, without effect.

    Source:
        J. Barron, "Continuously differentiable exponential linear units", 2017.
    """
    return np.where(input > 0, input, alpha * np.expm1(_negative(input) / alpha))


@exact
def selu(input: Input, inplace: bool = False) -> Any:
    """1.0507 elu(x, 1.6733): the layers of a deep network keep mean 0 and variance 1.

    Args:
        input: x, of any shape.
        inplace: accepted as in PyTorch, without effect.

    Source:
        G. Klambauer et al., "Self-normalizing neural networks", 2017.
    """
    return 1.0507009873554804934193349852946 * elu(input, 1.6732632423543772848170429916717)


def _negative(x: Any) -> Any:
    """min(x, 0), so that e^x does not overflow for large x."""
    return np.where(x > 0, 0, x)


# -- smooth ----------------------------------------------------------------------------------------


@exact
def softplus(input: Input, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + e^(beta x)) / beta, a smooth `relu`.

    Args:
        input: x, of any shape.
        beta: the larger, the sharper the bend at 0.
        threshold: the output is x where beta x is above this number.
    """
    smooth = ag.softplus(input * beta) / beta
    return np.where(input * beta > threshold, input, smooth)


@exact
def gelu(input: Input, approximate: str = "none") -> Any:
    """x P(z < x) for a standard normal z.

    Args:
        input: x, of any shape.
        approximate: "none" for the exact formula by erf, "tanh" for an approximation by tanh.

    Raises:
        OptionError: another `approximate`.

    Source:
        D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016.
    """
    if approximate == "none":
        return smooth.gelu(input)
    if approximate == "tanh":
        return smooth.gelu_tanh(input)
    raise OptionError(f'gelu(approximate={approximate!r}): expected "none" or "tanh"')


@exact
def silu(input: Input, inplace: bool = False) -> Any:
    """x sigmoid(x).

    Args:
        input: x, of any shape.
        inplace: accepted as in PyTorch, without effect.

    Source:
        S. Elfwing et al., "Sigmoid-weighted linear units", 2017.
    """
    return smooth.silu(input)


@exact
def mish(input: Input, inplace: bool = False) -> Any:
    """x tanh(log(1 + e^x)).

    Args:
        input: x, of any shape.
        inplace: accepted as in PyTorch, without effect.

    Source:
        D. Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """
    return input * np.tanh(ag.softplus(input))
