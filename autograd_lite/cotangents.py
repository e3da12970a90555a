"""Cotangents: the values that travel back along the tape.

A cotangent is one object. It is an array or a NumPy scalar, or a Tensor if the pass itself is recorded. For a
step with several results it is a tuple. If some entries are dead it is `Masked` (see `liveness.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .apply import output
from .arrays import asarray, is_array, refuse_other_arithmetic, unwrap
from .box import Box, wrap
from .errors import DTypeError, NotDifferentiableError, ShapeError
from .known import Rule
from .node import Node, op_name
from .sums import unbroadcast
from .words.explain import describe

__all__ = ["DEAD", "Cotangent", "Mask", "Masked", "add", "bare", "complete", "conjugate", "fit", "is_complex"]

Cotangent = Any
"""An array, a NumPy scalar, a Tensor, `Masked`, or a tuple of these with None for unused results."""

_FLOAT = np.float64
_ARRAY = np.ndarray


class Mask:
    """The live entries of a cotangent, computed on first use."""

    __slots__ = ("_compute", "_live")

    def __init__(self, compute: Callable[[], Any]) -> None:
        self._compute: Callable[[], Any] | None = compute
        self._live: Any = None

    def live(self) -> Any:
        if self._compute is not None:
            self._live, self._compute = self._compute(), None
        return self._live

    def __or__(self, other: Mask) -> Mask:
        """An entry is live if it is live in one of the two masks."""
        live = self.live() | other.live()
        return Mask(lambda: live)

    def over_members(self, parent: int, step: int) -> Mask:
        """The mask of the cotangent that is summed over the members of a batch: live where one of them is."""

        def live() -> Any:
            own = self.live()
            shared = getattr(own, "__array_shared__", None)
            return own if shared is None else shared(1 * own, parent, step) != 0

        return Mask(live)

    def summed(self, shape: tuple[int, ...]) -> Mask:
        """The mask of the cotangent after its sum back to a smaller shape."""
        return Mask(lambda: unbroadcast(self.live().astype(float), shape) != 0)


class Masked:
    """A cotangent with dead entries.

    Attributes:
        g: the cotangent itself.
        mask: the live entries of g.
    """

    __slots__ = ("g", "mask")
    __array_ufunc__ = None  # so that NumPy calls the methods below for sums

    def __init__(self, g: Cotangent, mask: Mask) -> None:
        self.g, self.mask = g, mask

    def __add__(self, other: Cotangent) -> Cotangent:
        """Fan-in: an entry is live if one of its uses is."""
        if other.__class__ is Masked:
            return Masked(add(self.g, other.g), self.mask | other.mask)
        return add(self.g, other)

    def __radd__(self, other: Cotangent) -> Cotangent:
        return add(other, self.g)


_ZERO = np.float64(0.0)
DEAD = Masked(_ZERO, Mask(lambda: np.False_))
"""The cotangent of a single number that no consumer selected."""


def bare(g: Cotangent) -> Any:
    """The array of a cotangent, without its mask and off the tape."""
    if g is DEAD:
        return _ZERO
    return unwrap(g.g if g.__class__ is Masked else g)


# -- fan-in ----------------------------------------------------------------------------------------


def add(a: Cotangent, b: Cotangent) -> Cotangent:
    """Fan-in: the sum of the cotangents of two uses of one value.

    If the newer cotangent `b` is large and nobody else holds it, the sum is written into b. The memory of b
    is still in the cache. Otherwise the sum is a new array, since a and b may be views.
    """
    if a is DEAD or b is DEAD:
        return b if a is DEAD else a
    if a.__class__ is _FLOAT or a.__class__ is Masked or b.__class__ is Masked:
        return a + b
    if a.__class__ is tuple:
        return tuple(y if x is None else x if y is None else add(x, y) for x, y in zip(a, b, strict=True))
    fresh = b.__class__ is _ARRAY and b.size >= _LARGE and sys.getrefcount(b) <= _FRESH
    if fresh and a.__class__ is _ARRAY and b.base is None and b.flags.writeable:
        return np.add(a, b, out=b)
    total = a + b
    return total if total.dtype == a.dtype else total.astype(a.dtype)  # NumPy adds in its own byte order


_LARGE = 1 << 15


def _fresh() -> int:
    g = np.zeros(1)
    return (lambda a, b: sys.getrefcount(b))(None, g)


_FRESH = _fresh()
"""The references to an array that only the caller of `add` holds."""


# -- complex numbers and several results -----------------------------------------------------------


def complete(g: tuple[Any, ...], y: tuple[Any, ...]) -> tuple[Any, ...]:
    """The cotangents of all results of an op, with zeros for unused results."""
    return tuple(np.zeros_like(v) if x is None else x for x, v in zip(g, y, strict=True))


def is_complex(g: Cotangent) -> bool:
    """Whether a cotangent, or one in a tuple, is complex."""
    if g.__class__ is tuple:
        return any(x is not None and is_complex(x) for x in g)
    return bool(g.dtype.kind == "c")


def conjugate(g: Cotangent) -> Cotangent:
    """The conjugate of a cotangent.

    Rules are written for plain calculus: they return g dy/dx. The gradient of a real loss, as the direction
    of steepest ascent, is conj(conj(g) dy/dx). So a cotangent is conjugated before and after the rule.
    """
    if g.__class__ is tuple:
        return tuple(x if x is None else np.conjugate(x) for x in g)
    return np.conjugate(g)


# -- from the result of a rule to the cotangent of an input ----------------------------------------


def fit(gx: Any, arg: Any, rule: Rule, node: Node, i: int) -> Any:
    """Convert the result of a rule for the i-th input of a step to the shape and dtype of the input."""
    if not (isinstance(gx, Box) or is_array(gx)):
        if gx is None:
            raise no_rule(node, i)
        if node.op is output:
            return gx
        if not isinstance(gx, (int, float, complex)):
            raise _no_cotangent(node, i, gx)
        gx = asarray(gx)
    elif gx.__class__ is not _ARRAY:
        refuse_other_arithmetic(gx, f"the derivative rule of {op_name(node.op)} for argument {i}")
    if gx.shape != arg.shape:
        if not rule.broadcasts:
            raise ShapeError(
                f"the derivative rule of {op_name(node.op)} for argument {i} returned shape {gx.shape}, "
                f"but the argument has shape {arg.shape}; if the op broadcasts, declare it with "
                "@ag.primitive(broadcasts=True)"
            )
        gx = unbroadcast(gx, arg.shape)
    if gx.dtype != arg.dtype:
        if gx.dtype.kind not in "biufc":
            raise _no_cotangent(node, i, gx)
        if gx.dtype.kind == "c" and arg.dtype.kind != "c":
            gx = np.real(gx)
        gx = gx.astype(arg.dtype)
    if isinstance(arg, Box):
        return gx if isinstance(gx, Box) else wrap(gx)
    gx = unwrap(gx)
    return gx[()] if gx.ndim == 0 else gx


def _no_cotangent(node: Node, i: int, gx: Any) -> DTypeError:
    return DTypeError(
        f"the derivative rule of {op_name(node.op)} for argument {i} returned {describe(gx)}, a "
        f"{type(gx).__name__}; expected one array of numbers, the cotangent of that argument"
    )


def no_rule(node: Node, i: int) -> NotDifferentiableError:
    """The error for an input of a step for which the op has no rule."""
    name = op_name(node.op)
    return NotDifferentiableError(
        f"{name} has no derivative rule for argument {i}; give it one with ag.defvjp({name}, ...), or "
        "make the argument a constant: ag.stop_gradient(x)"
    )
