"""The softmax and functions made of it: probabilities of classes from scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor

from ..random import draw
from . import rows
from .exactness import exact

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmin"]

Array = npt.NDArray[Any]
Input = Tensor | Array


@exact
def gumbel_softmax(
    logits: Input, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Any:
    """softmax((x + G) / tau) with Gumbel noise G: a differentiable random draw of a class.

    Args:
        logits: x, of any shape.
        tau: the temperature; the lower, the closer the result is to one class.
        hard: give exactly one class, with the gradient of the soft result.
        eps: has no effect.
        dim: the axis of the classes.

    Source:
        E. Jang et al., "Categorical reparameterization with Gumbel-softmax", 2017.
    """
    drawn = ag.drawn(lambda shape: draw("gumbel", size=shape), logits.shape).astype(logits.dtype)
    soft = softmax((logits + drawn) / tau, dim)
    if not hard:
        return soft
    plain = ag.stop_gradient(soft)
    one = (plain == np.max(plain, axis=dim, keepdims=True)).astype(plain.dtype)
    return soft + (one - plain)


@exact
def softmax(
    input: Input, dim: int | None = None, _stacklevel: int = 3, dtype: npt.DTypeLike | None = None
) -> Any:
    """e^x / sum(e^x) along an axis: positive numbers with sum 1.

    Args:
        input: x, of any shape.
        dim: the axis of the classes. The default is axis 1, and axis 0 for x of shape (C,) or (C, H, W).
        _stacklevel: has no effect.
        dtype: cast x to this dtype first.
    """
    input, axis = _cast(input, dtype), _axis(input, dim)
    return rows.softmax(input) if _is_last(input, axis) else ag.softmax(input, axis=axis)


@exact
def softmin(
    input: Input, dim: int | None = None, _stacklevel: int = 3, dtype: npt.DTypeLike | None = None
) -> Any:
    """softmax(-x).

    Args:
        input: x, of any shape.
        dim: the axis of the classes; the default is as in `softmax`.
        _stacklevel: has no effect.
        dtype: cast x to this dtype first.
    """
    return softmax(-input, dim, dtype=dtype)


@exact
def log_softmax(
    input: Input, dim: int | None = None, _stacklevel: int = 3, dtype: npt.DTypeLike | None = None
) -> Any:
    """log(softmax(x)), exact where softmax underflows.

    Args:
        input: x, of any shape.
        dim: the axis of the classes; the default is as in `softmax`.
        _stacklevel: has no effect.
        dtype: cast x to this dtype first.
    """
    input, axis = _cast(input, dtype), _axis(input, dim)
    return rows.log_softmax(input) if _is_last(input, axis) else ag.log_softmax(input, axis=axis)


def _cast(input: Input, dtype: npt.DTypeLike | None) -> Any:
    return input if dtype is None else input.astype(dtype)


def _axis(input: Input, dim: int | None) -> int:
    """The axis of the classes."""
    return dim if dim is not None else 0 if input.ndim in (0, 1, 3) else 1


def _is_last(input: Input, axis: Any) -> bool:
    """Whether an axis is the last one, which the kernels serve."""
    return input.ndim > 0 and input.dtype.kind == "f" and axis in (-1, input.ndim - 1)
