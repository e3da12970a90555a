"""Running means of gradients, updated in place in the arrays of an optimizer's state."""

from __future__ import annotations

import numpy as np

from .optimizer import Array, State

__all__ = ["mean", "mean_square", "zeros"]


def zeros(x: Array, *names: str) -> State:
    """Named arrays of zeros with the shape and dtype of x."""
    return {name: np.zeros_like(x) for name in names}


def mean(m: Array, g: Array, beta: float) -> Array:
    """m <- beta m + (1 - beta) g, in place.

    Example:
        >>> mean(np.array([1.0]), np.array([3.0]), 0.75)
        array([1.5])
    """
    part = g - m  # the only temporary array
    part *= 1 - beta
    m += part
    return m


def mean_square(v: Array, g: Array, beta: float) -> Array:
    """v <- beta v + (1 - beta) g^2, in place.

    Example:
        >>> mean_square(np.array([1.0]), np.array([3.0]), 0.75)
        array([3.])
    """
    part = g * g
    part *= 1 - beta
    v *= beta
    v += part
    return v
