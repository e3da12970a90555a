"""Softmax and log-softmax along the last axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.sums import narrowed, total, widened

from .native import rows as native
from .native import twin
from .windows import Array

__all__ = [
    "log_softmax",
    "log_softmax_backward",
    "log_softmax_of_rows",
    "log_softmax_of_rows_backward",
    "softmax",
    "softmax_backward",
    "softmax_of_rows",
    "softmax_of_rows_backward",
]


@twin(native.softmax)
def softmax(
    x: Array,
    *,
    out: Array | None = None,
    first: int | None = None,
    empty: float = math.nan,
    alone: bool = False,
) -> Array:
    """exp(x) / sum(exp(x)) along the last axis.

    Args:
        x: scores, of shape (..., n).
        out: an array for the result, perhaps x itself.
        first: for causal rows: in x (..., rows, n), row i sees the scores 0 to first + i. Others become 0.
        empty: what becomes of a row of -inf.
        alone: stay on the caller's thread, which may be one of the kernels' threads.
    """
    if first is not None:
        x = np.where(np.tri(x.shape[-2], x.shape[-1], first, dtype=bool), x, -np.inf)
    y: Array = ag.softmax(x)
    if not math.isnan(empty) and (rows := (x == -np.inf).all(axis=-1)).any():
        y[rows] = empty
    if out is None:
        return y
    out[...] = y
    return out


@twin(native.softmax_backward)
def softmax_backward(g: Array, y: Array, *, out: Array | None = None, alone: bool = False) -> Array:
    """y (g - sum of g y); the options are those of `softmax`."""
    gx = np.multiply(y, g - total(g * y, -1, keepdims=True), out=out)
    return _balanced(gx, y)


@twin(native.log_softmax)
def log_softmax(x: Array) -> Array:
    """x - log(sum(exp(x))) along the last axis."""
    y: Array = ag.log_softmax(x)
    return y


@twin(native.log_softmax_backward)
def log_softmax_backward(g: Array, p: Array) -> Array:
    """g - p sum of g, where p is the softmax."""
    return _balanced(g - p * total(g, -1, keepdims=True), p)


# -- with residuals --------------------------------------------------------------------------------


def softmax_of_rows(x: Array) -> tuple[Array, Any]:
    """The softmax, which is its own residual; half precision is computed in single precision."""
    y = softmax(widened(x))
    return narrowed(y, x), y


def softmax_of_rows_backward(g: Array, y: Array, needs: tuple[bool, ...]) -> tuple[Array]:
    """The cotangent of x."""
    return (softmax_backward(widened(g), y),)


def log_softmax_of_rows(x: Array) -> tuple[Array, Any]:
    """The log-softmax, and x for the backward pass."""
    x_wide = widened(x)
    return narrowed(log_softmax(x_wide), x), x_wide


def log_softmax_of_rows_backward(g: Array, x: Array, needs: tuple[bool, ...]) -> tuple[Array]:
    """The cotangent of x."""
    return (log_softmax_backward(widened(g), softmax(x)),)


def _balanced(gx: Array, p: Array) -> Array:
    """gx, where the entry of a probability above 1/2 becomes minus the sum of the others.

    The entries of a row add up to 0. For a p near 1, the difference 1 - p has lost its digits.
    """
    large = p > 0.5
    if large.any():
        gx[large] = 0
        gx[large] = -np.broadcast_to(total(gx, -1, keepdims=True), gx.shape)[large]
    return gx
