"""Derivatives of elementwise functions to 50 digits: the references of `tests/ops/test_exactness.py`.

Each entry of the two tables has a function as a user writes it, and the same function in mpmath. It also
has the derivatives of first and second order in closed form, in mpmath. The tests compare the closed forms
with mpmath's differences of the function. So no reference uses a rule of the library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mpmath import mp, mpf

Array = npt.NDArray[Any]

mp.dps = 60
PI, LN2, LN10 = +mp.pi, mp.log(2), mp.log(10)

# -- where: n points in a dtype --------------------------------------------------------------------


def log_spaced(n: int, dtype: Any, low: float = 0.0, high: float = np.inf) -> Array:
    """Positive numbers from low to high, evenly in the exponent; by default all that there are."""
    info = np.finfo(dtype)
    low, high = max(low, float(info.smallest_subnormal)), min(high, float(info.max))
    points = np.exp2(np.linspace(np.log2(low), np.nextafter(np.log2(high), 0), n)).astype(dtype)
    points[[0, -1]] = low, high
    return points


def near(center: float, n: int, dtype: Any, low: float = -np.inf, high: float = np.inf) -> Array:
    """Numbers between low and high that come ever closer to `center`, from both sides."""
    distance = log_spaced(n // 2, dtype, float(np.finfo(dtype).epsneg), 1.0)
    points = (center + np.concatenate([-distance, distance])).astype(dtype)
    return points[(points > low) & (points < high) & (points != center)]


def positive(n: int, dtype: Any) -> Array:
    return log_spaced(n, dtype)


def anywhere(n: int, dtype: Any) -> Array:
    """Both signs, from subnormal to the largest number, and 0."""
    half = log_spaced(n // 2, dtype)
    return np.concatenate([-half, np.zeros(1, dtype), half])


def unit(n: int, dtype: Any) -> Array:
    """Between -1 and 1, dense at 0 and at both ends."""
    half = log_spaced(n // 4, dtype, high=0.9)
    return np.concatenate([-half, half, near(1, n // 2, dtype, 0, 1), near(-1, n // 2, dtype, -1, 0)])


def above_one(n: int, dtype: Any) -> Array:
    return np.concatenate([near(1, n, dtype, low=1), log_spaced(n // 2, dtype, low=2)])


def above_minus_one(n: int, dtype: Any) -> Array:
    points = anywhere(n - n // 4, dtype)
    return np.concatenate([points[points > -1], near(-1, n // 2, dtype, low=-1)])


def exponents(n: int, dtype: Any) -> Array:
    """Where exponentials are numbers, and a little beyond."""
    top = 1080 if dtype == np.float64 else 150
    half = log_spaced(n // 4, dtype, high=top)
    return np.concatenate([-half, half, np.linspace(-top, top, n // 2, dtype=dtype)])


def plane(n: int, dtype: Any) -> tuple[Array, Array]:
    """Any two numbers: of unlike size, of like size, all but equal, and equal; not both 0."""
    rng = np.random.default_rng(7)
    a, b = (rng.permutation(anywhere(n, dtype)) for _ in range(2))
    with np.errstate(over="ignore"):
        b[::4] = a[::4] * rng.uniform(0.01, 100, a[::4].shape).astype(dtype)
        b[1::8] = a[1::8] * (1 + log_spaced(len(a[1::8]), dtype, float(np.finfo(dtype).eps), 1.0))
    b[3::64] = a[3::64]
    good = np.isfinite(b) & ((a != 0) | (b != 0))
    return a[good], b[good]


def fractions(n: int, dtype: Any) -> tuple[Array, Array]:
    a, b = plane(n, dtype)
    return a[b != 0], b[b != 0]


def gaps(n: int, dtype: Any) -> tuple[Array, Array]:
    """Numbers of any size whose exponentials are comparable, and others."""
    rng = np.random.default_rng(7)
    b = rng.permutation(exponents(n, dtype))
    a = rng.permutation(np.concatenate([exponents(n // 2, dtype), 100 * exponents(n // 2, dtype)]))[: len(b)]
    b = b[: len(a)]
    b[::2] = a[::2] + b[::2] / 3
    b[1::16] = a[1::16]
    return a, b


def bases_and_exponents(n: int, dtype: Any) -> tuple[Array, Array]:
    """Where a^b is a number. The mixed derivative has a zero at b log a = -1, and cancels near it: there
    no 8 units in the last place are promised."""
    rng = np.random.default_rng(7)
    top = 700 if dtype == np.float64 else 80
    a = rng.permutation(log_spaced(n, dtype))
    a[::2] = np.exp2(rng.uniform(-8, 8, len(a[::2])))
    b = np.concatenate([log_spaced(n - n // 2, dtype, 1e-6, 1), np.linspace(0, 1, n // 2)])
    b = rng.permutation(b) * rng.choice([-top, top], n) / np.maximum(np.abs(np.log(a)), 0.01)
    good = np.abs(1 + b * np.log(a)) > 0.25
    return a[good], b[good].astype(dtype)


# -- what: functions of one argument ---------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A function of one argument.

    Attributes:
        name: of the row.
        function: in mpmath.
        derivatives: its first and second derivative, in mpmath.
        points: where, given how many and the dtype.
        f: the function of a library, given its namespace and x; by default the one of that name.
        dtypes: in which it is tried.
    """

    name: str
    function: Callable[[Any], Any]
    derivatives: Callable[[Any], tuple[Any, Any]]
    points: Callable[[int, Any], Array] = anywhere
    f: Callable[[Any, Any], Any] | None = None
    dtypes: tuple[Any, ...] = (np.float64, np.float32)

    def of(self, library: Any) -> Callable[[Any], Any]:
        """The function of a library, by its namespace."""
        f = self.f
        return getattr(library, self.name) if f is None else lambda x: f(library, x)


