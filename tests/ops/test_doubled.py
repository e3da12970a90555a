"""Double-double arithmetic against exact fractions."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from autograd_lite.ops.doubled import Doubled, nearest, polynomial, split, two_product, two_sum, where

N = 300


def value(x: Doubled, i: int) -> Fraction:
    return Fraction(float(x.head[i])) + Fraction(float(x.tail[i]))


def floats(seed: int) -> Any:
    """Both signs, sizes from 1e-9 to 1e9."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=N) * 10.0 ** rng.uniform(-9, 9, N)


def numbers(seed: int) -> Doubled:
    """Their tails are up to half a unit in the last place."""
    head = floats(seed)
    return Doubled(head, np.random.default_rng(seed + 1).uniform(-0.49, 0.49, N) * np.spacing(head))


def is_normal(x: Doubled) -> bool:
    return np.array_equal(x.head + x.tail, x.head)


def test_sums_and_products_of_two_floats_are_exact() -> None:
    a, b = floats(0), floats(1)
    total, product = two_sum(a, b), two_product(a, b)
    for i in range(N):
        assert value(total, i) == Fraction(a[i]) + Fraction(b[i])
        assert value(product, i) == Fraction(a[i]) * Fraction(b[i])
    assert is_normal(total) and is_normal(product)


def test_the_parts_of_a_float_have_26_bits() -> None:
    a = floats(2)
    high, low = split(a)
    np.testing.assert_array_equal(high + low, a)
    for part in (high, low):
        digits = np.frexp(part)[0] * 2.0**26
        np.testing.assert_array_equal(digits, np.rint(digits))


@pytest.mark.parametrize(
    ("operation", "size"),
    [
        (lambda a, b: a + b, lambda a, b: abs(a) + abs(b)),
        (lambda a, b: a - b, lambda a, b: abs(a) + abs(b)),
        (lambda a, b: a * b, lambda a, b: abs(a * b)),
    ],
    ids=["+", "-", "*"],
)
def test_operations_have_103_bits(operation: Callable[..., Any], size: Callable[..., Any]) -> None:
    a, b = numbers(3), numbers(5)
    for other in (b, Doubled(-a.head * (1 + 2.0**-40), b.tail * 1e-20)):
        result = operation(a, other)
        assert is_normal(result)
        for i in range(N):
            x, y = value(a, i), value(other, i)
            assert abs(value(result, i) - operation(x, y)) <= Fraction(1, 2**103) * size(x, y)


def test_quotients_by_floats_and_products_with_floats_have_103_bits() -> None:
    a, b = numbers(7), floats(9)
    quotient, product = a / b, a * b
    for i in range(N):
        x, y = value(a, i), Fraction(b[i])
        assert abs(value(quotient, i) - x / y) <= Fraction(1, 2**103) * abs(x / y)
        assert abs(value(product, i) - x * y) <= Fraction(1, 2**103) * abs(x * y)


def test_the_nearest_number_has_106_bits() -> None:
    for x in (Fraction(1, 3), Fraction(-22, 7), Fraction(10**20 + 1, 3)):
        found = nearest(x)
        assert abs(Fraction(found.head) + Fraction(found.tail) - x) <= Fraction(1, 2**106) * abs(x)


@pytest.mark.parametrize("n", [8, 12, 20])
def test_a_polynomial_may_have_its_small_terms_in_floats(n: int) -> None:
    rng = np.random.default_rng(11)
    head = rng.uniform(-0.5, 0.5, N)
    x = Doubled(head, rng.uniform(-0.49, 0.49, N) * np.spacing(head))
    exact = [Fraction(1, math.factorial(i)) for i in range(20)]
    result = polynomial([nearest(c) for c in exact], x, n)
    rest = Fraction(1, 2**52) * exact[n] * Fraction(1, 2**n) if n < 20 else Fraction(0)
    for i in range(N):
        truth = sum(c * value(x, i) ** k for k, c in enumerate(exact))
        assert abs(value(result, i) - truth) <= Fraction(1, 2**102) + rest


def test_where_takes_heads_and_tails_together() -> None:
    a, b = numbers(13), numbers(15)
    condition = a.head > b.head
    chosen = where(condition, a, -b)
    for i in range(N):
        assert value(chosen, i) == (value(a, i) if condition[i] else -value(b, i))
