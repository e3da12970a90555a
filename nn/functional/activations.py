"""Activation functions: what a neuron does with its inner potential.

Where a piecewise function bends, its derivative is PyTorch's: that of the flat side. `inplace` is taken as
PyTorch takes it, and changes nothing: there is no memory to be saved by it here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from ..arrays import as_array
from ..random import generator
from .exactness import exact

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "ltu",
    "maxout",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "scaled_tanh",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
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
    """The linear threshold unit: 1 from 0 on, else 0. It carries no gradient."""
    x = as_array(input)
    return (x >= 0).astype(x.dtype)


@exact
def threshold(input: Input, threshold: float, value: float, inplace: bool = False) -> Any:
    """x above the threshold, else `value`."""
    return np.where(input > threshold, input, value)


@exact
def hardtanh(input: Input, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """The saturated-linear function: x, but no less than min_val and no more than max_val."""
    if not min_val < max_val:
        raise OptionError(f"hardtanh(min_val={min_val}, max_val={max_val}): expected min_val < max_val")
    return np.where(input <= min_val, min_val, np.where(input >= max_val, max_val, input))


@exact
def relu(input: Input, inplace: bool = False) -> Any:
    """max(x, 0)."""
    return ag.relu(input)


@exact
def relu6(input: Input, inplace: bool = False) -> Any:
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0)


@exact
def hardsigmoid(input: Input, inplace: bool = False) -> Any:
    """A straight line from 0 at x = -3 to 1 at x = 3."""
    return hardtanh(input, -3.0, 3.0) / 6 + 0.5


@exact
def hardswish(input: Input, inplace: bool = False) -> Any:
    """x hardsigmoid(x)."""
    return input * hardsigmoid(input)


@exact
def hardshrink(input: Input, lambd: float = 0.5) -> Any:
    """x where |x| > lambd, else 0."""
    return np.where((input > lambd) | (input < -lambd), input, 0)


@exact
def softshrink(input: Input, lambd: float = 0.5) -> Any:
    """x, moved by lambd towards 0, but not beyond it."""
    return np.where(input > lambd, input - lambd, np.where(input < -lambd, input + lambd, 0))


# -- rectifiers ------------------------------------------------------------------------------------


@exact
def leaky_relu(input: Input, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x above 0, else negative_slope x."""
    return np.where(input > 0, input, input * negative_slope)


@exact
def prelu(input: Input, weight: Input) -> Any:
    """x above 0, else w x.

    Args:
        input: (N, C, ...), or (N,).
        weight: (1,), or (C,) with a slope for each channel.
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
    """x above 0, else a x; in training each a is drawn from [lower, upper], later it is their mean."""
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    slopes = generator.uniform(lower, upper, input.shape).astype(input.dtype)
    return np.where(input > 0, input, input * slopes)


@exact
def elu(input: Input, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x above 0, else alpha (e^x - 1)."""
    return np.where(input > 0, input, alpha * np.expm1(_negative(input)))


