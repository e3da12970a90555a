"""Wide numbers, which have an exponent of their own, and jets, which carry derivatives along directions.

A product of many factors may be an ordinary number though the product of some of them overflows. Wide numbers
never overflow; only the last step rounds to a float, to inf or to 0:

>>> tiny, huge = Wide.of(np.array([1e-300])), Wide.of(np.array([1e200]))
>>> (huge * huge * tiny).value()
array([1.e+100])
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import empty, every, shape_of, some
from ..known import defvjp

__all__ = ["Jet", "Wide", "arranged", "exponent_of", "shifted", "tame"]

ZERO = -(1 << 40)
"""The exponent of 0, below the exponents of all other numbers."""


def exponent_of(x: Any) -> Any:
    """The k for which x / 2^k, or its larger complex part, is between 1/2 and 1; 0 for 0, inf and NaN."""
    return np.frexp(np.maximum(np.abs(x.real), np.abs(x.imag)) if x.dtype.kind == "c" else x)[1]


@primitive(broadcasts=True)
def shifted(x: Any, k: Any) -> Any:
    """x 2^k, without rounding unless the result is subnormal; also if 2^k itself overflows."""
    if x.dtype.kind != "c":
        return np.ldexp(x, k)
    result = empty(np.broadcast_shapes(shape_of(x), shape_of(k)), like=x)
    result.real[...], result.imag[...] = np.ldexp(x.real, k), np.ldexp(x.imag, k)
    return result


defvjp(shifted, lambda g, y, x, k: shifted(g, k))


@dataclass(frozen=True)
class Wide:
    """digits 2^exponent, entry by entry; the magnitudes of the digits are between 1/2 and 1."""

    digits: Any
    exponent: Any

    @classmethod
    def of(cls, x: Any, exponent: Any = 0) -> Wide:
        """x 2^exponent."""
        k = exponent_of(x)
        return cls(shifted(x, -k), np.where(x == 0, ZERO, exponent + k.astype(np.int64)))

    def value(self) -> Any:
        """The nearest float of each entry."""
        return shifted(self.digits, self.exponent)

    def __mul__(self, other: Wide) -> Wide:
        return Wide.of(self.digits * other.digits, self.exponent + other.exponent)

    def __add__(self, other: Wide) -> Wide:
        top = np.maximum(self.exponent, other.exponent)
        one, two = (shifted(x.digits, x.exponent - top) for x in (self, other))
        return Wide.of(one + two, top)

    def __getitem__(self, index: Any) -> Wide:
        return Wide(self.digits[index], self.exponent[index])


@dataclass(frozen=True)
class Jet:
    """A value and its mixed derivatives along several directions.

    The bits of an index s select directions: parts[s] is the derivative along them. So parts[0] is the value,
    and the last part is the derivative along all directions.
    """

    parts: tuple[Any, ...]

    @classmethod
    def of(cls, x: Any, *along: Any, wide: bool) -> Jet:
        """x with directions of its shape, as wide numbers or as plain arrays."""
        zero = np.zeros_like(x)
        parts = [x]
        for direction in along:
            parts += [direction, *[zero] * (len(parts) - 1)]
        return cls(tuple(map(Wide.of, parts) if wide else parts))

    def last(self) -> Any:
        """The derivative along all directions."""
        part = self.parts[-1]
        return part.value() if isinstance(part, Wide) else part

    def __mul__(self, other: Jet) -> Jet:
        """The product rule: each direction differentiates one of the two factors."""
        a, b = self.parts, other.parts
        terms = ([a[t] * b[s ^ t] for t in range(s + 1) if t & s == t] for s in range(len(a)))
        return Jet(tuple(functools.reduce(operator.add, some) for some in terms))

    def __add__(self, other: Jet) -> Jet:
        return Jet(tuple(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    def __getitem__(self, index: Any) -> Jet:
        return Jet(tuple(part[index] for part in self.parts))


def arranged(layout: Callable[..., Any], *numbers: Any) -> Any:
    """Apply `layout(*arrays)`, which rearranges entries, to all arrays in wide numbers or jets."""
    first = numbers[0]
    if isinstance(first, Jet):
        return Jet(tuple(arranged(layout, *parts) for parts in zip(*(x.parts for x in numbers), strict=True)))
    if isinstance(first, Wide):
        return Wide(layout(*(x.digits for x in numbers)), layout(*(x.exponent for x in numbers)))
    return layout(*numbers)


def tame(*arrays: Any) -> bool:
    """Whether no product along the first axis can overflow or become subnormal.

    A product takes each entry from one of the arrays. Entries 0, inf and NaN do not count.
    """
    limits = np.finfo(arrays[0].dtype)
    room = min(limits.maxexp, -limits.minexp) - 2
    if not any(some(np.abs(exponent_of(x)) * len(arrays[0]) > room) for x in arrays):
        return True
    sizes = [np.abs(x) for x in arrays]
    logs = [np.abs(np.log2(np.where((s > 0) & np.isfinite(s), s, 1))) for s in sizes]
    return every(np.sum(functools.reduce(np.maximum, logs), axis=0, dtype=float) <= room)
