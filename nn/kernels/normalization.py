"""Standardization: mean 0 and variance 1 over some axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.sums import mean, total, widened

from .native import normalization as native
from .native import twin

__all__ = [
    "moments",
    "normalize_channels",
    "normalize_channels_backward",
    "normalize_rows",
    "normalize_rows_backward",
    "normalized",
    "normalized_backward",
    "standardize",
    "standardize_backward",
]

Array = npt.NDArray[Any]

PIECE = 512
"""The number of products in one sum of BLAS, which keeps at least 32 partial sums."""


@twin(native.standardize)
def standardize(x: Array, *, axes: tuple[int, ...], eps: float) -> tuple[Array, Any]:
    """(x - mean) / sqrt(variance + eps); the residuals are the result and 1 / sqrt(variance + eps)."""
    wide = widened(x)
    y = wide - mean(wide, axes, keepdims=True)
    scale = 1 / np.sqrt(_mean(y, y, axes) + np.asarray(eps, y.dtype))
    y *= scale
    return (y if wide is x else y.astype(x.dtype)), (y, scale, axes)


@twin(native.standardize_backward)
def standardize_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """(g - mean of g - y mean of g y) / sqrt(variance + eps)."""
    y, scale, axes = residuals
    y, scale = y.conj(), scale.conj()
    average = mean(g, axes, keepdims=True)
    # The mean of y is 0 up to rounding. A large mean of g would magnify this error, so it is taken out.
    gx = y * (average * mean(y, axes, keepdims=True) - _mean(g, y, axes))
    gx += g
    gx -= average
    gx *= scale
    return (gx,)


@twin(native.normalize_rows)
def normalize_rows(x: Array, w: Array, b: Array | None, *, eps: float) -> tuple[Array, Any]:
    """Each row of x (rows, n) standardized, times w, plus b; and the residuals."""
    z, (_, scales, _) = standardize.__wrapped__(x, axes=(1,), eps=eps)  # type: ignore[attr-defined]
    y = z * w
    if b is not None:
        y += b
    return y, (z, scales[:, 0], w)


@twin(native.normalize_rows_backward)
def normalize_rows_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """The cotangents of x, w and b."""
    z, scales, w = residuals
    (gx,) = standardize_backward.__wrapped__(g * w, (z, scales[:, None], (1,)), needs)  # type: ignore[attr-defined]
    return gx, total(g * z, 0), total(g, 0)


@twin(native.normalize_channels)
def normalize_channels(x: Array, w: Array, b: Array, *, eps: float) -> tuple[Array, Any]:
    """Each channel of x (N, C, ...) standardized, times w, plus b; and the residuals."""
    axes, shape = (0, *range(2, x.ndim)), (-1, *(1 for _ in x.shape[2:]))
    z, (_, scales, _) = standardize.__wrapped__(x, axes=axes, eps=eps)  # type: ignore[attr-defined]
    y = z * w.reshape(shape)
    y += b.reshape(shape)
    return y, (z, scales.reshape(-1), w)


@twin(native.normalize_channels_backward)
def normalize_channels_backward(
    g: Array, residuals: Any, needs: tuple[bool, ...]
) -> tuple[Array | None, ...]:
    """The cotangents of x, w and b."""
    z, scales, w = residuals
    axes, shape = (0, *range(2, g.ndim)), (1, -1, *(1 for _ in g.shape[2:]))
    inner = z, (scales * w).reshape(shape), axes
    (gx,) = standardize_backward.__wrapped__(g, inner, needs)  # type: ignore[attr-defined]
    return gx, total(g * z, axes), total(g, axes)


def normalized(x: Array, w: Array, b: Array | None, *, eps: float) -> tuple[Array, Any]:
    """`normalize_rows` over the last axes of x (..., *w.shape)."""
    rows = x.reshape(math.prod(x.shape[: x.ndim - w.ndim]), w.size)
    y, residuals = normalize_rows(rows, w.reshape(-1), None if b is None else b.reshape(-1), eps=eps)
    return y.reshape(x.shape), (residuals, w.shape)


def normalized_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """The cotangents of x, w and b."""
    residuals, shape = residuals
    gx, dw, db = normalize_rows_backward(g.reshape(residuals[0].shape), residuals, needs)
    return gx.reshape(g.shape), dw.reshape(shape), db.reshape(shape)  # type: ignore[union-attr]


@twin(native.moments)
def moments(x: Array, *, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Mean and unbiased variance over the axes; float16 is summed in float32."""
    x = widened(x)
    count = math.prod(x.shape[k] for k in axes)
    average = mean(x, axes, keepdims=True)
    d = x - average
    return np.squeeze(average, axes), np.squeeze(_mean(d, d.conj(), axes).real * (count / (count - 1)), axes)


def _mean(a: Array, b: Array, axes: tuple[int, ...]) -> Array:
    """The mean of a b over the last axes, the first axis, or both, without an array for the product."""
    ndim, count = a.ndim, math.prod(a.shape[k] for k in axes)
    summed = {k % ndim for k in axes}
    first = next(k for k in range(ndim + 1) if summed.issuperset(range(k, ndim)))
    shape = a.shape[:first]
    if first < ndim:
        length = math.prod(a.shape[first:])
        sums = _of_rows(a.reshape(*shape, length), b.reshape(*shape, length))
        sums = total(sums, tuple(k for k in summed if k < first))
    else:
        sums = _of_columns(a, b)
    return np.expand_dims(sums / max(count, 1), axes).astype(np.result_type(a, b), copy=False)


def _of_rows(a: Array, b: Array) -> Array:
    """The sum of a b along the last axis."""
    a, pieces = a.conj(), a.shape[-1] // PIECE
    if pieces < 2:
        return np.asarray(np.vecdot(a, b))
    cut = pieces * PIECE
    parts = [x[..., :cut].reshape(*x.shape[:-1], pieces, PIECE) for x in (a, b)]
    return np.asarray(total(np.vecdot(*parts), -1) + np.vecdot(a[..., cut:], b[..., cut:]))


def _of_columns(a: Array, b: Array) -> Array:
    """The sum of a b along the first axis; the products are first folded to a sixteenth of its length."""
    part = len(a) // 16
    cut = 16 * part
    parts = [x[:cut].reshape(16, part, *x.shape[1:]) for x in (a, b)]
    sums = np.asarray(total(np.einsum("ij...,ij...->j...", *parts), 0))
    return sums if cut == len(a) else sums + total(a[cut:] * b[cut:], 0)
