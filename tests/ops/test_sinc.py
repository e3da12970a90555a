"""The derivatives of sinc near their zeros, where two terms cancel."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd_lite as ag

LIMIT = 8.0
"""Units in the last place."""

NEIGHBOURS = (0, 1, -1, 2, -2, 3, -5, 8, -13, 30, -75, 200, -500, 1000, -1000)


def exact(x: Any, n: int) -> Any:
    """The n-th derivative by Leibniz' rule, of sin(pi x) by 1 / (pi x); the terms cancel in 150 digits."""
    with mp.workdps(150):
        x = mpf(x)
        turns = (mp.sinpi(x), mp.cospi(x), -mp.sinpi(x), -mp.cospi(x))
        return (
            mp.fsum(
                mp.binomial(n, k)
                * mp.pi ** (n - k)
                * turns[(n - k) % 4]
                * (-1) ** k
                * mp.factorial(k)
                / x ** (k + 1)
                for k in range(n + 1)
            )
            / mp.pi
        )


@functools.cache
def zeros(n: int) -> list[Any]:
    """The first 20 positive zeros of the n-th derivative, and three near each of 1e3 and 1e6."""
    grid = np.arange(0.3, 22, 0.05)
    signs = [mp.sign(exact(x, n)) for x in grid]
    brackets = [(a, b) for a, b, s, t in zip(grid, grid[1:], signs, signs[1:], strict=False) if s != t][:20]
    far = 0.5 * (n % 2)
    brackets += [(m + far - 0.25, m + far + 0.25) for start in (1e3, 1e6) for m in start + np.arange(3)]
    with mp.workdps(60):
        found = [
            mp.findroot(lambda x: exact(x, n), b, solver="anderson", tol=mpf(10) ** -100) for b in brackets
        ]
    assert len(found) == 26
    return found


def derivative(n: int) -> Any:
    """By reverse mode, n times."""
    f: Any = np.sinc
    for _ in range(n):
        f = ag.grad(lambda x, f=f: np.sum(f(x)))
    return f


def worst(x: Any, got: Any, n: int) -> tuple[float, float]:
    """The largest error in units in the last place of the dtype, and where."""
    truths = [exact(float(v), n) for v in x]
    units = np.spacing(np.abs(np.array([float(t) for t in truths])).astype(x.dtype))
    off = [float(abs(mpf(float(g)) - t) / mpf(float(u))) for g, t, u in zip(got, truths, units, strict=True)]
    return max(zip(off, x.tolist(), strict=True))


def around(roots: Sequence[Any], dtype: Any) -> Any:
    """Floats next to the roots, and some within 1000 units in the last place; both signs."""
    nearest = np.array([float(root) for root in roots]).astype(dtype)
    x = np.concatenate([nearest + k * np.spacing(nearest) for k in NEIGHBOURS])
    return np.concatenate([x, -x])


@pytest.mark.few(3)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_derivatives_are_right_to_eight_ulp_next_to_their_zeros(n: int, dtype: Any) -> None:
    x = around(zeros(n), dtype)
    got = derivative(n)(x)
    assert got.dtype == dtype
    off, place = worst(x, got, n)
    assert off <= LIMIT, place


@pytest.mark.parametrize("n", [1, 2, 3])
def test_so_they_are_on_the_way_there(n: int) -> None:
    rng = np.random.default_rng(n)
    steps = np.concatenate([-(10.0 ** rng.uniform(-12, -0.5, 20)), 10.0 ** rng.uniform(-12, -0.5, 20)])
    x = np.concatenate([float(root) + steps for root in zeros(n)[:20]])
    off, place = worst(x, derivative(n)(x), n)
    assert off <= LIMIT, place


@pytest.mark.few(3)
@pytest.mark.parametrize("n", [1, 2, 3, 6, 10, 20])
def test_each_number_by_itself_is_the_same(n: int) -> None:
    x = np.concatenate([np.linspace(-3, 3, 41), np.linspace(-0.4 * n, 0.4 * n, 11)])
    f = derivative(n)
    np.testing.assert_array_equal([f(v) for v in x], f(x))
    np.testing.assert_array_equal(f(x.reshape(4, 13).T), f(x).reshape(4, 13).T)


@pytest.mark.parametrize("n", [4, 7, 12, 20])
def test_high_orders_are_right_to_eight_ulp(n: int) -> None:
    x = np.random.default_rng(n).uniform(0.2, n + 2, 100)
    off, place = worst(x, derivative(n)(x), n)
    assert off <= LIMIT, place


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_largest_and_smallest_numbers_are_still_served(n: int) -> None:
    x = np.array([1e200, -5e307, 1e16, 5e-324, -1e-200, 0.0])
    truth = [float(exact(v, n)) for v in x[:3]]
    got = derivative(n)(x)
    np.testing.assert_allclose(got[:3], truth, rtol=1e-15)
    with mp.workdps(60):
        first = 0 if n % 2 else float((-1) ** (n // 2) * mp.pi**n / (n + 1))
    np.testing.assert_allclose(got[3:], first, rtol=1e-15, atol=1e-190)
