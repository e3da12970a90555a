"""Smooth activation functions and their ways back, exact in the tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .native import activations as native
from .native import twin
from .windows import Array

__all__ = [
    "activate",
    "activate_backward",
    "activated",
    "activated_backward",
    "normal_density",
    "normal_probability",
]

BLOCK = 1 << 14
"""Entries of a block, whose intermediate results stay in the cache."""


@twin(native.activate)
def activate(x: Array, *, name: str) -> Array:
    """f(x), entry by entry.

    Args:
        x: numbers, of any shape.
        name: "gelu", "gelu_tanh", "silu" or "sigmoid".
    """
    return _in_blocks(FORMULAS[name][0], x)


@twin(native.activate_backward)
def activate_backward(g: Array, x: Array, *, name: str) -> Array:
    """g f'(x), entry by entry."""
    return _in_blocks(FORMULAS[name][1], g, x)


def activated(x: Any, *, name: str) -> Any:
    """f(x), and x for the way back; nothing for other dtypes than float32 and float64."""
    if type(x) is not np.ndarray or x.dtype.char not in "fd" or not x.dtype.isnative:
        return NotImplemented
    return activate(x, name=name), x


def activated_backward(g: Array, x: Array, needs: tuple[bool, ...], *, name: str) -> tuple[Array]:
    """The cotangent of x."""
    return (activate_backward(g, x, name=name),)


# -- the normal distribution -----------------------------------------------------------------------

FARTHEST = 53.0
"""From this |x| on, e^(-x^2 / 2) is 0, whatever it is multiplied with."""


def normal_probability(x: Any) -> Any:
    """P(z < x) for a standard normal z.

    Below 0 it is e^(-x^2 / 2) R(-x), where R is a ratio of polynomials with positive coefficients. They were
    found with 60 digits; the relative error of R is 1.1e-17.
    """
    tail = _times_gauss(_mills(x), x)
    return np.where(x > 0, 1 - tail, tail)


def normal_density(x: Any) -> Any:
    """e^(-x^2 / 2) / sqrt(2 pi)."""
    return _times_gauss(PEAK, x)


PEAK = 0.3989422804014327


def _times_gauss(a: Any, x: Any) -> Any:
    """a e^(-x^2 / 2); x^2 is the square of a rounded x, which is exact, and a small rest.

    The square root is multiplied twice: a large `a` may keep the result from being subnormal.
    """
    near, unit = np.clip(x, -FARTHEST, FARTHEST), 2.0**20 if x.dtype == np.float64 else 2.0**6
    head = np.rint(near * unit) / unit
    root = np.exp(-0.25 * head * head)
    return a * root * np.exp(0.5 * ((head - near) * (head + near))) * root


def _mills(x: Any) -> Any:
    """P(z < -|x|) e^(x^2 / 2)."""
    a = np.minimum(np.abs(x), FARTHEST)
    return _polynomial(a, _ABOVE) / _polynomial(a, _BELOW)


def _polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """A polynomial by Horner's rule, with the lowest power first."""
    value = coefficients[-1] * x
    for c in coefficients[-2:0:-1]:
        value = (value + c) * x
    return value + coefficients[0]


_ABOVE = (
    0.5, 0.8112864803244103, 0.6536713934822382, 0.3373513982591501, 0.12225382478338168,
    0.03234143052930937, 0.006313295057022849, 0.0008985196653089093, 8.949191084761256e-05,
    5.664725682819871e-06, 1.747380588118167e-07,
)  # fmt: skip
_BELOW = (
    1.0, 2.420457521451686, 2.738588473409947, 1.9155130173865675, 0.9223202375998961,
    0.32182569771011144, 0.08329180090233021, 0.016048530822683673, 0.002266454160444634,
    0.00022476095743185148, 1.4199361564669383e-05, 4.3800335887144717e-07,
)  # fmt: skip


def _gelu_backward(g: Any, x: Any) -> Any:
    near = np.clip(x, -FARTHEST, FARTHEST)
    ratio = _mills(x)
    tail = _times_gauss(g * (near * PEAK + np.where(x > 0, -ratio, ratio)), x)
    return np.where(x > 0, g, 0) + tail


# -- the logistic function -------------------------------------------------------------------------


def _times_logistic(a: Any, x: Any) -> Any:
    """a / (1 + e^-x)."""
    root = np.exp(-0.5 * np.abs(x))
    return np.where(x >= 0, a, a * root * root) / (1 + root * root)


def _gated_backward(g: Any, v: Any, rate: Any) -> Any:
    """g times the derivative of x s(v), with the logistic function s; `rate` is x dv/dx."""
    root = np.exp(-0.5 * np.abs(v))
    e = root * root
    above = g * ((1 + e + rate * e) / (1 + e) ** 2)
    return np.where(v >= 0, above, g * ((1 + e + rate) / (1 + e) ** 2) * root * root)


def _sigmoid_backward(g: Any, x: Any) -> Any:
    root = np.exp(-0.5 * np.abs(x))
    return g * root / (1 + root * root) ** 2 * root


INNER, CUBIC = 1.5957691216057308, 0.07135481627260025
"""2 u = INNER x + CUBIC x^3, for which x (1 + tanh u) / 2 is x / (1 + e^(-2 u))."""


def _gelu_tanh(x: Any) -> Any:
    near = np.clip(x, -FARTHEST, FARTHEST)
    return _times_logistic(x, near * (INNER + CUBIC * near * near))


def _gelu_tanh_backward(g: Any, x: Any) -> Any:
    near = np.clip(x, -FARTHEST, FARTHEST)
    square = near * near
    return _gated_backward(g, near * (INNER + CUBIC * square), near * (INNER + 3 * CUBIC * square))


FORMULAS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "gelu": (lambda x: x * normal_probability(x), _gelu_backward),
    "gelu_tanh": (_gelu_tanh, _gelu_tanh_backward),
    "silu": (lambda x: _times_logistic(x, x), lambda g, x: _gated_backward(g, x, x)),
    "sigmoid": (lambda x: _times_logistic(1, x), _sigmoid_backward),
}
"""Each function of x, and g times its derivative."""


def _in_blocks(function: Callable[..., Any], *arrays: Array) -> Array:
    """`function(*arrays)` of arrays of one shape, block by block."""
    flat = [a.reshape(-1) for a in arrays]
    y = np.empty(flat[0].size, arrays[-1].dtype)
    for start in range(0, y.size, BLOCK):
        block = slice(start, start + BLOCK)
        y[block] = function(*(a[block] for a in flat))
    return y.reshape(arrays[0].shape)