def dtypes_of(constant: float) -> tuple[Any, ...]:
    """Where a constant is what it says."""
    return (np.float64, np.float32) if float(np.float32(constant)) == constant else (np.float64,)


def power(b: float, points: Callable[[int, Any], Array] = positive) -> Case:
    return Case(
        f"x ** {b:.4g}" + ("" if float(f"{b:.4g}") == b else " in float32"),
        lambda x: x ** mpf(b),
        lambda x: tuple(mp.ff(b, n) * x ** (mpf(b) - n) if mp.ff(b, n) else mpf(0) for n in (1, 2)),
        points,
        lambda m, x: x**b,
        dtypes_of(b),
    )


def exponential(a: float) -> Case:
    return Case(
        f"{a} ** x",
        lambda x: mpf(a) ** x,
        lambda x: tuple(mp.log(a) ** n * mpf(a) ** x for n in (1, 2)),
        exponents,
        lambda m, x: a**x,
        dtypes_of(a),
    )


def cbrt(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


def logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def logistic_slope(x: Any) -> Any:
    return 1 / (2 * mp.cosh(x / 2)) ** 2


def log1p_exp(x: Any) -> Any:
    return mp.log1p(mp.exp(x))


def gauss(x: Any) -> Any:
    return 2 / mp.sqrt(PI) * mp.exp(-x * x)


def sinc(x: Any) -> Any:
    return mpf(1) if x == 0 else min(mp.sinpi(x) / (PI * x), mpf(1))  # rounding may lift it above 1


def sinc_derivatives(x: Any) -> tuple[Any, Any]:
    """sinc'(x) = -pi j1(pi x), a spherical Bessel function: near 0 by its series."""
    z = PI * x
    j1_over_z = mp.hyp0f1(2.5, -z * z / 4) / 3 if abs(z) < 1 else (sinc(x) - mp.cospi(x)) / z**2
    return -PI * z * j1_over_z, PI**2 * (2 * j1_over_z - sinc(x))


def i0_derivatives(x: Any) -> tuple[Any, Any]:
    return mp.besseli(1, x), (mp.besseli(0, x) + mp.besseli(2, x)) / 2


def one_minus_square(x: Any) -> Any:
    return (1 - x) * (1 + x)


def root(x: Any) -> Any:
    return mp.sqrt(one_minus_square(x))


CASES = [
    # -- powers and roots --------------------------------------------------------------------------
    Case("reciprocal", lambda x: 1 / x, lambda x: (-1 / x**2, 2 / x**3), positive),
    Case("1 / x", lambda x: 1 / x, lambda x: (-1 / x**2, 2 / x**3), positive, lambda m, x: 1 / x),
    Case("square", lambda x: x * x, lambda x: (2 * x, mpf(2))),
    Case("sqrt", mp.sqrt, lambda x: (0.5 / mp.sqrt(x), -0.25 / mp.sqrt(x) ** 3), positive),
    Case("cbrt", cbrt, lambda x: (cbrt(x) / x / 3, -2 * cbrt(x) / x**2 / 9), positive),
    power(0, anywhere), power(1, anywhere), power(2, anywhere), power(3, anywhere), power(10),
    power(-1), power(-2), power(0.5), power(1.5), power(2.5), power(0.1), power(float(np.float32(0.1))),
    power(-0.3), power(-3.3), power(float(np.float32(-33.1))),
    exponential(2.0), exponential(10.0), exponential(0.3), exponential(0.8125),
    # -- exponentials and logarithms ---------------------------------------------------------------
    Case("exp", mp.exp, lambda x: (mp.exp(x), mp.exp(x)), exponents),
    Case("exp2", lambda x: mpf(2) ** x, lambda x: (LN2 * mpf(2) ** x, LN2**2 * mpf(2) ** x), exponents),
    Case("expm1", mp.expm1, lambda x: (mp.exp(x), mp.exp(x)), exponents),
    Case("log", mp.log, lambda x: (1 / x, -1 / x**2), positive),
    Case("log2", lambda x: mp.log(x) / LN2, lambda x: (1 / x / LN2, -1 / x**2 / LN2), positive),
    Case("log10", lambda x: mp.log(x) / LN10, lambda x: (1 / x / LN10, -1 / x**2 / LN10), positive),
    Case("log1p", mp.log1p, lambda x: (1 / (1 + x), -1 / (1 + x) ** 2), above_minus_one),
    # -- trigonometric functions -------------------------------------------------------------------
    Case("sin", mp.sin, lambda x: (mp.cos(x), -mp.sin(x))),
    Case("cos", mp.cos, lambda x: (-mp.sin(x), -mp.cos(x))),
    Case("tan", mp.tan, lambda x: (mp.sec(x) ** 2, 2 * mp.sec(x) ** 2 * mp.tan(x))),
    Case("arcsin", mp.asin, lambda x: (1 / root(x), x / root(x) ** 3), unit),
    Case("arccos", mp.acos, lambda x: (-1 / root(x), -x / root(x) ** 3), unit),
    Case("arctan", mp.atan, lambda x: (1 / (1 + x * x), -2 * x / (1 + x * x) ** 2)),
    Case("deg2rad", lambda x: x * PI / 180, lambda x: (PI / 180, mpf(0))),
    Case("rad2deg", lambda x: x / PI * 180, lambda x: (180 / PI, mpf(0))),
    # -- hyperbolic functions ----------------------------------------------------------------------
    Case("sinh", mp.sinh, lambda x: (mp.cosh(x), mp.sinh(x)), exponents),
    Case("cosh", mp.cosh, lambda x: (mp.sinh(x), mp.cosh(x)), exponents),
    Case("tanh", mp.tanh, lambda x: (mp.sech(x) ** 2, -2 * mp.sech(x) ** 2 * mp.tanh(x)), exponents),
    Case("arcsinh", mp.asinh, lambda x: ((1 + x * x) ** -0.5, -x * (1 + x * x) ** -1.5)),
    Case("arccosh", mp.acosh, lambda x: ((x * x - 1) ** -0.5, -x * (x * x - 1) ** -1.5), above_one),
    Case("arctanh", mp.atanh, lambda x: (1 / one_minus_square(x), 2 * x / one_minus_square(x) ** 2), unit),
    # -- special functions -------------------------------------------------------------------------
    Case("sigmoid", logistic, lambda x: (logistic_slope(x), -logistic_slope(x) * mp.tanh(x / 2)), exponents),
    Case("softplus", log1p_exp, lambda x: (logistic(x), logistic_slope(x)), exponents),
    Case("erf", mp.erf, lambda x: (gauss(x), -2 * x * gauss(x)), exponents),
    Case("sinc", sinc, sinc_derivatives),
    Case("i0", lambda x: mp.besseli(0, x), i0_derivatives, exponents),
]  # fmt: skip

# -- and of two ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A function of two arguments, as in `Case`; its derivatives are those by a, b, aa, ab and bb."""

    name: str
    function: Callable[[Any, Any], Any]
    derivatives: Callable[[Any, Any], tuple[Any, Any, Any, Any, Any]]
    points: Callable[[int, Any], tuple[Array, Array]] = plane
    f: Callable[[Any, Any, Any], Any] | None = None
    dtypes: tuple[Any, ...] = (np.float64, np.float32)

    def of(self, library: Any) -> Callable[[Any, Any], Any]:
        f = self.f
        return getattr(library, self.name) if f is None else lambda a, b: f(library, a, b)


def power_derivatives(a: Any, b: Any) -> tuple[Any, ...]:
    y, log = a**b, mp.log(a)
    return b * y / a, y * log, b * (b - 1) * y / a / a, y / a * (1 + b * log), y * log * log


def hypot_derivatives(a: Any, b: Any) -> tuple[Any, ...]:
    h = mp.hypot(a, b)
    return a / h, b / h, b * b / h**3, -a * b / h**3, a * a / h**3


def arctan2_derivatives(a: Any, b: Any) -> tuple[Any, ...]:
    square = a * a + b * b
    twist = 2 * a * b / square**2
    return b / square, -a / square, -twist, (a - b) * (a + b) / square**2, twist


def shares(a: Any, b: Any, log: Any) -> tuple[Any, ...]:
    """Of log(e^(log a) + e^(log b)) / log."""
    slope = log * logistic_slope(log * (a - b))
    return logistic(log * (a - b)), logistic(log * (b - a)), slope, -slope, slope


ZERO, ONE = mpf(0), mpf(1)

PAIRS = [
    Pair("a * b", lambda a, b: a * b, lambda a, b: (b, a, ZERO, ONE, ZERO), plane, lambda m, a, b: a * b),
    Pair(
        "a / b",
        lambda a, b: a / b,
        lambda a, b: (1 / b, -a / b**2, ZERO, -1 / b**2, 2 * a / b**3),
        fractions,
        lambda m, a, b: a / b,
    ),
    Pair("a ** b", lambda a, b: a**b, power_derivatives, bases_and_exponents, lambda m, a, b: a**b),
    Pair("hypot", mp.hypot, hypot_derivatives),
    Pair("arctan2", mp.atan2, arctan2_derivatives),
    Pair("logaddexp", lambda a, b: mp.log(mp.exp(a) + mp.exp(b)), lambda a, b: shares(a, b, ONE), gaps),
    Pair(
        "logaddexp2",
        lambda a, b: mp.log(mpf(2) ** a + mpf(2) ** b) / LN2,
        lambda a, b: shares(a, b, LN2),
        gaps,
    ),
]

# -- how far: units in the last place --------------------------------------------------------------


@dataclass(frozen=True)
class Exact:
    """Numbers of more digits than a float has: the nearest float64, and what is missing."""

    high: Array
    low: Array

    @classmethod
    def of(cls, values: list[Any]) -> Exact:
        high = [float(value) for value in values]
        low = [float(v - mpf(h)) if np.isfinite(h) else 0.0 for v, h in zip(values, high, strict=True)]
        return cls(np.array(high), np.array(low))

    def ulps(self, got: Array) -> Array:
        """How many units in the last place `got` is off; 0 where its dtype cannot hold the truth."""
        with np.errstate(over="ignore", invalid="ignore"):
            unit = np.spacing(np.abs(self.high).astype(got.dtype)).astype(float)
            off = np.abs((got.astype(float) - self.high) - self.low) / unit
        off = np.where(np.isnan(off), np.inf, off)
        return np.where(np.abs(self.high) <= np.finfo(got.dtype).max, off, 0.0)


def exact(case: Case | Pair, points: tuple[Array, ...]) -> list[Exact]:
    """The derivatives of a function at some points, in the order in which the case lists them."""
    rows = [case.derivatives(*map(mpf, map(float, point))) for point in zip(*points, strict=True)]
    return [Exact.of(list(column)) for column in zip(*rows, strict=True)]


def points_of(case: Case | Pair, n: int, dtype: Any) -> tuple[Array, ...]:
    points = case.points(n, dtype)
    return points if isinstance(points, tuple) else (points,)
