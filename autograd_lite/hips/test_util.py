"""Checks of derivatives along random directions, for a program's own tests.

`autograd_lite.testing.check_grads` checks every entry, and names the op to blame.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tree
from ..aliases import Function
from ..errors import GradientCheckError
from .core import conjugated, inexact, make_jvp, make_vjp, vspace
from .wrap_util import get_name, unary_to_nary

__all__ = ["check_equivalent", "check_grads", "check_jvp", "check_vjp", "combo_check", "scalar_close"]

EPS = 1e-6
TOL = 1e-6


def scalar_close(a: Any, b: Any) -> bool:
    """Whether two numbers differ by less than 1e-6, absolutely or relatively."""
    return bool(abs(a - b) < TOL or abs(a - b) < TOL * abs(a + b))


def _numeric(f: Function, x: Any, v: Any) -> Any:
    """The derivative of f at x along v, by central differences."""
    space = vspace(x)
    above, below = (f(space.add(x, space.scalar_mul(v, step))) for step in (EPS / 2, -EPS / 2))
    out = vspace(above)
    return out.scalar_mul(out.add(above, out.scalar_mul(below, -1.0)), 1.0 / EPS)


def _require(close: bool, mode: str, f: Function, x: Any, analytic: Any, numeric: Any) -> None:
    if not close:
        raise GradientCheckError(
            f"the {mode} check of {get_name(f)} failed at {x}: the derivative along a random direction is "
            f"{analytic} by the rules and {numeric} by finite differences; "
            "autograd_lite.testing.check_grads names the op to blame"
        )


def check_vjp(f: Function, x: Any) -> None:
    """Check the first derivative in reverse mode."""
    x = inexact(x)
    vjp, y = make_vjp(f, x)
    v, w = vspace(x).randn(), vspace(y).randn()
    analytic = vspace(x).inner_prod(v, conjugated(vjp(conjugated(w))))
    numeric = vspace(y).inner_prod(w, _numeric(f, x, v))
    _require(scalar_close(analytic, numeric), "reverse-mode (VJP)", f, x, analytic, numeric)


def check_jvp(f: Function, x: Any) -> None:
    """Check the first derivative in forward mode."""
    x = inexact(x)
    v = vspace(x).randn()
    analytic, numeric = make_jvp(f, x)(v)[1], _numeric(f, x, v)
    close = vspace(analytic) == vspace(numeric) and _are_close(analytic, numeric)
    _require(close, "forward-mode (JVP)", f, x, analytic, numeric)


def _are_close(x: Any, y: Any) -> bool:
    """Whether the products of two values with a random vector are close."""
    v = vspace(x).randn()
    return scalar_close(vspace(x).inner_prod(x, v), vspace(y).inner_prod(y, v))


@unary_to_nary
def check_grads(f: Function, x: Any, modes: Sequence[str] = ("fwd", "rev"), order: int = 2) -> None:
    """Compare derivatives with finite differences: `check_grads(f, argnum=0, modes=..., order=2)(*args)`.

    The second order is the first order of the derivative along a random direction.

    Raises:
        GradientCheckError: a derivative is wrong. It is an AssertionError.

    Example:
        >>> check_grads(np.sin, order=2)(1.0)
    """
    for mode in modes:
        check = {"fwd": check_jvp, "rev": check_vjp}[mode]
        check(f, x)
        if order > 1:
            directional, v = _derivative(f, x, mode)
            check_grads(directional, (0, 1), modes, order=order - 1)(x, v)


def _derivative(f: Function, x: Any, mode: str) -> tuple[Function, Any]:
    """The derivative of f in a mode as a function of the point and the direction, and a direction."""

    def pushed(x: Any, v: Any) -> Any:
        return make_jvp(f, x)(v)[1]

    def pulled(x: Any, w: Any) -> Any:
        return make_vjp(f, x)[0](w)

    derivative, of = (pushed, x) if mode == "fwd" else (pulled, f(x))
    derivative.__name__ = f"the derivative of {get_name(f)}"
    return derivative, vspace(inexact(of)).randn()


def check_equivalent(x: Any, y: Any) -> None:
    """Assert that two values have the same structure, shapes and dtypes, and the same numbers to 1e-6."""
    if vspace(x) != vspace(y):
        raise GradientCheckError(f"the values have different spaces: {vspace(x)} and {vspace(y)}")
    for a, b in zip(tree.flatten(x)[0], tree.flatten(y)[0], strict=True):
        if not np.allclose(a, b, TOL, TOL):
            raise GradientCheckError(f"the values differ: {x} and {y}")


def combo_check(fun: Function, *options: Any, **named: Any) -> Function:
    """Check a function for all combinations of the arguments in lists."""

    def checked(*lists: Any, **named_lists: Any) -> None:
        for args in itertools.product(*lists):
            for values in itertools.product(*named_lists.values()):
                check_grads(fun, *options, **named)(*args, **dict(zip(named_lists, values, strict=True)))

    return checked
