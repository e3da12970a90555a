"""Bessel functions by their order: integrals along the paths of steepest descent.

Bessel functions are integrals of e^(f(z)) with f(z) = x sinh z - v z (J and Y) or x cosh z - v z (I and K)
along a path from infinity to infinity. A derivative by v multiplies by -z, one by x by sinh z or cosh z: so
one function computes every derivative. On the path of steepest descent through the saddle the integrand
does not oscillate, and nothing cancels, for all orders and arguments. The path is explicit: z = u(t) + i t.

Sources:
    G. N. Watson, "A Treatise on the Theory of Bessel Functions", chapter VIII; NIST Digital Library of
    Mathematical Functions, 10.9 and 10.32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...apply import primitive
from ...known import defvjp
from .quadrature import computed, interval

__all__ = ["hankel_part", "modified_i", "modified_k"]

DECAY = 46.0
"""Where the exponent has fallen so far, the integrand no longer counts."""


def _short(t: Any, sine: Any) -> Any:
    """t - sin t, by its series for a small t."""
    square, series = t * t, 1.0
    for k in (14, 12, 10, 8, 6, 4):
        series = 1 - square / (k * (k + 1)) * series
    return np.where(np.abs(t) < 0.8, t * square / 6 * series, t - sine)


def _bent(t: Any, sine: Any, cosine: Any) -> Any:
    """sin t - t cos t, by its series for a small t."""
    square = t * t
    series = sum((-1) ** k * (2 * k + 2) / math.factorial(2 * k + 3) * square**k for k in range(8, -1, -1))
    return np.where(np.abs(t) < 0.8, t * square * series, sine - t * cosine)


def _angles(t: Any, rest: Any) -> tuple[Any, Any]:
    """Sine and cosine of t in (0, pi), where `rest` is pi - t with all its digits."""
    far = np.minimum(t, rest)
    return np.sin(far), np.where(t < rest, np.cos(far), -np.cos(far))


# -- I ---------------------------------------------------------------------------------------------


def _i_beyond_zero(v: Any, x: Any, n: int, m: int, less: float) -> Any:
    """For v > 0, in units of e^x: I_v(x) is the integral over t from 0 to pi of e^(x cosh u cos t - v u) /
    pi.

    On the path sinh u = (v / x) t / sin t.
    """
    a = v / x
    top = np.hypot(1, a)
    peak = x * a * a / (top + 1) - v * np.arcsinh(a)
    a, v, x, top = a[:, None], v[:, None], x[:, None], top[:, None]

    length = _angle(np.hypot(v, x)[:, 0])
    after = (math.pi - length)[:, None]

    def integrand(t: Any, rest: Any) -> Any:
        sine, cosine = _angles(t, after + rest)
        d = a * _short(t, sine) / sine
        sinh = a + d
        cosh = np.hypot(1, sinh)
        rise = d * (sinh + a)
        gap = np.arcsinh(rise / (sinh * top + a * cosh))
        half = np.sin(t / 2) ** 2
        fall = x * cosine * (rise / (cosh + top)) - 2 * x * top * half - v * gap
        z = np.arcsinh(sinh) + 1j * t
        turned = a * _bent(t, sine, cosine) / (sine * sine * cosh) + 1j
        grown = sinh * sinh / (cosh + 1) * cosine - 2 * half + (1 - less) + 1j * sinh * sine  # cosh z - less
        return np.exp(fall) * ((-z) ** n * grown**m * turned).imag

    return interval(integrand, length) * np.exp(peak) / math.pi


def _i_near_zero(v: Any, x: Any, n: int, m: int, less: float) -> Any:
    """The same for 0 <= v < 1/2, where that path has a corner: along 0 < t < pi and from there to
    infinity."""
    reach = _reach(x)
    V, X = v[:, None], x[:, None]

    def round_(t: Any, rest: Any) -> Any:
        half = np.sin(t / 2) ** 2
        return (
            np.exp(-2 * X * half) * ((1 - less) - 2 * half) ** m * ((-1j * t) ** n * np.exp(-1j * V * t)).real
        )

    def out(t: Any, rest: Any) -> Any:
        half = np.sinh(t / 2) ** 2
        z = t + 1j * math.pi
        return np.exp(-2 * X * (half + 1)) * (-2 * half - (1 + less)) ** m * ((-z) ** n * np.exp(-V * z)).imag

    return (interval(round_, _angle(x)) + interval(out, reach)) / math.pi


def _angle(curvature: Any) -> Any:
    """How far from the saddle, at most pi, an exponent counts that begins as -curvature t^2 / 2."""
    return np.minimum(math.pi, 2 * np.sqrt(2 * DECAY / curvature))


def _reach(x: Any) -> Any:
    """Where x (cosh t - 1) has risen so far that e^-x cosh t no longer counts."""
    return np.arccosh(1 + 2 * DECAY / x)


def _i(v: Any, x: Any, n: int, m: int, less: float) -> Any:
    small = v < 0.5
    return np.where(
        small,
        _i_near_zero(np.where(small, v, 0), x, n, m, less),
        _i_beyond_zero(np.where(small, 1, v), x, n, m, less),
    )


@primitive(broadcasts=True)
@computed(2, block=256)
def modified_i(v: Any, x: Any, n: int, m: int, scaled: int) -> Any:
    """The derivative of I_v(x), n times by v and m times by x > 0; `scaled`: of e^-x I_v(x)."""
    less, sign = float(scaled), (-1.0) ** n
    positive = _i(np.abs(v), x, n, m, less)
    value = np.where(v >= 0, positive, sign * positive)
    if (v < 0).any():  # I_-v = I_v + 2 / pi sin(pi v) K_v
        turned = [np.pi**k * np.sin(np.pi * (-v + 0.5 * k)) for k in range(n + 1)]
        others = [_k(np.abs(v), x, n - k, m, -less) for k in range(n + 1)]
        extra = sum(math.comb(n, k) * turned[k] * others[k] for k in range(n + 1))
        value = value + np.where(v < 0, sign * 2 / np.pi * np.exp(-2 * x) * extra, 0)
    start = np.where(v == 1, 0.5, np.where((v > 0) & (v < 1), np.inf, 0.0)) if (n, m) == (0, 1) else 0.0
    return np.where(x > 0, value if scaled else value * np.exp(x), np.where(x == 0, start, np.nan))


defvjp(
    modified_i,
    lambda g, y, v, x, n, m, scaled: g * modified_i(v, x, n + 1, m, scaled),
    lambda g, y, v, x, n, m, scaled: g * modified_i(v, x, n, m + 1, scaled),
)

# -- K ---------------------------------------------------------------------------------------------


def _k(v: Any, x: Any, n: int, m: int, less: float) -> Any:
    """In units of e^-x: half the integral over all t of t^n (-cosh t - less)^m e^(v t - x cosh t)."""
    far = np.arcsinh(v / x)
    size = np.hypot(v, x)
    peak = v * far - v * v / (size + x)
    V, S, F = (y[:, None] for y in (v, size, far))
    enough = DECAY + 4 * (n + m)
    reach = np.arccosh(1 + enough / size)
    left = np.minimum(np.arccosh(1 + enough * np.exp(far) / x), far + np.arccosh(1 + enough / x))

    def integrand(direction: float) -> Any:
        def at(w: Any, rest: Any) -> Any:
            w = direction * w
            fall = -V * _sinh_beyond(w) - 2 * S * np.sinh(w / 2) ** 2
            t = F + w
            grown = -2 * np.sinh(t / 2) ** 2 - 1 + less
            return np.exp(fall) * t**n * grown**m

        return at

    return 0.5 * np.exp(peak) * (interval(integrand(1.0), reach) + interval(integrand(-1.0), left))


def _sinh_beyond(w: Any) -> Any:
    """sinh w - w, by its series for a small w."""
    square, series = w * w, 1.0
    for k in (14, 12, 10, 8, 6, 4):
        series = 1 + square / (k * (k + 1)) * series
    return np.where(np.abs(w) < 0.8, w * square / 6 * series, np.sinh(w) - w)


@primitive(broadcasts=True)
@computed(2, block=256)
def modified_k(v: Any, x: Any, n: int, m: int, scaled: int) -> Any:
    """The derivative of K_v(x), n times by v and m times by x > 0; `scaled`: of e^x K_v(x)."""
    value = np.where(v < 0, (-1.0) ** n, 1.0) * _k(np.abs(v), x, n, m, float(scaled))
    return np.where(x > 0, value if scaled else value * np.exp(-x), np.nan)


defvjp(
    modified_k,
    lambda g, y, v, x, n, m, scaled: g * modified_k(v, x, n + 1, m, scaled),
    lambda g, y, v, x, n, m, scaled: g * modified_k(v, x, n, m + 1, scaled),
)

# -- J and Y, the parts of a Hankel function -------------------------------------------------------


def _oscillating(v: Any, x: Any, n: int, m: int) -> Any:
    """H = J + i Y for |v| < x: a saddle on the imaginary axis, at i b with cos b = v / x."""
    root = np.sqrt((x - v) * (x + v))
    b = np.arctan2(root, v)
    V, X, B, sin_b, cos_b = (y[:, None] for y in (v, x, b, root / x, v / x))

    def path(up: bool) -> Any:
        whole = math.pi - b if up else b
        length = np.minimum(whole, _angle(root))
        after = (whole - length)[:, None]

        def integrand(d: Any, rest: Any) -> Any:
            end = after + rest  # the distance to the real axis, or to its parallel at pi
            t, left = (B + d, end) if up else (end, math.pi - end)
            sine, cosine = _angles(t, left)
            sign = 1.0 if up else -1.0
            half = np.sin(d / 2)
            q = (2 * sin_b * half * half + sign * cos_b * _short(d, np.sin(d))) / sine
            u = sign * 2 * np.arcsinh(np.sqrt(q / 2))
            sinh = sign * np.sqrt(q * (q + 2))
            turned = (sign * 2 * half * np.sin(B + sign * d / 2) - q * cosine) / (sinh * sine)
            gap = -sign * 2 * half * np.sin(B + sign * d / 2)  # cos t - cos b
            fall = V * _sinh_beyond(u) + X * sinh * gap
            z = u + 1j * t
            return np.exp(fall) * (-z) ** n * (sinh * cosine + 1j * (q + 1) * sine) ** m * (turned + 1j)

        return interval(integrand, length)

    phase = root - v * b
    return np.exp(1j * phase) / (1j * math.pi) * (path(True) + path(False))


def _even(v: Any, x: Any, n: int, m: int) -> Any:
    """H = J + i Y for a small x near v, where the saddles meet: from -infinity to 0, to pi i, to infinity +
    pi i."""
    reach = np.arcsinh(2 * DECAY / x)
    V, X = v[:, None], x[:, None]

    def along(t: Any, rest: Any) -> Any:
        end = t + 1j * math.pi
        sinh = np.sinh(t)
        leaving = (-end) ** n * np.exp(-V * end)
        return np.exp(-X * sinh) * (-sinh) ** m * (t**n * np.exp(V * t) + leaving)

    def upwards(t: Any, rest: Any) -> Any:
        sine = _angles(t, rest)[0]
        return 1j * (-1j * t) ** n * (1j * sine) ** m * np.exp(1j * (X * sine - V * t))

    return (interval(along, reach) + interval(upwards, np.full(x.shape, math.pi))) / (1j * math.pi)


def _monotone(v: Any, x: Any, n: int, m: int) -> Any:
    """H = J + i Y for v >= x: along the real axis to the saddle at arccosh(v / x), and up from there.

    For a v just below x, where two saddles are near each other, the path is that of v = x.
    """
    past, v = np.maximum(x - v, 0), np.maximum(v, x)
    c0 = v / x
    s0 = np.sqrt((v - x) * (v + x)) / x
    a = np.arcsinh(s0)
    peak = x * s0 - v * a
    V, X, C0, S0, A, E = (y[:, None] for y in (v, x, c0, s0, a, past))

    length = np.minimum(_angle(x * s0), 4 * np.cbrt(6 * DECAY / v))
    length = np.minimum(length, math.pi)
    after = (math.pi - length)[:, None]

    def upwards(t: Any, rest: Any) -> Any:
        sine, cosine = _angles(t, after + rest)
        d = C0 * _short(t, sine) / sine
        cosh = C0 + d
        sinh = np.sqrt(S0 * S0 + d * (cosh + C0))
        rise = d * (cosh + C0)
        gap = np.arcsinh(rise / (sinh * C0 + cosh * S0))
        fall = X * cosine * (rise / (sinh + S0)) - 2 * X * S0 * np.sin(t / 2) ** 2 - V * gap
        turned = C0 * _bent(t, sine, cosine) / (sine * sine * sinh)
        z = A + gap + 1j * t
        return np.exp(fall + E * z) * (-z) ** n * (sinh * cosine + 1j * cosh * sine) ** m * (turned + 1j)

    def along(direction: float) -> Any:
        def integrand(w: Any, rest: Any) -> Any:
            w = direction * w
            fall = -2 * X * S0 * np.sinh(w / 2) ** 2 - V * _sinh_beyond(w)
            p = A + w  # p = -u
            return np.exp(fall - E * p) * p**n * (-np.sinh(p)) ** m

        return integrand

    enough = DECAY + 4 * (n + m)
    cubic = np.minimum(np.cbrt(6 * enough / v), np.maximum(2.2, np.arcsinh(2 * enough / v)))
    reach = np.minimum(np.arccosh(1 + enough / (x * s0)), cubic)
    # the lower end: down to -a, or to where nothing counts any more
    rise = interval(along(1.0), reach) + interval(along(-1.0), 2 * a)
    up = interval(upwards, length)
    value = np.empty(v.shape, complex)  # by parts, as one may be 0 and the other infinite
    value.real = up.imag / math.pi * np.exp(peak)
    value.imag = -(up.real * np.exp(peak) + rise * np.exp(-peak)) / math.pi
    return value


def _hankel(v: Any, x: Any, n: int, m: int) -> Any:
    """H = J + i Y for v > -x."""
    even, mild = (x < 8) & (v < np.maximum(1.1 * x, 0.1)), v < x - 2 * np.cbrt(x)
    value = np.full(x.shape, np.nan, complex)
    for where, of in ((even, _even), (mild & ~even, _oscillating), (~mild & ~even, _monotone)):
        where &= x > 0
        if where.any():
            value[where] = of(v[where], x[where], n, m)
    return value


@primitive(broadcasts=True)
@computed(2, block=256)
def hankel_part(v: Any, x: Any, n: int, m: int, second: int) -> Any:
    """The derivative of J_v(x), n times by v and m times by x > 0; `second`: of Y_v(x)."""
    left = v <= -x
    value = _hankel(np.where(left, -v, v), x, n, m)
    if left.any():  # H_-v = e^(i pi v) H_v
        turn = np.exp(-1j * np.pi * v)
        parts = [
            math.comb(n, k) * (1j * np.pi) ** (n - k) * _hankel(np.abs(v), x, k, m) for k in range(n + 1)
        ]
        value = np.where(left, (-1.0) ** n * turn * sum(parts), value)
    part = value.imag if second else value.real
    return np.where(x > 0, part, np.where((x == 0) & (second == 0), 0.0, np.nan))


defvjp(
    hankel_part,
    lambda g, y, v, x, n, m, second: g * hankel_part(v, x, n + 1, m, second),
    lambda g, y, v, x, n, m, second: g * hankel_part(v, x, n, m + 1, second),
)
