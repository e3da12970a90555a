"""Checks of derivatives, for a program's own tests."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tree
from ..aliases import Function
from ..testing import check_grads as check
from .core import inexact, vspace
from .wrap_util import unary_to_nary

__all__ = ["check_equivalent", "check_grads", "check_jvp", "check_vjp", "combo_check"]


@unary_to_nary
def check_grads(f: Function, x: Any, modes: Sequence[str] = ("fwd", "rev"), order: int = 2) -> None:
    """Compare derivatives with finite differences: `check_grads(f, argnum=0, modes=..., order=2)(*args)`.

    Raises:
        GradientCheckError: a derivative is wrong. It is an AssertionError, and names the op to blame.

    Example:
        >>> check_grads(np.sin, order=2)(1.0)
    """
    check(f, (inexact(x),), order=order, modes=tuple(modes))


def check_vjp(f: Function, x: Any) -> None:
    """Check the first derivative in reverse mode."""
    check_grads(f, modes=["rev"], order=1)(x)


def check_jvp(f: Function, x: Any) -> None:
    """Check the first derivative in forward mode."""
    check_grads(f, modes=["fwd"], order=1)(x)


def check_equivalent(x: Any, y: Any) -> None:
    """Assert that two values have the same structure, shapes and dtypes, and the same numbers to 1e-6."""
    assert vspace(x) == vspace(y), f"{vspace(x)} is not {vspace(y)}"
    difference = vspace(x).add(x, vspace(y).scalar_mul(y, -1.0))
    for d, a in zip(*(tree.flatten(v)[0] for v in (difference, x)), strict=True):
        assert np.all(np.abs(d) <= 1e-6 * np.maximum(1.0, np.abs(a))), f"{x} is not {y}"


def combo_check(fun: Function, *options: Any, **named: Any) -> Function:
    """Check a function for all combinations of the arguments in lists."""

    @functools.wraps(fun)
    def checked(*lists: Any, **named_lists: Any) -> None:
        for args in itertools.product(*lists):
            for values in itertools.product(*named_lists.values()):
                kwargs = dict(zip(named_lists, values, strict=True))
                check_grads(fun, *options, **named)(*args, **kwargs)

    return checked
