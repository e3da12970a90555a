"""Attention: means of values, weighted by the softmax of the products of keys and a query."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import ShapeError

from ..kernels import attention as kernels
from .dropout import dropout
from .exactness import exact

__all__ = ["attention_weights", "scaled_dot_product_attention"]

Array = npt.NDArray[Any]
Input = Tensor | Array


@ag.fused(kernels.attention, kernels.attention_backward, work=kernels.attention_work)
def attention(q: Any, k: Any, v: Any, mask: Any, *, causal: bool, scale: float, weights: bool = False) -> Any:
    """softmax(scale q k^T + mask) v; with `weights` also the softmax."""
    p = _weights(q, k, mask, causal, scale)
    return (p @ v, p) if weights else p @ v


@ag.fused(kernels.self_attention, kernels.self_attention_backward, work=kernels.self_attention_work)
def self_attention(
    qkv: Any, mask: Any, *, heads: int, causal: bool, scale: float, weights: bool = False
) -> Any:
    """The attention of several heads, joined along the last axis, from q, k and v side by side."""
    B, T, size = qkv.shape
    parts = np.reshape(qkv, (B, T, 3, heads, size // (3 * heads)))
    q, k, v = (np.swapaxes(parts[:, :, i], 1, 2) for i in range(3))
    p = _weights(q, k, mask, causal, scale)
    y = np.reshape(np.swapaxes(p @ v, 1, 2), (B, T, size // 3))
    return (y, p) if weights else y


def has_kernel(mask: Any, dtype: np.dtype[Any], lead: tuple[int, ...]) -> bool:
    """Whether the kernels serve a mask: a constant that changes neither shape nor dtype of the scores.

    Args:
        mask: a mask, or None.
        dtype: the dtype of the scores.
        lead: the leading axes of the scores, those of the heads.
    """
    if dtype.kind != "f" or mask is None:
        return dtype.kind == "f"
    own = mask.shape[:-2]
    return (
        getattr(mask, "node", None) is None
        and 2 <= mask.ndim <= len(lead) + 2
        and np.can_cast(mask.dtype, dtype)
        and all(n in (1, m) for n, m in zip(own[::-1], lead[::-1], strict=False))
    )


@exact
def scaled_dot_product_attention(
    query: Input,
    key: Input,
    value: Input,
    attn_mask: Array | Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(q k^T / sqrt(E)) v.

    Args:
        query: q, of shape (..., L, E).
        key: k, of shape (..., S, E).
        value: v, of shape (..., S, V).
        attn_mask: broadcast to (..., L, S): True where a query sees a key, or numbers that are added to
            the scores. A query that sees no key has the output 0.
        dropout_p: the probability with which a weight is dropped.
        is_causal: let query i see only the keys 0 to i.
        scale: multiplies q k^T, by default 1 / sqrt(E).
        enable_gqa: let groups of heads of the queries share a head of keys and values. The number of heads,
            the third axis from the end, is a multiple of theirs.

    Returns:
        An array of shape (..., L, V).

    Raises:
        ShapeError: queries and keys have different sizes E, or the numbers of heads do not fit.

    Source:
        A. Vaswani et al., "Attention is all you need", 2017; J. Ainslie et al., "GQA: training generalized
        multi-query transformer models", 2023.

    Example:
        >>> import numpy as np
        >>> x = np.eye(2)[None]
        >>> scaled_dot_product_attention(x, x, x, is_causal=True)[0, 0].tolist()
        [1.0, 0.0]
    """
    if enable_gqa:
        key, value = (_shared(query, x) for x in (key, value))
    lead, dtype = query.shape[:-2], query.dtype
    alike = all(x.shape[:-2] == lead and x.dtype == dtype for x in (key, value))
    if dropout_p or not alike or not has_kernel(attn_mask, dtype, lead):
        return dropout(attention_weights(query, key, attn_mask, is_causal, scale), dropout_p) @ value
    scale = _scale(query, key, scale)
    return attention(query, key, value, attn_mask, causal=bool(is_causal), scale=scale)


@exact
def attention_weights(
    query: Input,
    key: Input,
    attn_mask: Array | Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """softmax(q k^T / sqrt(E)), of shape (..., L, S), and 0 for a query that sees no key.

    Args:
        query: q, of shape (..., L, E).
        key: k, of shape (..., S, E).
        attn_mask: as in `scaled_dot_product_attention`.
        is_causal: let query i see only the keys 0 to i.
        scale: multiplies q k^T, by default 1 / sqrt(E).

    Raises:
        ShapeError: queries and keys have different sizes E.
    """
    return _weights(query, key, attn_mask, is_causal, _scale(query, key, scale))


def _shared(query: Input, x: Any) -> Any:
    """Keys or values with each head repeated, one for each head of the queries."""
    heads, own = query.shape[-3], x.shape[-3]
    if heads % own:
        raise ShapeError(
            f"attention: queries {query.shape} and keys or values {x.shape}; expected a multiple of "
            "their number of heads"
        )
    return np.repeat(x, heads // own, axis=-3)


def _scale(query: Input, key: Input, scale: float | None) -> float:
    """The factor of the scores; refuse queries and keys of different sizes."""
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(f"attention: queries {query.shape} and keys {key.shape} differ in the last axis")
    return 1 / math.sqrt(query.shape[-1]) if scale is None else scale


def _weights(q: Any, k: Any, mask: Any, causal: bool, scale: float) -> Any:
    scores = (q * scale) @ np.matrix_transpose(k)
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=np.bool_), scores, -np.inf)
    if mask is not None:
        if mask.dtype == bool:
            scores = np.where(mask, scores, -np.inf)
        else:
            scores = scores + mask
        blind = np.all(scores == -np.inf, axis=-1, keepdims=True)
        if blind.any():
            return np.where(blind, 0, ag.softmax(np.where(blind, 0, scores), axis=-1))
    return ag.softmax(scores, axis=-1)
