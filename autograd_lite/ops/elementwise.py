"""Elementwise functions of NumPy: a table of derivatives, entry by entry.

`g` is the cotangent of the output, `y` the value of the function. A rule is exact wherever the true
derivative is representable, also at second order. If the textbook formula would lose digits, the rule calls
an op of `slopes.py`, which computes the derivative.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..apply import alias, astype, primitive
from ..arrays import asarray, at_once, every, unwrap, zeros
from ..box import answer
from ..known import Composition, defvjp, known
from ..tensor import Tensor
from ..views import defview
from .slopes import (
    arcsin_slope,
    arctan_slope,
    arctanh_slope,
    cbrt_slope,
    is_ordinary,
    may_be_subnormal,
    plane_slope,
    power_partial,
    ratio,
    share,
    times_sec2,
    times_sech2,
)

__all__: list[str] = []

LOG2_E, LOG10_E = math.log2(math.e), math.log10(math.e)
DEGREE = math.pi / 180

# -- identities ------------------------------------------------------------------------------------

defvjp(alias, lambda g, y, x: g, flow="elementwise")
defvjp(astype, lambda g, y, x, dtype, **options: g, flow="elementwise")  # the engine casts g back
defvjp(np.copy, lambda g, y, x, order="K", subok=False: g, flow="elementwise")
defvjp(np.positive, lambda g, y, x: g)
defvjp(np.unwrap, lambda g, y, p, discont=None, axis=-1, period=0: g, flow="elementwise")  # adds periods

# -- arithmetic ------------------------------------------------------------------------------------


def _denominator(g: Any, y: Any, a: Any, b: Any) -> Any:
    """-g a / b^2; an op of its own for the next order."""
    if isinstance(y, Tensor):
        return -g * ratio(a, b, 2)
    return -g * (_over_square(y, a, b) if isinstance(a, (int, float)) else at_once(_over_square, y, a, b))


def _over_square(y: Any, a: Any, b: Any) -> Any:
    """a / b^2, which is y / b, unless y may be subnormal."""
    return ratio(a, b, 2) if may_be_subnormal(a) else y / b


defvjp(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
defvjp(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
defvjp(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
defvjp(np.divide, lambda g, y, a, b: g / b, _denominator)
defvjp(np.negative, lambda g, y, x: -g)
defvjp(np.reciprocal, lambda g, y, x: -g * y * y)
defvjp(np.square, lambda g, y, x: g * (2 * x))

# -- remainders: a - k b, where the integer k is constant ------------------------------------------

defvjp(np.remainder, lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b))
defvjp(np.fmod, lambda g, y, a, b: g, lambda g, y, a, b: -g * np.rint((a - y) / b))
known[np.divmod] = Composition(lambda a, b: (np.floor_divide(a, b), np.remainder(a, b)))


def _modf(x: Any) -> Any:
    """The fraction, and the integer part, which is constant; infinity is an integer."""
    raw = unwrap(x)
    finite = np.where(np.isinf(raw), np.copysign(0.0, raw), x)
    return np.fmod(finite, 1.0), np.trunc(raw)


def _frexp(x: Any) -> Any:
    """x 2^-k, and the exponent k, which is constant."""
    k = np.frexp(unwrap(x))[1]
    return np.ldexp(x, -k), k


defvjp(np.ldexp, lambda g, y, x, k: np.ldexp(g, unwrap(k)))
known[np.modf] = Composition(_modf)
known[np.frexp] = Composition(_frexp)

# -- powers ----------------------------------------------------------------------------------------


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g b a^(b-1), with short formulas for b = 0, 1, 2."""
    if isinstance(b, (int, float)) and b in (0, 1, 2):
        return np.zeros_like(g) if b == 0 else g if b == 1 else g * (2 * a)
    return g * power_partial(a, b, 1, 0)


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g y log a; another formula if y has overflowed or lost digits, or a is 0."""
    if isinstance(y, Tensor):
        return g * power_partial(a, b, 0, 1)
    return g * at_once(_exponent_slope, y, a, b)


def _exponent_slope(y: Any, a: Any, b: Any) -> Any:
    if is_ordinary(y) and every(a != 0):
        return y * np.log(a, dtype=y.dtype)  # dtype: the log of an int8 would be a float16
    return power_partial(a, b, 0, 1)


def _float_power(a: Any, b: Any) -> Any:
    a, b = asarray(a), asarray(b)
    wide = np.result_type(a.dtype, b.dtype, float)
    return np.power(a * wide.type(1), b)


defvjp(np.power, _power_base, _power_exponent)
known[np.float_power] = Composition(_float_power)
defvjp(np.sqrt, lambda g, y, x: g / (2 * y))
defvjp(np.cbrt, lambda g, y, x: g * cbrt_slope(x))
defvjp(
    np.hypot,
    lambda g, y, a, b: g * plane_slope(a, b, 1, 0, 1),
    lambda g, y, a, b: g * plane_slope(b, a, 1, 0, 1),
)

# -- exponentials and logarithms -------------------------------------------------------------------

defvjp(np.exp, lambda g, y, x: g * y)
defvjp(np.exp2, lambda g, y, x: _power_exponent(g, y, 2.0, x))  # finite at 1024.3, where y is inf
defvjp(np.expm1, lambda g, y, x: g * np.exp(x))  # not y + 1, which rounds a small exp(x) away
defvjp(np.log, lambda g, y, x: g / x)
defvjp(np.log2, lambda g, y, x: g * LOG2_E / x)
defvjp(np.log10, lambda g, y, x: g * LOG10_E / x)
defvjp(np.log1p, lambda g, y, x: g / (1 + x))
defvjp(
    np.logaddexp,
    lambda g, y, a, b: g * share(a, b, np.exp),
    lambda g, y, a, b: g * share(b, a, np.exp),
)
defvjp(
    np.logaddexp2,
    lambda g, y, a, b: g * share(a, b, np.exp2),
    lambda g, y, a, b: g * share(b, a, np.exp2),
)

# -- trigonometric functions -----------------------------------------------------------------------

defvjp(np.sin, lambda g, y, x: g * np.cos(x))
defvjp(np.cos, lambda g, y, x: -g * np.sin(x))
defvjp(np.tan, lambda g, y, x: times_sec2(g, x))
defvjp(np.arcsin, lambda g, y, x: g * arcsin_slope(x))
defvjp(np.arccos, lambda g, y, x: -g * arcsin_slope(x))
defvjp(np.arctan, lambda g, y, x: g * arctan_slope(x))
defvjp(
    np.arctan2,
    lambda g, y, a, b: g * plane_slope(b, a, 1, 0, 2),
    lambda g, y, a, b: -g * plane_slope(a, b, 1, 0, 2),
)
defvjp(np.deg2rad, lambda g, y, x: g * DEGREE)
defvjp(np.radians, lambda g, y, x: g * DEGREE)
defvjp(np.rad2deg, lambda g, y, x: g / DEGREE)
defvjp(np.degrees, lambda g, y, x: g / DEGREE)

# -- hyperbolic functions --------------------------------------------------------------------------


def _hypot1(x: Any) -> Any:
    """sqrt(1 + x^2), without overflow if x is real."""
    return np.sqrt(1 + x * x) if x.dtype.kind == "c" else np.hypot(x, 1.0)


defvjp(np.sinh, lambda g, y, x: g * np.cosh(x))
defvjp(np.cosh, lambda g, y, x: g * np.sinh(x))
defvjp(np.tanh, lambda g, y, x: times_sech2(g, x))
defvjp(np.arcsinh, lambda g, y, x: g / _hypot1(x))
defvjp(np.arccosh, lambda g, y, x: g / np.sqrt(x - 1) / np.sqrt(x + 1))
defvjp(np.arctanh, lambda g, y, x: g * arctanh_slope(x))

# -- absolute values and complex parts: not holomorphic --------------------------------------------


@primitive(broadcasts=True)
def upright(x: Any) -> Any:
    """i x for a real x; a complex product would also multiply an infinite x by 0."""
    x = asarray(x)
    y = zeros(x.shape, np.result_type(x.dtype, np.complex64), like=x)
    y.imag[...] = x
    return y[()]


def _absolute(g: Any, y: Any, x: Any) -> Any:
    """g sign(x), which is g x / |x| for a complex x; 0 at 0."""
    return g * (np.sign(x) if x.dtype.kind != "c" else _unit(x, y))


def _unit(x: Any, size: Any) -> Any:
    """x / |x| for a complex x, 0 at 0; real and imaginary part apart if |x| may be subnormal or infinite."""
    raw = unwrap(size)
    zero = raw == 0
    if every(zero | ((raw > 2.0**-100) & (raw < 2.0**100))):
        return x / np.where(zero, np.inf, size)
    a, b = np.real(x), np.imag(x)
    return plane_slope(a, b, 1, 0, 1) + upright(plane_slope(b, a, 1, 0, 1))


def _sign(x: Any) -> Any:
    """x / |x|, which is constant for a real x."""
    raw = unwrap(x)
    if not np.iscomplexobj(raw):
        return answer(np.sign(raw))
    return _unit(x, np.abs(x))


def _angle(z: Any, deg: bool = False) -> Any:
    angle = np.arctan2(np.imag(z), np.real(z))
    return np.degrees(angle) if deg else angle


def _real_if_close(a: Any, tol: float = 100) -> Any:
    return np.real(a) if np.isrealobj(np.real_if_close(unwrap(a), tol)) else a


defvjp(np.absolute, _absolute, plain=True)
defvjp(np.fabs, lambda g, y, x: g * np.sign(x))
defvjp(
    np.copysign,
    lambda g, y, a, b: g * (np.sign(a) * np.copysign(1.0, unwrap(b))),
    lambda g, y, a, b: np.zeros_like(g),
)
defvjp(np.conjugate, lambda g, y, x: np.conjugate(g), plain=True)
defvjp(np.real, lambda g, y, x: g, plain=True, flow="elementwise")
defvjp(
    np.imag,
    lambda g, y, x: upright(g) if x.dtype.kind == "c" else np.zeros_like(g),
    plain=True,
    flow="elementwise",
)
defvjp(upright, lambda g, y, x: np.imag(g), plain=True)
defview(astype, back=lambda value, x, *_, **__: value)
defview(np.real, back=lambda value, x: value + upright(np.imag(x)) if x.dtype.kind == "c" else value)
defview(np.imag, back=lambda value, x: np.real(x) + upright(value))
known[np.sign] = Composition(_sign)
known[np.angle] = Composition(_angle)
known[np.real_if_close] = Composition(_real_if_close)