@exact
def celu(input: Input, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x above 0, else alpha (e^(x / alpha) - 1)."""
    return np.where(input > 0, input, alpha * np.expm1(_negative(input) / alpha))


@exact
def selu(input: Input, inplace: bool = False) -> Any:
    """1.0507 times elu(x, 1.6733): activations come near mean 0 and variance 1 by themselves."""
    return 1.0507009873554804934193349852946 * elu(input, 1.6732632423543772848170429916717)


def _negative(x: Any) -> Any:
    """x where it is negative, else 0: so that e^x does not overflow where it is not wanted."""
    return np.where(x > 0, 0, x)


# -- smooth rectifiers -----------------------------------------------------------------------------


@exact
def softplus(input: Input, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + e^(beta x)) / beta, and x where beta x is above the threshold."""
    smooth = ag.softplus(input * beta) / beta
    return np.where(input * beta > threshold, input, smooth)


@exact
def gelu(input: Input, approximate: str = "none") -> Any:
    """x P(z < x) for a normal z; "tanh" for the approximation by a tanh."""
    if approximate == "none":
        return input * (0.5 * (1 + ag.erf(input * 0.7071067811865476)))
    if approximate == "tanh":
        inner = 0.7978845608028654 * (input + 0.044715 * input * input * input)
        return input * (0.5 * (1 + np.tanh(inner)))
    raise OptionError(f'gelu(approximate={approximate!r}): expected "none" or "tanh"')


@exact
def silu(input: Input, inplace: bool = False) -> Any:
    """x sigmoid(x)."""
    return input * ag.sigmoid(input)


@exact
def mish(input: Input, inplace: bool = False) -> Any:
    """x tanh(log(1 + e^x))."""
    return input * np.tanh(ag.softplus(input))


# -- functions of sigmoid shape --------------------------------------------------------------------


@exact
def sigmoid(input: Input, steepness: float = 1.0) -> Any:
    """1 / (1 + e^(-steepness x))."""
    return ag.sigmoid(input if steepness == 1 else input * steepness)


@exact
def logsigmoid(input: Input) -> Any:
    """log(sigmoid(x)) = -log(1 + e^-x)."""
    return -ag.softplus(-input)


@exact
def scaled_tanh(input: Input) -> Any:
    """1.7159 tanh(2x / 3): about 1 at 1 and -1 at -1, where its second derivative is largest."""
    return 1.7159 * np.tanh(input * (2 / 3))


@exact
def softsign(input: Input) -> Any:
    """x / (1 + |x|)."""
    return input / (1 + np.abs(input))


@exact
def tanhshrink(input: Input) -> Any:
    """x - tanh(x)."""
    return input - np.tanh(input)


# -- functions of several neurons ------------------------------------------------------------------


@exact
def gumbel_softmax(logits: Input, tau: float = 1.0, hard: bool = False, dim: int = -1) -> Any:
    """softmax((x + G) / tau) with random G: nearly a draw of one class, and differentiable.

    Args:
        logits: of any shape.
        tau: the lower, the nearer to one class.
        hard: exactly one class, with the gradient of the soft one.
        dim: the axis of the classes.

    Source:
        E. Jang et al., "Categorical reparameterization with Gumbel-softmax", 2017.
    """
    drawn = generator.gumbel(size=logits.shape).astype(logits.dtype)
    soft = ag.softmax((logits + drawn) / tau, axis=dim)
    if not hard:
        return soft
    plain = np.asarray(ag.stop_gradient(soft))
    one = (plain == plain.max(axis=dim, keepdims=True)).astype(plain.dtype)
    return soft + (one - plain)


@exact
def softmax(input: Input, dim: int | None = None) -> Any:
    """e^x / sum(e^x) along an axis: positive numbers that add up to 1."""
    return ag.softmax(input, axis=_axis(input, dim))


@exact
def softmin(input: Input, dim: int | None = None) -> Any:
    """softmax(-x)."""
    return softmax(-input, dim)


@exact
def log_softmax(input: Input, dim: int | None = None) -> Any:
    """log(softmax(x)), exact where softmax underflows."""
    return ag.log_softmax(input, axis=_axis(input, dim))


def _axis(input: Input, dim: int | None) -> int:
    """That of the classes: 1 in (N, C) and (N, C, H, W), 0 in (C,) and (C, H, W)."""
    return dim if dim is not None else 0 if input.ndim in (0, 1, 3) else 1


@exact
def glu(input: Input, dim: int = -1) -> Any:
    """A sigmoid(b), where a and b are the halves of x along an axis."""
    if input.shape[dim] % 2:
        raise ShapeError(f"glu: axis {dim} of an input of shape {input.shape} cannot be halved")
    a, b = np.split(input, 2, axis=dim)
    return a * ag.sigmoid(b)


@exact
def maxout(input: Input, pieces: int, dim: int = -1) -> Any:
    """The largest of each `pieces` neighbouring features: a convex function that is learned.

    Args:
        input: with pieces C features along `dim`.
        pieces: how many linear functions the maximum is taken of.
        dim: the axis of the features.

    Returns:
        An array with C features.

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
