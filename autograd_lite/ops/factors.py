"""Derivatives of products of many factors: the whole product, and the running product.

The derivative by a factor is the product of the other factors. Division of the whole product by the factor
would fail at zeros, so the other factors are multiplied. A partial product may leave the range of floats
though the result is an ordinary number. Then the factors get exponents of their own (`wide.py`). Both
derivatives are linear in the cotangent. So each is an op of its own, and its derivative is the same op along
one more direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import is_array, ones, zeros
from ..known import defvjp
from .wide import Jet, arranged, tame

__all__ = ["others", "pulled"]

# -- all but one -----------------------------------------------------------------------------------


@primitive
def others(x: Any, *along: Any) -> Any:
    """For each entry along axis 0 the product of all other entries, differentiated along directions."""
    n = x.shape[0]
    if n == 0:
        return x
    padding = (1 << (n - 1).bit_length()) - n
    if padding:
        shape = (padding, *x.shape[1:])
        x = np.concatenate([x, ones(shape, like=x)])
        along = tuple(np.concatenate([h, zeros(shape, like=h)]) for h in along)
    one, still = np.ones_like(x[:1]), (np.zeros_like(h[:1]) for h in along)
    wide = not tame(x, *along)
    if along or wide:
        x, one = Jet.of(x, *along, wide=wide), Jet.of(one, *still, wide=wide)
        return _all_but_one(x, one, n + padding)[:n].last()
    return _all_but_one(x, one, n + padding)[:n]


def _all_but_one(x: Any, one: Any, n: int) -> Any:
    """For each of n entries the product of the others; n is a power of two.

    Going up a binary tree, pairs are multiplied. Going down, each branch receives the product of the other
    branch. The work is O(n), and zeros are exact.
    """
    rest, levels = one, []
    while n > 1:
        levels.append((x[0::2], x[1::2]))
        x, n = levels[-1][0] * levels[-1][1], n // 2
    for even, odd in reversed(levels):
        rest = arranged(_interleaved, rest * odd, rest * even)
    return rest


def _interleaved(even: Any, odd: Any) -> Any:
    return np.reshape(np.stack([even, odd], axis=1), (2 * even.shape[0], *even.shape[1:]))


def _others_rule(i: int, g: Any, y: Any, x: Any, *along: Any) -> Any:
    """Mixed derivatives of a product are symmetric, so the pullback of g is the derivative along g."""
    rest = along if i == 0 else (*along[: i - 1], *along[i:])
    return others(x, *rest, g)


defvjp(others, each=_others_rule)

# -- running products ------------------------------------------------------------------------------


@primitive
def running(x: Any, *along: Any) -> Any:
    """The running product along axis 0, differentiated along directions."""
    return _running(Jet.of(x, *along, wide=not tame(x, *along)), len(x)).last()


def _running(x: Any, n: int) -> Any:
    """By doubling: each entry becomes the product of the last 1, 2, 4, 8, ... entries up to it."""
    if is_array(x):
        return np.cumprod(x, axis=0, dtype=x.dtype)
    step = 1
    while step < n:
        x = arranged(_joined, x[:step], x[step:] * x[:-step])
        step *= 2
    return x


@primitive
def pulled(g: Any, x: Any, *along: Any) -> Any:
    """The cotangent of x in a running product, differentiated along directions of x."""
    n = len(x)
    wide = not tame(x, g, *along)
    whole = np.concatenate([np.ones_like(x[:1]), x, g])
    if along or wide:
        still = np.zeros_like(x[:1]), np.zeros_like(g)
        moving = (np.concatenate([still[0], h, still[1]]) for h in along)
        return _pulled(Jet.of(whole, *moving, wide=wide), n).last()
    return _pulled(whole, n)


def _pulled(z: Any, n: int) -> Any:
    """For each entry i, the product of the entries before it, times s_i = g_i + x_(i+1) s_(i+1).

    The recurrence is solved by doubling: first s covers one entry, then 2, 4, 8, ...; `factor` is the product
    of the x in between. The array z holds 1, x and g.
    """
    factor, s, step = z[2 : n + 1], z[n + 1 :], 1
    while step < n:
        s = arranged(_joined, s[:-step] + factor * s[step:], s[-step:])
        factor = factor[: max(0, n - 2 * step)] * factor[step:]
        step *= 2
    return _running(z[:n], n) * s


def _joined(one: Any, two: Any) -> Any:
    return np.concatenate([one, two])


def _running_rule(i: int, g: Any, y: Any, x: Any, *along: Any) -> Any:
    return pulled(g, x, *(along if i == 0 else (*along[: i - 1], *along[i:])))


def _pulled_rule(i: int, u: Any, y: Any, g: Any, x: Any, *along: Any) -> Any:
    """`pulled` is linear in g. Its derivatives by x and by a direction are `pulled` along u."""
    if i == 0:
        return running(x, *along, u)
    return pulled(g, x, *(along if i == 1 else (*along[: i - 2], *along[i - 1 :])), u)


defvjp(running, each=_running_rule)
defvjp(pulled, each=_pulled_rule)
