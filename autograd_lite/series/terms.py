"""Arithmetic on the terms of a Taylor series: lists of arrays, of which the first is the value at t = 0.

A list may end early: terms after the last are 0. So a constant is a list of one term, and x + t v a list of
two. A function y = F(x) gets its terms one after the other, from an equation for dy/dt in which the term of
order k depends on earlier terms alone. All terms up to order n cost O(n^2).

Source:
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd ed. 2008, chapter 13.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

__all__ = [
    "Terms",
    "exponential",
    "integral",
    "power",
    "product",
    "quotient",
    "sines",
    "slopes",
    "tangents",
    "times",
]

Terms = list[Any]


def times(a: Terms, b: Terms, k: int, by: Callable[[Any, Any], Any] = operator.mul) -> Any:
    """The term of order k of a product: the sum of a_j b_(k-j).

    >>> times([1.0, 2.0], [3.0, 4.0], 1)
    10.0
    """
    orders = range(max(0, k + 1 - len(b)), min(k + 1, len(a)))
    products = [by(a[j], b[k - j]) for j in orders]
    return functools.reduce(operator.add, products) if products else 0


def product(a: Terms, b: Terms, n: int, by: Callable[[Any, Any], Any] = operator.mul) -> Terms:
    """a b, or another operation that is linear in both."""
    return [times(a, b, k, by) for k in range(min(n + 1, len(a) + len(b) - 1))]


def slopes(x: Terms) -> Terms:
    """dx/dt.

    >>> slopes([5.0, 2.0, 3.0])
    [2.0, 6.0]
    """
    return [k * x[k] for k in range(1, len(x))]


def integral(y: Any, dy: Terms) -> Terms:
    """The series with a value and a derivative."""
    return [y, *(d / k for k, d in enumerate(dy, 1))]


def quotient(y: Any, a: Terms, b: Terms, n: int) -> Terms:
    """y = a / b, from y b = a."""
    ys = [y]
    for k in range(1, n + 1 if len(b) > 1 else len(a)):
        ys.append(((a[k] if k < len(a) else 0) - times(b[1:], ys, k - 1)) / b[0])
    return ys


def exponential(y: Any, dq: Terms, n: int) -> Terms:
    """y = c exp(q), from dy = y dq."""
    ys = [y]
    for k in range(1, n + 1):
        ys.append(times(dq, ys, k - 1) / k)
    return ys


def power(y: Any, x: Terms, p: Any, n: int) -> Terms:
    """y = c x^p for a constant p, from x dy = p y dx."""
    ys = [y]
    for k in range(1, n + 1):
        weighted = [(p * j - (k - j)) * x[j] for j in range(1, min(k + 1, len(x)))]
        ys.append(times(weighted, ys, k - 1) / (k * x[0]))
    return ys


def sines(s: Any, c: Any, dx: Terms, n: int, sign: int) -> tuple[Terms, Terms]:
    """s and c from ds = c dx, dc = sign s dx: sine and cosine for sign = -1, sinh and cosh for 1."""
    ss, cs = [s], [c]
    for k in range(1, n + 1):
        ds, dc = times(dx, cs, k - 1) / k, sign * times(dx, ss, k - 1) / k
        ss.append(ds)
        cs.append(dc)
    return ss, cs


def tangents(y: Any, w: Any, dx: Terms, n: int, sign: int) -> tuple[Terms, Terms]:
    """y and w from dy = w dx, dw = 2 sign y w dx: tan and its derivative for sign = 1, tanh for -1.

    w has terms of its own, since 1 - tanh^2 would lose all digits in the tails.
    """
    ys, ws, both = [y], [w], []
    for k in range(1, n + 1):
        both.append(times(ys, ws, k - 1))
        dy, dw = times(dx, ws, k - 1) / k, 2 * sign * times(dx, both, k - 1) / k
        ys.append(dy)
        ws.append(dw)
    return ys, ws
