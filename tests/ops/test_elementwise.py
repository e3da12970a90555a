"""Elementwise functions where something is special: several results, constants, NaN, zeros."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import NotDifferentiableError
from autograd_lite.testing import check_grads
from tests.helpers import leaf


def test_divmod_has_a_constant_quotient_and_a_remainder_with_a_gradient() -> None:
    a, b = leaf([7.5, -7.5]), leaf(2.0)
    for quotient, rest in (np.divmod(a, b), divmod(a, b)):
        np.testing.assert_array_equal(quotient, [3.0, -4.0])
        np.testing.assert_array_equal(rest.numpy(), [1.5, 0.5])
    rest.sum().backward()
    assert a.grad is not None and b.grad is not None
    np.testing.assert_array_equal(a.grad.numpy(), [1.0, 1.0])
    assert b.grad.item() == -3 + 4
    quotient, rest = divmod(7.5, b)
    assert (quotient, rest.item()) == divmod(7.5, 2.0)


@pytest.mark.parametrize("x", [2.75, -2.75, 3.0, -0.0, 1e300, math.inf, -math.inf])
def test_modf_gives_what_numpy_does_and_the_fraction_a_gradient(x: float) -> None:
    t = leaf(x)
    fraction, whole = np.modf(t)
    assert [str(fraction.item()), str(float(whole))] == [str(float(v)) for v in np.modf(x)]
    fraction.backward()
    assert t.grad is not None and t.grad.item() == (1.0 if math.isfinite(x) else 0.0)


@pytest.mark.parametrize("x", [0.3, -12.5, 0.0, 5e-324, 1.7e300])
def test_frexp_gives_the_digits_a_gradient(x: float) -> None:
    t = leaf(x)
    digits, exponent = np.frexp(t)
    assert (digits.item(), exponent) == np.frexp(x)
    assert np.ldexp(digits, exponent).item() == x
    np.ldexp(digits, exponent).backward()
    assert t.grad is not None and t.grad.item() == 1.0
    check_grads(lambda x: np.frexp(x)[0], np.array([0.3, -12.5, 700.0]))


@pytest.mark.parametrize(("op", "count"), [(np.remainder, math.floor), (np.fmod, math.trunc)])
@pytest.mark.parametrize("a", [7.5, -7.5, 0.1, 6.0, 1e15])
@pytest.mark.parametrize("b", [2.0, -2.0, 0.3, 0.1])
def test_remainders_count_whole_periods(op: Any, count: Any, a: float, b: float) -> None:
    assert ag.grad(op, 1)(a, b) == -float(count(Fraction(a) / Fraction(b)))
    assert ag.grad(op)(a, b) == 1


def test_sign_is_constant_for_real_numbers_and_a_direction_for_complex_ones() -> None:
    assert isinstance(np.sign(leaf([1.0, -2.0])), np.ndarray)
    z = np.array([3 + 4j, -1j, 0.0])
    np.testing.assert_allclose(np.sign(leaf(z)).numpy(), np.sign(z), rtol=1e-15)
    check_grads(np.sign, z[:2])


def test_nan_to_num_sends_nothing_back_where_it_replaced() -> None:
    values = np.array([1.0, np.nan, np.inf, -np.inf])
    x = leaf(values)
    y = np.nan_to_num(x, nan=7.0, posinf=8.0)
    np.testing.assert_array_equal(y.numpy(), np.nan_to_num(values, nan=7.0, posinf=8.0))
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 0.0, 0.0, 0.0])
    mixed = np.array([complex(np.nan, 2), complex(1, -np.inf)])
    np.testing.assert_array_equal(np.nan_to_num(leaf(mixed)).numpy(), np.nan_to_num(mixed))


def test_fmax_and_fmin_pass_a_nan_over() -> None:
    for op, chosen in ((np.fmax, [0.0, 1.0, 0.5]), (np.fmin, [0.0, 0.0, 0.5])):
        x = leaf([np.nan, 2.0, 1.0])
        np.sum(op(x, np.array([1.0, 1.0, 1.0]))).backward()
        assert x.grad is not None
        np.testing.assert_array_equal(x.grad.numpy(), chosen)


def test_heaviside_passes_its_second_argument_at_zero() -> None:
    x, at_zero = leaf([-1.0, 0.0, 2.0]), leaf(0.5)
    np.heaviside(x, at_zero).sum().backward()
    assert x.grad is not None and at_zero.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 0.0, 0.0])
    assert at_zero.grad.item() == 1.0


def test_copysign_has_the_slope_of_abs() -> None:
    x = leaf([3.0, -3.0, 0.0, 3.0])
    np.copysign(x, np.array([1.0, 1.0, 1.0, -0.0])).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, -1.0, 0.0, -1.0])


def test_angle_and_real_if_close_follow_the_numbers() -> None:
    z = np.array([3 + 4j, -1 + 0.5j])
    check_grads(np.angle, z)
    check_grads(lambda z: np.angle(z, deg=True), z)
    assert np.real_if_close(leaf([1 + 1e-20j])).dtype == np.float64
    assert np.real_if_close(leaf(z)).dtype == np.complex128


def test_neighbours_are_refused_and_their_distance_is_constant() -> None:
    with pytest.raises(NotDifferentiableError, match="neighbour"):
        np.nextafter(leaf(1.0), 2.0)
    assert np.spacing(leaf(1.0)) == np.spacing(1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("x", [2.0, 2.5, -3.0, 0.1])
def test_powers_keep_the_dtype_for_every_kind_of_exponent(dtype: Any, x: float) -> None:
    base = np.array([0.5, 2.0], dtype)
    for exponent in (x, dtype(x), np.full(2, x, dtype)):
        g = ag.grad(lambda a, b=exponent: np.sum(a**b))(base)
        assert g.dtype == dtype
        np.testing.assert_allclose(g, x * base.astype(float) ** (x - 1), rtol=20 * float(np.finfo(dtype).eps))


def test_float_power_differentiates_in_double() -> None:
    a = np.array([1e30], np.float32)
    y = np.float_power(leaf(a), 2.5)
    assert y.dtype == np.float64
    np.testing.assert_allclose(
        ag.grad(lambda a: np.float_power(a, 0.5).sum())(a), 0.5 / np.sqrt(a), rtol=1e-6
    )


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_sinc_keeps_its_digits_at_higher_orders(order: int) -> None:
    f: Any = np.sinc
    for _ in range(order):
        f = ag.grad(lambda x, f=f: np.sum(f(x)))
    x = np.linspace(-2.9, 2.9, 30)
    with mpmath.workdps(60):
        truth = [float(mpmath.diff(mpmath.sincpi, mpmath.mpf(v), order)) for v in x]
    np.testing.assert_allclose(f(x), truth, rtol=0, atol=1e-12 * np.abs(truth).max())


# -- the error function, in blocks -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda dtype: dtype.__name__)
def test_erf_is_right_to_two_ulp_along_its_whole_length(dtype: Any) -> None:
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.concatenate([np.geomspace(tiny, 7, 3000), np.linspace(-7, 7, 3000), [0.75, -0.75]]).astype(dtype)
    with mpmath.workdps(40):
        truth = [mpmath.erf(mpmath.mpf(float(v))) for v in x]
        unit = np.spacing(np.abs(np.array(truth, float)).astype(dtype))
        for size in (100, len(x)):
            found = np.concatenate([ag.erf(part) for part in np.split(x, range(size, len(x), size))])
            assert found.dtype == dtype
            off = [
                abs(mpmath.mpf(float(a)) - b) / float(u) for a, b, u in zip(found, truth, unit, strict=True)
            ]
            assert max(off) <= 2, x[int(np.argmax(off))]


@pytest.mark.parametrize("size", [1, 300, 50_000])
def test_erf_at_the_ends_and_in_every_shape(size: int) -> None:
    ends = np.tile([np.inf, -np.inf, 0.0, -0.0, np.nan], (size, 1)).T
    for x in (ends, ends.T, ends.astype(np.float32), ends.astype(np.float16)):
        y = ag.erf(x)
        assert y.dtype == x.dtype and y.shape == x.shape
        expected = np.clip(x, -1, 1)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(np.signbit(y), np.signbit(expected))
    assert ag.erf(np.arange(5)).dtype == float
    with pytest.raises(TypeError, match="real"):
        ag.erf(np.ones(size) + 1j)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda dtype: dtype.__name__)
def test_long_arrays_have_the_slopes_of_short_ones(dtype: Any) -> None:
    x = np.linspace(-9, 9, 40_000).astype(dtype)
    slope = ag.grad(lambda x: np.sum(ag.erf(x)))
    np.testing.assert_allclose(slope(x)[::997], slope(x[::997]), rtol=4 * np.finfo(dtype).eps)
    column = ag.grad(lambda w: np.sum(ag.erf(w * x)))(dtype(0.5))
    assert abs(column) <= 1e-3 and column.dtype == dtype  # odd: the sum over x and -x is 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("size", [30, 3000])
def test_relu_lets_through_what_is_positive_and_nothing_else(dtype: Any, size: int) -> None:
    ends = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, np.finfo(dtype).smallest_subnormal, -1.0]
    a, b = (np.resize(grid, (size, 8)).astype(dtype) for grid in np.meshgrid(ends, ends))
    for x, g in ((a, b), (a.T, b.T), (a, b[::-1]), (a, np.broadcast_to(dtype(2), a.shape))):
        (gx,) = ag.vjp(ag.relu, x)[1](g)
        expected = np.where(x > 0, g, 0)
        np.testing.assert_array_equal(gx, expected)
        np.testing.assert_array_equal(np.signbit(gx), np.signbit(expected))
        assert gx.dtype == dtype
