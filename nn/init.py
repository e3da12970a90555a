"""Initial values of parameters; each function fills a Tensor and returns it."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from .random import generator as default_generator

__all__ = ["calculate_gain", "kaiming_uniform_", "uniform_", "xavier_uniform_", "zeros_"]

_T = TypeVar("_T", bound=Tensor)


def zeros_(tensor: _T) -> _T:
    """Fill with 0."""
    tensor.data = np.zeros(tensor.shape, tensor.dtype)
    return tensor


def uniform_(tensor: _T, a: float = 0.0, b: float = 1.0, generator: np.random.Generator | None = None) -> _T:
    """Fill with numbers drawn uniformly from [a, b).

    Args:
        tensor: of any shape.
        a: the lower bound.
        b: the upper bound.
        generator: draws the numbers; by default the one that `nn.manual_seed` seeds.
    """
    generator = generator or default_generator
    tensor.data = generator.uniform(a, b, tensor.shape).astype(tensor.dtype)
    return tensor


def xavier_uniform_(tensor: _T, gain: float = 1.0, generator: np.random.Generator | None = None) -> _T:
    """Fill with U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)): variances stay level both ways.

    Args:
        tensor: a weight of shape (out, in, ...).
        gain: for the activation that follows, see `calculate_gain`.
        generator: as in `uniform_`.

    Source:
        X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
        networks", 2010.
    """
    fan_in, fan_out = _fans(tensor)
    bound = gain * math.sqrt(6 / max(1, fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_uniform_(
    tensor: _T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: np.random.Generator | None = None,
) -> _T:
    """Fill with U(-b, b), b = gain sqrt(3 / fan): variances stay level through rectifiers.

    Args:
        tensor: a weight of shape (out, in, ...).
        a: the slope of the leaky rectifier for negative inputs.
        mode: "fan_in" keeps the variance forward, "fan_out" that of the gradients.
        nonlinearity: as in `calculate_gain`.
        generator: as in `uniform_`.

    Source:
        K. He et al., "Delving deep into rectifiers", 2015.
    """
    if mode not in {"fan_in", "fan_out"}:
        raise OptionError(f'kaiming_uniform_: mode={mode!r}; expected "fan_in" or "fan_out"')
    fan = _fans(tensor)[mode == "fan_out"]
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / max(1, fan))
    return uniform_(tensor, -bound, bound, generator)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which an activation shrinks standard deviations, inverted.

    Args:
        nonlinearity: "linear", "sigmoid", "tanh", "relu" or "leaky_relu".
        param: the negative slope of "leaky_relu", by default 0.01.

    Example:
        >>> calculate_gain("relu") ** 2
        2.0000000000000004
    """
    slope = 0.01 if param is None else param
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + slope**2)),
    }
    if nonlinearity not in gains:
        raise OptionError(f"calculate_gain({nonlinearity!r}): expected one of {', '.join(gains)}")
    return gains[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output of the layer has, and how many outputs an input has."""
    if tensor.ndim < 2:
        raise ShapeError(
            f"a weight of shape {tensor.shape} has no fan-in and fan-out: expected (out, in, ...); "
            "for a bias use nn.init.zeros_ or nn.init.uniform_"
        )
    out, into, *kernel = tensor.shape
    return into * math.prod(kernel), out * math.prod(kernel)
