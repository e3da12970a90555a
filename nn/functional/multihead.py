"""Attention with several heads as a function of its weights, and masks as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from .attention import attention_weights
from .dropout import dropout
from .linear import linear

__all__ = ["multi_head_attention_forward"]

Array = npt.NDArray[Any]
Mask = Array | Tensor | None


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Mask = None,
    need_weights: bool = True,
    attn_mask: Mask = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """What `nn.MultiheadAttention` computes, from its weights; the sequence is the first axis of all inputs.

    The arguments are those of the layer and of its call. `static_k` and `static_v` are not supported.
    """
    _check(query, embed_dim_to_check, num_heads, static_k is not None or static_v is not None)
    single = query.ndim == 2
    inputs = [x[:, None] if single else x for x in (query, key, value)]
    own = (q_proj_weight, k_proj_weight, v_proj_weight)
    weights = own if use_separate_proj_weight else np.split(in_proj_weight, 3)
    biases = [None] * 3 if in_proj_bias is None else np.split(in_proj_bias, 3)
    q, k, v = (linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True))
    (L, B, _), S = q.shape, k.shape[0]
    zeros = np.zeros((1, 1, embed_dim_to_check), k.dtype) if add_zero_attn else None
    k, v = _with_rows(k, bias_k, zeros), _with_rows(v, bias_v, zeros)
    mask = joined_mask(attn_mask, key_padding_mask, (B, num_heads, L, S), is_causal, len(k) - S)
    q, k, v = (np.moveaxis(np.reshape(x, (len(x), B, num_heads, -1)), 0, 2) for x in (q, k, v))
    shares = attention_weights(q, k, mask)
    y = dropout(shares, dropout_p, training) @ v
    y = linear(np.reshape(np.moveaxis(y, 2, 0), (L, B, -1)), out_proj_weight, out_proj_bias)
    y = y[:, 0] if single else y
    if not need_weights:
        return y, None
    shares = np.mean(shares, axis=1) if average_attn_weights else shares
    return y, shares[0] if single else shares


def _check(query: Any, size: int, heads: int, static: bool) -> None:
    if query.ndim not in (2, 3) or query.shape[-1] != size:
        raise ShapeError(
            f"multi_head_attention_forward expects queries (L, B, {size}) or (L, {size}), got {query.shape}"
        )
    if size % heads:
        raise OptionError(f"multi_head_attention_forward: {size} is no multiple of {heads} heads")
    if static:
        raise OptionError(
            "multi_head_attention_forward: static_k and static_v are not supported; leave them None"
        )


def _with_rows(x: Any, *rows: Any) -> Any:
    """Sequences (S, B, E) with more entries at their ends."""
    there = [np.broadcast_to(row, (1, *x.shape[1:])) for row in rows if row is not None]
    return np.concatenate([x, *there]) if there else x


def joined_mask(
    attn_mask: Mask, padding: Mask, shape: tuple[int, int, int, int], causal: bool, extra: int
) -> Any:
    """All masks as numbers that are added to the scores.

    Args:
        attn_mask: of shape (L, S) or (B heads, L, S): True where a query must not see a key, or numbers.
        padding: of shape (B, S): True for a key that is padding, or numbers.
        shape: (B, heads, L, S).
        causal: let position i see only the positions 0 to i.
        extra: the number of keys at the end that all queries see.
    """
    B, heads, L, S = shape
    mask = _added(attn_mask, (-1, heads, L, S))
    if padding is not None:
        hidden = _added(padding, (B, 1, 1, S))
        mask = hidden if mask is None else mask + hidden
    if causal:
        future = np.where(np.tri(L, S, dtype=np.bool_), 0, -np.inf).astype(np.float32)
        mask = future if mask is None else mask + future
    if extra and mask is not None:
        mask = np.concatenate([mask, np.zeros((*mask.shape[:-1], extra), mask.dtype)], axis=-1)
    return mask


def _added(mask: Mask, shape: tuple[int, ...]) -> Any:
    """A mask as numbers that are added to the scores; True in the mask hides a key."""
    if mask is None:
        return None
    if mask.dtype == bool:
        hidden = mask.numpy() if isinstance(mask, Tensor) else mask
        mask = np.where(hidden, -np.inf, 0.0).astype(np.float32)
    return mask if mask.ndim == 2 and shape[0] == -1 else np.reshape(mask, shape)
