"""Mean 0 and variance 1 over some axes: arrays in, arrays out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["standardize", "standardize_backward"]

Array = npt.NDArray[Any]


def standardize(x: Array, *, axes: tuple[int, ...], eps: float) -> tuple[Array, Any]:
    """(x - mean) / sqrt(variance + eps); the residuals are the result and 1 / sqrt(variance + eps)."""
    wide = widened(x)
    y = wide - wide.mean(axis=axes, keepdims=True)
    scale = 1 / np.sqrt(_mean(y, y, axes) + np.asarray(eps, y.dtype))
    y *= scale
    return (y if wide is x else y.astype(x.dtype)), (y, scale, axes)


def standardize_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """(g - mean of g - y mean of g y) / sqrt(variance + eps)."""
    y, scale, axes = residuals
    y, scale = y.conj(), scale.conj()
    gx = y * -_mean(g, y, axes)
    gx += g
    gx -= g.mean(axis=axes, keepdims=True)
    gx *= scale
    return (gx,)


def widened(x: Array) -> Array:
    """Half precision in single, for its squares overflow and its sums stall; another array as it is."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _mean(a: Array, b: Array, axes: tuple[int, ...]) -> Array:
    """The mean of a b over the axes, without an array for the product."""
    letters = "abcdefgh"[: a.ndim]
    kept = "".join(c for i, c in enumerate(letters) if i not in {k % a.ndim for k in axes})
    count = math.prod(a.shape[k] for k in axes)
    total = np.einsum(f"{letters},{letters}->{kept}", a, b) / max(count, 1)
    mean: Array = np.expand_dims(total, axes).astype(np.result_type(a, b), copy=False)
    return mean
