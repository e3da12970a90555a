"""Elementwise functions: a table of derivatives, entry by entry.

`g` is the incoming cotangent, `y` the value of the function. A rule is written so that it is
right wherever the true derivative is representable; where the textbook formula would lose
digits, the derivative is an op of its own (`times_sech2`, `logistic_slope`), and so stays exact when
it is differentiated again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..rules import compositions, defvjp
from ..tensor import alias, astype, nondifferentiable, primitive, unwrap

__all__ = ["erf", "relu", "sigmoid", "softplus"]

LN2, LN10 = math.log(2.0), math.log(10.0)

# -- ops of our own -------------------------------------------------------------------------------


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
    e = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1, e) / (1 + e)


@primitive(broadcasts=True)
def logistic_slope(x: Any) -> Any:
    """e^-|x| / (1 + e^-|x|)^2, the derivative of the logistic function, even in x."""
    e = np.exp(-np.abs(x))
    return e / ((1 + e) * (1 + e))


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


@primitive(broadcasts=True)
def times_sech2(g: Any, x: Any) -> Any:
    """g / cosh(x)^2, the derivative of tanh: 1 - tanh(x)^2 is 0 from x = 19 on, this is not."""
    cosh = np.cosh(x)
    return g / cosh / cosh


@primitive(broadcasts=True)
def arcsin_slope(x: Any) -> Any:
    """1 / sqrt(1 - x^2), in factors, since the difference of squares cancels near 1."""
    return 1 / np.sqrt((1 - x) * (1 + x))


@primitive(broadcasts=True)
def arctanh_slope(x: Any) -> Any:
    """1 / (1 - x^2), in factors."""
    return 1 / ((1 - x) * (1 + x))


@primitive(broadcasts=True)
def relu(x: Any) -> Any:
    """max(x, 0), with derivative 0 at 0.

    Args:
        x: array of any shape.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.relu(np.array([-1.0, 0.0, 2.0]))
        array([0., 0., 2.])
    """
    return np.maximum(x, 0)


@primitive(broadcasts=True)
def clip(x: Any, low: Any, high: Any) -> Any:
    """numpy.clip with its three arguments; None for no bound."""
    return np.clip(x, low, high)


@primitive(broadcasts=True)
def where(condition: Any, x: Any, y: Any) -> Any:
    """numpy.where with its three arguments."""
    return np.where(condition, x, y)


# -- identities ------------------------------------------------------------------------------------

defvjp(alias, lambda g, y, x: g, flow="elementwise")
defvjp(astype, lambda g, y, x, dtype: g, flow="elementwise")  # the sweep casts back
defvjp(np.copy, lambda g, y, x, order="K", subok=False: g, flow="elementwise")
defvjp(np.positive, lambda g, y, x: g)

# -- arithmetic ------------------------------------------------------------------------------------

defvjp(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
defvjp(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
defvjp(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
defvjp(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * (y / b))
defvjp(np.remainder, lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b))
defvjp(np.negative, lambda g, y, x: -g)
defvjp(np.reciprocal, lambda g, y, x: -g * y * y)
defvjp(np.square, lambda g, y, x: g * (2 * x))

# -- powers ----------------------------------------------------------------------------------------


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """b a^(b-1). It is 0 where b is 0, even at a = 0; and where b - 1 is rounded, as for b = 0.1,
    b (y / a) is nearer, for the rounding would be multiplied by log a."""
    if isinstance(b, (int, float)) and b in (0, 1, 2):
        return 0 * g if b == 0 else g if b == 1 else g * (2 * a)
    p, base, value = np.asarray(unwrap(b)), unwrap(a), unwrap(y)
    zero = (p == 0) & (base == 0)  # 0 * 0^-1
    slope = b * a ** (np.where(zero, 1, b - 1) if np.any(zero) else b - 1)
    rounded = ((p - 1) + 1 != p) & (base != 0) & np.isfinite(value) & (value != 0)
    if not np.any(rounded):
        return g * slope
    return g * np.where(rounded, b * (y / np.where(rounded, a, 1)), slope)


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """y log a, which is 0 at a = 0, where y is 0 for every b > 0."""
    zero = unwrap(a) == 0
    return g * np.where(zero, 0.0, y * np.log(np.where(zero, 1.0, a)))


defvjp(np.power, _power_base, _power_exponent)
defvjp(np.float_power, _power_base, _power_exponent)
defvjp(np.sqrt, lambda g, y, x: g / (2 * y))
defvjp(np.cbrt, lambda g, y, x: g / (3 * y * y))
defvjp(
    np.hypot,
    lambda g, y, a, b: g * np.where(unwrap(y) == 0, 0, a / y),
    lambda g, y, a, b: g * np.where(unwrap(y) == 0, 0, b / y),
)

# -- exponentials and logarithms -------------------------------------------------------------------

defvjp(np.exp, lambda g, y, x: g * y)
defvjp(np.exp2, lambda g, y, x: g * (LN2 * y))
defvjp(np.expm1, lambda g, y, x: g * np.exp(x))  # y + 1 would round a small exp(x) away
defvjp(np.log, lambda g, y, x: g / x)
defvjp(np.log2, lambda g, y, x: g / x / LN2)
defvjp(np.log10, lambda g, y, x: g / x / LN10)
defvjp(np.log1p, lambda g, y, x: g / (1 + x))
defvjp(np.logaddexp, lambda g, y, a, b: g * sigmoid(a - b), lambda g, y, a, b: g * sigmoid(b - a))
defvjp(
    np.logaddexp2,
    lambda g, y, a, b: g * sigmoid(LN2 * (a - b)),
    lambda g, y, a, b: g * sigmoid(LN2 * (b - a)),
)

# -- trigonometric functions -----------------------------------------------------------------------


def _hypot1(x: Any) -> Any:
    """sqrt(1 + x^2), without overflow if x is real."""
    return np.sqrt(1 + x * x) if x.dtype.kind == "c" else np.hypot(x, 1.0)


defvjp(np.sin, lambda g, y, x: g * np.cos(x))
defvjp(np.cos, lambda g, y, x: -g * np.sin(x))
defvjp(np.tan, lambda g, y, x: g * (1 + y * y))
defvjp(np.arcsin, lambda g, y, x: g * arcsin_slope(x))
defvjp(np.arccos, lambda g, y, x: -g * arcsin_slope(x))
defvjp(arcsin_slope, lambda g, y, x: g * (x * y * y * y))
defvjp(np.arctan, lambda g, y, x: g / _hypot1(x) / _hypot1(x))  # 1 + x^2 overflows early
defvjp(
    np.arctan2,
    lambda g, y, a, b: g * (b / np.hypot(a, b)) / np.hypot(a, b),
    lambda g, y, a, b: -g * (a / np.hypot(a, b)) / np.hypot(a, b),
)
defvjp(np.deg2rad, lambda g, y, x: g * (math.pi / 180))
defvjp(np.radians, lambda g, y, x: g * (math.pi / 180))
defvjp(np.rad2deg, lambda g, y, x: g * (180 / math.pi))
defvjp(np.degrees, lambda g, y, x: g * (180 / math.pi))

# -- hyperbolic functions --------------------------------------------------------------------------

defvjp(np.sinh, lambda g, y, x: g * np.cosh(x))
defvjp(np.cosh, lambda g, y, x: g * np.sinh(x))
defvjp(np.tanh, lambda g, y, x: times_sech2(g, x))
defvjp(np.arcsinh, lambda g, y, x: g / _hypot1(x))
defvjp(np.arccosh, lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
defvjp(np.arctanh, lambda g, y, x: g * arctanh_slope(x))
defvjp(arctanh_slope, lambda g, y, x: g * (2 * x * y * y))
defvjp(
    times_sech2,
    lambda g, y, a, x: times_sech2(g, x),
    lambda g, y, a, x: g * (-2 * y * np.tanh(x)),
)

# -- the logistic function and its kin -------------------------------------------------------------

defvjp(sigmoid, lambda g, y, x: g * logistic_slope(x))
defvjp(logistic_slope, lambda g, y, x: g * (-y * np.tanh(x / 2)))
defvjp(softplus, lambda g, y, x: g * sigmoid(x))
defvjp(erf, lambda g, y, x: g * (2 / math.sqrt(math.pi) * np.exp(-x * x)))

# -- selection: what is not selected is dead -------------------------------------------------------


def _share(g: Any, y: Any, x: Any, *rivals: Any) -> Any:
    """The cotangent of one of several that y was selected from: an equal share where some tie."""
    chosen = _is(y, x)
    number = 1 * chosen + sum(1 * _is(y, rival) for rival in rivals if rival is not None)
    return np.where(chosen, g if np.all(number <= 1) else g / np.maximum(number, 1).astype(g.dtype), 0)


def _is(y: Any, x: Any) -> Any:
    """Where x was selected: equal to y, or both NaN."""
    y, x = np.asarray(unwrap(y)), np.asarray(unwrap(x))
    return (y == x) | ((y != y) & (x != x))


def _where(condition: Any, *choices: Any) -> Any:
    return where(condition, *choices) if choices else np.nonzero(condition)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return clip(a, min if a_min is None else a_min, max if a_max is None else a_max)


for _extreme in (np.maximum, np.minimum):
    defvjp(
        _extreme,
        lambda g, y, a, b: _share(g, y, a, b),
        lambda g, y, a, b: _share(g, y, b, a),
        flow="selects",
    )
defvjp(
    clip,
    lambda g, y, x, low, high: _share(g, y, x, low, high),
    lambda g, y, x, low, high: _share(g, y, low, x, high),
    lambda g, y, x, low, high: _share(g, y, high, x, low),
    flow="selects",
)
defvjp(relu, lambda g, y, x: np.where(x > 0, g, 0), flow="selects")
defvjp(
    where,
    lambda g, y, c, a, b: 0 * g,
    lambda g, y, c, a, b: np.where(unwrap(c), g, 0),
    lambda g, y, c, a, b: np.where(unwrap(c), 0, g),
    flow="selects",
)
compositions[np.clip] = _clip
compositions[np.where] = _where

# -- absolute values and complex parts: not holomorphic --------------------------------------------


def _absolute(g: Any, y: Any, x: Any) -> Any:
    """g times the sign of x, which for a complex x is x / |x|; 0 at 0."""
    if x.dtype.kind != "c":
        return g * np.sign(x)
    zero = unwrap(y) == 0
    return g * (x / np.where(zero, 1, y))


defvjp(np.absolute, _absolute, plain=True)
defvjp(np.fabs, lambda g, y, x: g * np.sign(x))
defvjp(np.conjugate, lambda g, y, x: np.conjugate(g), plain=True)
defvjp(np.real, lambda g, y, x: g, plain=True, flow="elementwise")
defvjp(np.imag, lambda g, y, x: g * 1j if x.dtype.kind == "c" else 0 * g, plain=True, flow="elementwise")

# -- piecewise constant: no gradient, plain arrays -------------------------------------------------

for _constant in (
    np.floor, np.ceil, np.trunc, np.rint, np.round, np.fix, np.sign, np.signbit, np.floor_divide,
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.isfinite, np.isinf, np.isnan, np.isclose, np.allclose, np.array_equal, np.iscomplexobj, np.isrealobj,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift,
    np.zeros_like, np.ones_like, np.empty_like, np.result_type,
):  # fmt: skip
    nondifferentiable(_constant)
