"""Derivatives of reductions, first and second order, against mpmath: 8 units in the last place.

The references are differences of the function alone, at steps of 1e-60 and with 300 digits. They use no
rule of the library.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd_lite as ag

STEP = mpmath.mpf(10) ** -60


def differences(f: Callable[..., Any], point: list[Any], units: list[Any], *places: int) -> list[Any]:
    """Central differences of all outputs of f along each of the places: one for each derivative."""
    total = [mpmath.mpf(0)] * len(f(point))
    for signs in itertools.product((1, -1), repeat=len(places)):
        moved = list(point)
        for sign, place in zip(signs, places, strict=True):
            moved[place] += sign * STEP * units[place]
        total = [t + math.prod(signs) * v for t, v in zip(total, f(moved), strict=True)]
    return [t / math.prod(2 * STEP * units[place] for place in places) for t in total]


def off(got: Any, expected: Any, largest: Any = 0) -> float:
    """The distance in units of the last place of what was expected, or of a larger number."""
    size = max(abs(expected), abs(largest))
    unit = mpmath.mpf(float(np.spacing(got.dtype.type(float(size)))))
    return float(abs(mpmath.mpf(float(got)) - expected) / unit)


def softmax(x: list[Any]) -> list[Any]:
    e = [mpmath.exp(v - max(x)) for v in x]
    return [v / mpmath.fsum(e) for v in e]


def logsumexp(x: list[Any]) -> Any:
    return max(x) + mpmath.log(mpmath.fsum(mpmath.exp(v - max(x)) for v in x))


def variance(x: list[Any]) -> Any:
    mean = mpmath.fsum(x) / len(x)
    return mpmath.fsum((v - mean) ** 2 for v in x) / len(x)


def cumprod(x: list[Any]) -> list[Any]:
    return [mpmath.fprod(x[: i + 1]) for i in range(len(x))]


REFERENCES: dict[str, tuple[Any, Callable[[list[Any]], list[Any]]]] = {
    "prod": (lambda x: np.reshape(np.prod(x), 1), lambda x: [mpmath.fprod(x)]),
    "cumprod": (np.cumprod, cumprod),
    "softmax": (ag.softmax, softmax),
    "log_softmax": (ag.log_softmax, lambda x: [v - logsumexp(x) for v in x]),
    "logsumexp": (lambda x: np.reshape(ag.logsumexp(x), 1), lambda x: [logsumexp(x)]),
    "var": (lambda x: np.reshape(np.var(x), 1), lambda x: [variance(x)]),
    "std": (lambda x: np.reshape(np.std(x), 1), lambda x: [mpmath.sqrt(variance(x))]),
}

FACTORS = [
    [1.1, 2.3, -0.7, 0.3],
    [1.1, 0.0, -0.7, 0.3],
    [0.0, 2.3, 0.0, 0.3],
    [0.0, 0.0, 0.0, 0.3],
    [1e-15, 1e10, 1e-3, 1e7],
    [0.3],
]
LOGITS = [
    [0.1, -37.3, 2.7],
    [0.1, 40.1, 0.7],
    [40.0, 0.0, 0.0],
    [0.1, -71.3],
    [0.0, 1e4, 1e4 - 1.5],
    [0.3, -1e4, 0.1],
    [-1e4, -1e4 + 40, -1e4 + 3],
    [1000.1, 960.3, 997.7],
    [-700.3, -740.1, -702.9],
    [0.25] * 4,
]
MANY_LOGITS = [0.0, 0.3, 0.1, 0.2, 0.4, 0.15, 0.35, 0.05]
SPREADS = [
    [1.0, 1.0 + 2**-23, 1.0 + 3 * 2**-23],
    [1.0, 1.0 + 2**-27, 1.0 + 3 * 2**-27],
    [1.0, 1.0 + 2**-52, 1.0 - 2**-52],
    [3e200, 1e200, -7e200],
    [3e-200, 1e-200, -7e-200],
    [3e30, 1e30, -7e30],
    [3e-30, 1e-30, -7e-30],
    [1e8, 1e8 + 1, 1e8 + 4],
    [1.3, 0.2, -0.9, 4.1],
    [0.1, 1e-3, 7e4],
]
POINTS = [
    *((name, p) for name in ("prod", "cumprod") for p in FACTORS),
    *((name, p) for name in ("softmax", "log_softmax", "logsumexp") for p in LOGITS),
    *(
        pytest.param(name, MANY_LOGITS, marks=pytest.mark.slow)
        for name in ("softmax", "log_softmax", "logsumexp")
    ),
    *(("var", p) for p in ([1.3, 0.2, -0.9, 4.1], [0.1, 1e-3, 7e4], [1.0, 1.0 + 2**-23, 1.0])),
    *(("std", p) for p in SPREADS),
]


def units(name: str, point: list[Any]) -> list[Any]:
    """In which steps are measured: the entries themselves, 1, or how far they are apart."""
    if "prod" in name:
        return [abs(p) or mpmath.mpf(1) for p in point]
    return [max(point) - min(point) if name in ("var", "std") else mpmath.mpf(1)] * len(point)


@pytest.mark.filterwarnings("ignore:overflow")  # NumPy's value of std is inf at 1e200, its slope is not
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("name", "values"), POINTS, ids=str)
def test_derivatives_are_right_to_eight_ulp(name: str, values: list[float], dtype: Any) -> None:
    f, reference = REFERENCES[name]
    x = np.array(values).astype(dtype)
    if not np.isfinite(x).all() or np.ptp(x) == 0 < np.ptp(values):
        pytest.skip("not a point of float32")
    n, limits = len(x), np.finfo(dtype)
    with mpmath.workdps(300):
        point = [mpmath.mpf(float(v)) for v in x]
        steps = units(name, point)
        first = [differences(reference, point, steps, i) for i in range(n)]
        second = [[differences(reference, point, steps, i, j) for j in range(n)] for i in range(n)]
        jacobian = ag.jacobian(f)(x)
        for k in range(len(first[0])):
            hessian = ag.hessian(lambda x, k=k: f(x)[k])(x)
            largest = max(abs(second[i][j][k]) for i in range(n) for j in range(n))
            for i in range(n):
                check(jacobian[k, i], first[i][k], limits)
                for j in range(n):
                    # 1 - 1 / n - d^2 / (n std^2) may cancel in std'': its entries are right together
                    whole = largest if name == "std" else 0
                    check(hessian[i, j], second[i][j][k], limits, whole)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("values", [[0.0, -40.0], [40.0, 0.0, 0.0], [0.0, -40.0, 0.0], [0.25] * 4], ids=str)
def test_so_are_the_logarithms_of_probabilities_near_1(values: list[float], dtype: Any) -> None:
    x = np.array(values).astype(dtype)
    with mpmath.workdps(60):
        point = [mpmath.mpf(float(v)) for v in x]
        for got, v in zip(ag.log_softmax(x), point, strict=True):
            check(got, v - logsumexp(point), np.finfo(dtype))
        rest = [v - max(point) for v in point]
        check(ag.logsumexp(x - np.max(x)), logsumexp(rest), np.finfo(dtype), 0)


def check(got: Any, expected: Any, limits: Any, largest: Any = 0) -> None:
    """Right to 8 ulp, or gone where the true derivative is too small to be represented."""
    if abs(expected) < limits.tiny:
        assert abs(got) <= max(limits.tiny, 8 * limits.eps * float(min(largest, limits.max))), (got, expected)
    elif abs(expected) < limits.max:
        assert off(got, expected, min(largest, limits.max)) <= 8, (got, expected)


# -- at the points where there is nothing to compare with ------------------------------------------


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("value", [0.1, 0.0, 1e200, 1e-200, 1 / 3])
@pytest.mark.parametrize("n", [1, 3, 7, 49])
def test_the_spread_of_a_constant_has_gradient_0(value: float, n: int) -> None:
    x = np.full((2, n), value)
    for f in (np.var, np.std, np.nanvar, np.nanstd):
        gradient = ag.grad(lambda x, f=f: np.sum(f(x, axis=1)))(x)
        np.testing.assert_array_equal(gradient, np.zeros((2, n)))


def test_the_mean_of_very_many() -> None:
    x = np.broadcast_to(np.float32(1), (1 << 25,))
    gradient = ag.grad(lambda x: np.mean(x))(x)
    assert gradient.dtype == np.float32 and (gradient == np.float32(2.0**-25)).all()


def test_softmax_of_huge_logits() -> None:
    x = np.array([1e300, 1e300, -1e300])
    np.testing.assert_array_equal(ag.softmax(x), [0.5, 0.5, 0.0])
    np.testing.assert_array_equal(ag.jacobian(ag.softmax)(x), [[0.25, -0.25, 0], [-0.25, 0.25, 0], [0, 0, 0]])
    np.testing.assert_array_equal(ag.grad(ag.logsumexp)(x), [0.5, 0.5, 0.0])


@pytest.mark.parametrize("f", [np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin])
def test_the_tied_share_equally(f: Any) -> None:
    x = np.array([[2.0, 1.0, 2.0, 1.0], [0.5, 0.5, 0.5, 0.5]])
    expected = (x == f(x, axis=1, keepdims=True)) / np.array([[2.0], [4.0]])
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(f(x, axis=1)))(x), expected)
