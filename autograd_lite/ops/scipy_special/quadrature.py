"""Integrals to the last digits: double-exponential quadrature, vectorized over the points.

Derivatives with respect to a shape parameter have no closed form, but are integrals of positive functions.
A change of variables makes such a function decay double-exponentially at both ends. Then the trapezoidal rule
converges faster than any power, whatever happens at the ends.

Source:
    H. Takahasi, M. Mori, "Double exponential formulas for numerical integration", Publications of the
    RIMS, Kyoto University 9, 1974.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import on_host, ones, to_host
from ...errors import DTypeError

__all__ = ["bell", "computed", "half_line", "interval"]

STEP, FINE = 1 / 16, 1 / 32
"""The distances of the nodes before the change of variables; the fine one is for peaks of unknown width."""


def half_line(f: Callable[[Any], Any], scale: Any) -> Any:
    """The integral of f from 0 to infinity, where f falls as an exponential on a `scale`.

    Args:
        f: takes nodes with one axis more than the points, at the end.
        scale: array of the shape of the points.
    """
    k = STEP * np.arange(-84, 121)
    node = np.exp(k - np.exp(-k))
    weight = STEP * (1 + np.exp(-k)) * node
    return scale * _sum(f(scale[..., None] * node), weight)


def interval(f: Callable[[Any, Any], Any], length: Any) -> Any:
    """The integral of f(t, length - t) over t from 0 to `length`; both distances have all their digits."""
    k = FINE * np.arange(-150, 151)
    left = 1 / (1 + np.exp(-math.pi * np.sinh(k)))
    right = 1 / (1 + np.exp(math.pi * np.sinh(k)))
    weight = FINE * math.pi * np.cosh(k) * left * right
    return length * _sum(f(length[..., None] * left, length[..., None] * right), weight)


def _sum(values: Any, weight: Any) -> Any:
    """The weighted sum along the last axis; a node where 0 meets infinity carries nothing."""
    terms = values * weight
    return np.sum(np.where(np.isfinite(terms), terms, 0), -1)


def computed(points: int, block: int = 1 << 14) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function of one-dimensional float64 arrays: it takes numbers and arrays of any shape and
    class.

    Series, integrals and SciPy's own code need the values. So an array of another class is read, and the
    result is given back in its class.

    Args:
        points: how many arguments are such arrays, which broadcast; the others are options.
        block: how many points are computed at once.

    Returns:
        The decorator. The result has the common dtype of the points.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def whole(*args: Any) -> Any:
            given, options = args[:points], args[points:]
            dtype = np.result_type(*(x.dtype if hasattr(x, "dtype") else x for x in given))
            if dtype.kind == "c":
                raise DTypeError(f"{function.__name__} takes real numbers, not complex ones; write z.real")
            dtype = dtype if dtype.kind == "f" else np.dtype(float)
            arrays = np.broadcast_arrays(*(np.asarray(to_host(x), np.float64) for x in given))
            flat = [x.reshape(-1) for x in arrays]
            out = np.empty(flat[0].size)
            with np.errstate(all="ignore"):
                for start in range(0, out.size, block):
                    part = slice(start, start + block)
                    out[part] = function(*(x[part] for x in flat), *options)
            result = out.reshape(arrays[0].shape).astype(dtype, copy=False)[()]
            other = next((x for x in given if not on_host(x)), None)
            return result if other is None else result * ones((), dtype, like=other)

        return whole

    return decorate


def bell(i: int, j: int, of: Callable[[int, int], Any]) -> Any:
    """The factor before e^f of the derivative of e^f, i times by a and j times by b: a Bell polynomial.

    Args:
        i, j: the orders.
        of: `of(k, m)` is the derivative of f, k times by a and m times by b.

    Example:
        >>> bell(2, 0, lambda k, m: {1: 3.0, 2: 5.0}[k])     # f'^2 + f''
        14.0
    """
    if j > i:
        return bell(j, i, lambda k, m: of(m, k))
    if i == 0:
        return 1.0
    terms = [
        math.comb(i - 1, k) * math.comb(j, m) * (bell(i - 1 - k, j - m, of) * of(k + 1, m))
        for k, m in itertools.product(range(i), range(j + 1))
    ]
    return functools.reduce(lambda a, b: a + b, terms)
