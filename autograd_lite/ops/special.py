"""Functions of our own beside NumPy's, and NumPy's special functions: sigmoid, softplus, erf, sinc, i0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..rules import defvjp
from ..tensor import primitive
from .slopes import bessel_i, logistic_slope, sinc_derivative, times_gauss

__all__ = ["erf", "sigmoid", "softplus"]


@primitive(broadcasts=True)
def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + e^-x), exact in both tails.

    Args:
        x: array of any shape.

    Example:
        >>> import autograd_lite as ag
        >>> float(ag.sigmoid(0.0))
        0.5
        >>> ag.grad(ag.sigmoid)(40.0)
        4.248354255291589e-18
    """
    if np.iscomplexobj(x):
        raise TypeError("sigmoid takes real numbers; write 1 / (1 + np.exp(-z))")
    e = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1, e) / (1 + e)


@primitive(broadcasts=True)
def softplus(x: Any) -> Any:
    """log(1 + e^x), a smooth relu.

    Args:
        x: array of any shape.

    Example:
        >>> import autograd_lite as ag
        >>> float(ag.softplus(1000.0))
        1000.0
    """
    return np.logaddexp(x, np.zeros_like(x))


@primitive(broadcasts=True)
def erf(x: Any) -> Any:
    """The error function 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x.

    Args:
        x: real array of any shape.

    Example:
        >>> import autograd_lite as ag
        >>> float(ag.erf(1.0))
        0.8427007929497149
    """
    x = np.asarray(x)
    return _erf(x).astype(x.dtype if x.dtype.kind == "f" else float)


_erf = np.vectorize(math.erf, otypes=[float])


defvjp(sigmoid, lambda g, y, x: g * logistic_slope(x))
defvjp(softplus, lambda g, y, x: g * sigmoid(x))
defvjp(erf, lambda g, y, x: times_gauss(2 / math.sqrt(math.pi) * g, x))
defvjp(np.sinc, lambda g, y, x: g * sinc_derivative(x, 1), flow="elementwise")
defvjp(np.i0, lambda g, y, x: g * (x * bessel_i(x, 1)), flow="elementwise")
