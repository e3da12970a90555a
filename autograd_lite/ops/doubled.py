"""Double-double arithmetic: a number is the sum of two floats, which together have 106 bits.

It serves the few entries in which two terms cancel and 53 bits leave no digits.

Sources:
    T. J. Dekker, "A floating-point technique for extending the available precision", Numerische
    Mathematik 18, 1971; Y. Hida, X. Li, D. Bailey, "Algorithms for quad-double precision floating point
    arithmetic", IEEE Symposium on Computer Arithmetic, 2001.

>>> third = Doubled(1.0, 0.0) / 3.0
>>> third.head, third.tail
(0.3333333333333333, 1.850371707708594e-17)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["Doubled", "nearest", "polynomial", "two_product", "two_sum", "where"]

SPLITTER = 2.0**27 + 1


@dataclass(frozen=True, slots=True)
class Doubled:
    """The number head + tail, where head is the float nearest to the sum; both may be float64 arrays."""

    head: Any
    tail: Any

    def __neg__(self) -> Doubled:
        return Doubled(-self.head, -self.tail)

    def __add__(self, other: Doubled) -> Doubled:
        total = two_sum(self.head, other.head)
        return renewed(total.head, total.tail + (self.tail + other.tail))

    def __sub__(self, other: Doubled) -> Doubled:
        return self + -other

    def __mul__(self, other: Doubled | Any) -> Doubled:
        other = other if isinstance(other, Doubled) else Doubled(other, 0.0)
        product = two_product(self.head, other.head)
        return renewed(product.head, product.tail + (self.head * other.tail + self.tail * other.head))

    def __truediv__(self, x: Any) -> Doubled:
        """Divide by a float as in long division: the second digit divides the remainder of the first."""
        quotient = self.head / x
        product = two_product(quotient, x)
        return renewed(quotient, (self.head - product.head - product.tail + self.tail) / x)


def renewed(a: Any, b: Any) -> Doubled:
    """a + b, exactly, if |a| >= |b|; each operation ends with it, since the tail may have grown."""
    head = a + b
    return Doubled(head, b - (head - a))


def two_sum(a: Any, b: Any) -> Doubled:
    """a + b, exactly: the tail is the rounding error of the head."""
    head = a + b
    part = head - a
    return Doubled(head, (a - (head - part)) + (b - part))


def split(a: Any) -> tuple[Any, Any]:
    """Two floats of 26 bits whose sum is a; products of two of these are exact."""
    far = SPLITTER * a
    high = far - (far - a)
    return high, a - high


def two_product(a: Any, b: Any) -> Doubled:
    """a b, exactly, for |a| and |b| between 1e-140 and 1e140."""
    head, (a1, a2), (b1, b2) = a * b, split(a), split(b)
    return Doubled(head, ((a1 * b1 - head) + a1 * b2 + a2 * b1) + a2 * b2)


def nearest(x: Fraction) -> Doubled:
    """The doubled number nearest to x."""
    return Doubled(float(x), float(x - Fraction(float(x))))


def where(condition: Any, a: Doubled, b: Doubled) -> Doubled:
    """The entries of a where the condition holds, and of b elsewhere."""
    return Doubled(np.where(condition, a.head, b.head), np.where(condition, a.tail, b.tail))


def polynomial(coefficients: Sequence[Doubled], x: Doubled, n: int) -> Doubled:
    """c_0 + c_1 x + c_2 x^2 + ... by Horner's rule; from c_n on in floats, whose 53 bits suffice there."""
    total = np.zeros_like(x.head)
    for c in reversed(coefficients[n:]):
        total = total * x.head + c.head
    doubled = Doubled(total, np.zeros_like(total))
    for c in reversed(coefficients[:n]):
        doubled = doubled * x + c
    return doubled
