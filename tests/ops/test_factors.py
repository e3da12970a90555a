"""Products with factors outside the range of floats and an ordinary derivative, against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

import autograd_lite as ag
from autograd_lite.ops.wide import Jet, Wide

Array = npt.NDArray[Any]

POINTS = {
    "tiny and huge": [1e-300, 1.0, 1e200, 1e200],
    "huge first": [1e200, 1e200, 1e-300, 1e-250, 3.0],
    "a zero": [1e200, 0.0, 1e-300, 1e200, 7.0],
    "two zeros": [1e200, 0.0, 1e-300, 0.0, 1e200],
    "subnormal": [5e-324, 1e300, 1e20, 0.5],
    "negative": [-1e-200, 1e-200, -1e250, 1e200, 2.0, -3.0],
    "one after the other": [1e300, 1e-300] * 8,
}

NARROW = {
    "tiny and huge": [1e-30, 1.0, 1e20, 1e20],
    "a zero": [1e30, 1e30, 0.0, 1e-38, 1e-20],
    "subnormal": [1e-44, 1e30, 1e10],
}

ROWS = [
    *((np.float64, np.array(x)) for x in POINTS.values()),
    *((np.float32, np.array(x, "f4")) for x in NARROW.values()),
]
IDS = [*POINTS, *(f"{name} in float32" for name in NARROW)]


def product(x: list[Any], without: tuple[int, ...] = ()) -> Any:
    return mpmath.fprod(x[k] for k in range(len(x)) if k not in without)


def references(x: Array, upto: int) -> tuple[Array, Array]:
    """Gradient and Hessian of the product of the first entries, as floats; inf where they are too large."""
    wide, n = [mpmath.mpf(float(v)) for v in x], len(x)
    first, second = np.zeros(n, x.dtype), np.zeros((n, n), x.dtype)
    with np.errstate(over="ignore"):
        for i in range(upto):
            first[i] = product(wide[:upto], (i,))
            for j in range(upto):
                second[i, j] = product(wide[:upto], (i, j)) if i != j else 0
    return first, second


def check(f: Callable[[Any], Any], x: Array, upto: int) -> None:
    first, second = references(x, upto)
    n = len(x)
    rtol = 2 * n * float(np.finfo(x.dtype).eps)
    limits = np.finfo(x.dtype)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        gradient, hessian = ag.grad(f)(x), ag.hessian(f)(x)
    assert gradient.dtype == x.dtype
    atol = float(limits.smallest_subnormal)
    np.testing.assert_allclose(gradient, first, rtol, atol)
    np.testing.assert_allclose(hessian, second, rtol, atol)


@pytest.mark.parametrize(("dtype", "x"), ROWS, ids=IDS)
def test_derivatives_of_a_product(dtype: Any, x: Array) -> None:
    check(np.prod, x, len(x))
    check(np.nanprod, x, len(x))
    check(lambda x: np.prod(np.stack([x, np.ones_like(x)]), axis=1)[0], x, len(x))


@pytest.mark.parametrize(("dtype", "x"), ROWS, ids=IDS)
def test_derivatives_of_running_products(dtype: Any, x: Array) -> None:
    for upto in range(1, len(x) + 1):
        check(lambda x, k=upto - 1: np.cumprod(x)[k], x, upto)
        check(lambda x, k=upto - 1: np.nancumprod(np.stack([x, x]), axis=1)[0, k], x, upto)


def test_third_derivatives_of_products() -> None:
    x = np.array([1e-300, 2.0, 1e200, 1e200, 3.0])
    for f in (np.prod, lambda x: np.cumprod(x)[-1]):
        third = ag.jacobian(ag.hessian(f))(x)
        for i, j, k in np.ndindex(third.shape):
            alike = len({i, j, k}) < 3
            expected = 0.0 if alike else float(product(list(map(mpmath.mpf, x)), (i, j, k)))
            assert third[i, j, k] == pytest.approx(expected, rel=1e-14, abs=0)


def test_an_initial_factor_is_one_of_them() -> None:
    x = np.array([1e200, 1e200, 1.0])
    gradient = ag.grad(lambda x: np.prod(x, initial=1e-300))(x)
    np.testing.assert_allclose(gradient, [1e-100, 1e-100, 1e100], rtol=1e-14)


def test_complex_products() -> None:
    x = np.array([1e-300, 1.0, 1e200, 1e200]) * np.exp(1j * np.arange(4))
    for f in (np.prod, lambda x: np.cumprod(x)[-1]):
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = ag.grad(lambda x, f=f: np.real(f(x)))(x)
        for i in (1, 2, 3):
            expected = complex(mpmath.conj(mpmath.fprod(mpmath.mpc(v) for k, v in enumerate(x) if k != i)))
            assert abs(gradient[i] / expected - 1) < 1e-14


def test_long_products_of_numbers_below_1() -> None:
    x = np.full(3000, 0.5)
    x[0] = 1.5
    x[1:1501] = 2.0
    logs = np.log2(x)
    with np.errstate(over="ignore"):
        gradient = ag.grad(np.prod)(x)
    expected = np.exp2(np.sum(logs[1:]) - np.where(np.arange(3000) == 0, 0, logs)) * np.where(
        np.arange(3000) == 0, 1, 1.5
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


def test_nan_and_inf_stay_what_they_are() -> None:
    with np.errstate(invalid="ignore"):
        for scale in (1.0, 1e200):
            gradient = ag.grad(np.prod)(np.array([np.nan, 2.0, 3 * scale, scale]))
            np.testing.assert_array_equal(np.isnan(gradient), [False, True, True, True])
            gradient = ag.grad(np.prod)(np.array([np.inf, 2.0, scale, 1 / scale]))
            np.testing.assert_array_equal(np.isinf(gradient), [False, True, True, True])
    np.testing.assert_allclose(
        ag.grad(np.nanprod)(np.array([1e-300, np.nan, 1e200, 1e200])), [np.inf, 0, 1e-100, 1e-100], rtol=1e-14
    )


def test_determinants_of_rows_of_unlike_size() -> None:
    size = np.array([1e-300, 1.0, 1e200, 1e200])
    m = np.random.default_rng(0).normal(size=(4, 4))
    expected = ag.grad(np.linalg.det)(m)
    for f in (lambda d: d[:, None], lambda d: d[None, :]):
        with np.errstate(over="ignore", invalid="ignore"):
            got = ag.grad(np.linalg.det)(m * f(size)) * f(size / 1e100)
        kept = np.broadcast_to(f(size) > 1e-300, m.shape)
        np.testing.assert_allclose(got[kept], expected[kept], rtol=1e-12)
    tilted = m + 1j * m.T
    gradient = ag.grad(lambda a: np.real(np.linalg.det(a)))
    with np.errstate(over="ignore", invalid="ignore"):
        got = gradient(tilted * size[:, None])[1:] * (size / 1e100)[1:, None]
    np.testing.assert_allclose(got, gradient(tilted)[1:], rtol=1e-12)
    narrow = np.diag(np.array([1e-30, 1.0, 1e20, 1e15], "f4"))
    np.testing.assert_allclose(np.diag(ag.grad(np.linalg.det)(narrow)), [1e35, 1e5, 1e-15, 1e-10], rtol=1e-5)


def test_second_derivatives_of_such_determinants() -> None:
    size = np.array([1e-60, 1.0, 1e120, 1e120])
    m = np.random.default_rng(0).normal(size=(4, 4))
    expected = ag.hessian(np.linalg.det)(m)
    scale = size[:, None, None, None] * size[None, None, :, None] / 1e180
    np.testing.assert_allclose(
        ag.hessian(np.linalg.det)(m * size[:, None]) * scale, expected, rtol=1e-11, atol=1e-14
    )


def test_wide_numbers_and_jets() -> None:
    a, b = np.array([1e300, -3.0, 0.0, np.inf]), np.array([1e250, 4.0, 2.0, 5.0])
    one, other = Wide.of(a), Wide.of(b)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal((one * other).value(), a * b)
    np.testing.assert_array_equal((one + other).value(), a + b)
    back = (one * other * Wide.of(np.full(4, 1e-300))).value()
    np.testing.assert_allclose(back, [1e250, -1.2e-299, 0, np.inf], rtol=1e-14)
    # (x + s)(x + s + t) at x = 3, along s and t: x^2, 2 x, x, 1
    x, s, t = (np.array([v]) for v in (3.0, 1.0, 1.0))
    for wide in (False, True):
        jet = Jet.of(x, s, np.zeros(1), wide=wide) * Jet.of(x, s, t, wide=wide)
        assert float(jet.last()[0]) == 1.0
