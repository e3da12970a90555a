"""Steps of optimizers for one parameter: the next value, as a new array. State arrays change in place."""

from __future__ import annotations

import numpy as np

from .native import optim as native
from .native import twin
from .windows import Array

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "descend",
    "descend_with_momentum",
    "mean",
    "mean_square",
    "nadam",
    "rmsprop",
    "sum_of_squares",
]

FEW = 1 << 14
"""Up to this number of entries, NumPy's calls take no longer than one call through ctypes.

A step of few operations gains little from one pass: NumPy is as fast for 16 times as many entries in plain
descent, which has two operations, and for 8 times as many with momentum, which has five.
"""


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


@twin(native.descend, few=16 * FEW)
def descend(x: Array, g: Array, *, rate: float) -> Array:
    """x - rate g."""
    new: Array = g * -rate
    new += x
    return new


@twin(native.descend_with_momentum, few=8 * FEW)
def descend_with_momentum(
    x: Array, g: Array, v: Array, *, momentum: float, part: float, rate: float, nesterov: bool
) -> Array:
    """v <- momentum v + part g in place, and x - rate v; Nesterov's step is along g + momentum v."""
    v *= momentum
    v += part * g
    new: Array = (g + momentum * v if nesterov else v) * -rate
    new += x
    return new


@twin(native.adam, few=FEW)
def adam(
    x: Array,
    g: Array,
    m: Array,
    v: Array,
    largest: Array | None = None,
    *,
    betas: tuple[float, float],
    eps: float,
    rate: float,
) -> Array:
    """m and v, running means of g and g^2, in place, and x - rate m / (sqrt(v) + eps).

    With `largest`, which is updated in place, the largest v so far replaces v.
    """
    mean(m, g, betas[0])
    mean_square(v, g, betas[1])
    if largest is not None:
        v = np.maximum(largest, v, out=largest)
    new = np.sqrt(v, out=np.empty_like(v))
    new += eps
    np.divide(m, new, out=new)
    new *= -rate
    new += x
    return new


@twin(native.rmsprop, few=FEW)
def rmsprop(
    x: Array,
    g: Array,
    s: Array,
    centre: Array | None = None,
    v: Array | None = None,
    *,
    alpha: float,
    eps: float,
    rate: float,
    momentum: float = 0.0,
) -> Array:
    """s, a running mean of g^2, in place, and x - rate d with d = g / (sqrt(s) + eps).

    A centre, a running mean of g, is updated in place, and its square is subtracted from s in the formula.
    With v, v <- momentum v + d is updated in place, and replaces d.
    """
    mean_square(s, g, alpha)
    if centre is not None:
        mean(centre, g, alpha)
        s = s - centre * centre
    d: Array = g / (np.sqrt(s) + eps)
    if v is not None:
        v *= momentum
        v += d
        d = v
    return x - rate * d


@twin(native.nadam, few=FEW)
def nadam(
    x: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    betas: tuple[float, float],
    eps: float,
    rates: tuple[float, float],
) -> Array:
    """m and v, running means of g and g^2, in place, and x - (rates[0] g + rates[1] m) / (sqrt(v) + eps)."""
    mean(m, g, betas[0])
    mean_square(v, g, betas[1])
    new: Array = x - (rates[0] * g + rates[1] * m) / (np.sqrt(v) + eps)
    return new


@twin(native.adamax, few=FEW)
def adamax(
    x: Array, g: Array, m: Array, u: Array, *, betas: tuple[float, float], eps: float, rate: float
) -> Array:
    """m, a running mean of g, and u <- max(betas[1] u, |g| + eps), in place, and x - rate m / u."""
    mean(m, g, betas[0])
    np.maximum(betas[1] * u, np.abs(g) + eps, out=u)
    new: Array = x - rate * m / u
    return new


@twin(native.adagrad, few=FEW)
def adagrad(x: Array, g: Array, s: Array, *, eps: float, rate: float) -> Array:
    """s + g^2 in place, and x - rate g / (sqrt(s) + eps)."""
    s += g * g
    new: Array = x - rate * g / (np.sqrt(s) + eps)
    return new


@twin(native.adadelta, few=FEW)
def adadelta(x: Array, g: Array, s: Array, d: Array, *, rho: float, eps: float, rate: float) -> Array:
    """Means s of g^2 and d of squared steps, in place, and x - rate g sqrt(d + eps) / sqrt(s + eps)."""
    mean_square(s, g, rho)
    delta = np.sqrt(d + eps) / np.sqrt(s + eps) * g
    mean_square(d, delta, rho)
    new: Array = x - rate * delta
    return new


@twin(native.sum_of_squares, few=FEW)
def sum_of_squares(x: Array) -> float:
    """The sum of all squares of a real array, in double precision."""
    flat = np.ravel(x).astype(np.result_type(x, np.float64), copy=False)
    return float(np.dot(flat, flat))
