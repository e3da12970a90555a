"""Attention in several heads, and the encoding of positions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError
from autograd_lite.work import multiply_adds

from .. import functional, init
from ..functional.attention import attention, has_kernel, self_attention
from ..functional.linear import affine
from ..functional.multihead import joined_mask
from ..module import InputError, Module, Parameter
from ..parameter import dtype_of
from .dropout import Dropout
from .linear import Linear

__all__ = ["MultiheadAttention", "PositionalEncoding"]

Array = npt.NDArray[Any]
Input = Tensor | Array
Mask = Array | Tensor | None


class MultiheadAttention(Module):
    """Attention with several heads, each with its own projections of queries, keys and values.

    Args:
        embed_dim: E, the size of the queries and of the output.
        num_heads: the number of heads, a divisor of E.
        dropout: the probability with which an attention weight is dropped, in training.
        bias: add learned biases to the projections.
        add_bias_kv: add a learned key and value, which every query may attend to.
        add_zero_attn: add a key and value of zeros, which every query may attend to.
        kdim: the size of the keys, by default E.
        vdim: the size of the values, by default E.
        batch_first: take inputs and give output of shape (B, T, E), not (T, B, E).
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Raises:
        OptionError: E is no multiple of the number of heads.

    Source:
        A. Vaswani et al., "Attention is all you need", 2017.

    Example:
        >>> import numpy as np, nn
        >>> x = np.zeros((2, 5, 8), np.float32)
        >>> y, weights = nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x)
        >>> y.shape, weights.shape
        ((2, 5, 8), (2, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        if embed_dim % num_heads:
            raise OptionError(f"MultiheadAttention: {embed_dim} is no multiple of {num_heads} heads")
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = (
            embed_dim,
            num_heads,
            dropout,
            batch_first,
        )
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.add_zero_attn, self.head_dim = add_zero_attn, embed_dim // num_heads
        sizes = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
        alike = self.kdim == self.vdim == embed_dim
        for name, size in sizes.items():
            weight = None if alike else Parameter(np.empty((embed_dim, size), dtype))
            self.register_parameter(f"{name}_proj_weight", weight)
        joined = Parameter(np.empty((3 * embed_dim, embed_dim), dtype)) if alike else None
        self.register_parameter("in_proj_weight", joined)
        zeros = np.zeros(3 * embed_dim, dtype)
        self.register_parameter("in_proj_bias", Parameter(zeros) if bias else None)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(
                name, Parameter(np.empty((1, 1, embed_dim), dtype)) if add_bias_kv else None
            )
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw new initial values for all but `out_proj.weight`."""
        for name, parameter in self._parameters.items():
            if parameter is not None and name.endswith("proj_weight"):
                init.xavier_uniform_(parameter)
            elif parameter is not None and name in ("bias_k", "bias_v"):
                init.xavier_normal_(parameter)
        for zeros in (self.in_proj_bias, self.out_proj.bias):
            if zeros is not None:
                init.zeros_(zeros)

    if TYPE_CHECKING:  # several outputs

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def forward(
        self,
        query: Input,
        key: Input,
        value: Input,
        key_padding_mask: Mask = None,
        need_weights: bool = True,
        attn_mask: Mask = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The weighted means of the values, and the weights.

        Args:
            query: of shape (L, B, E), with `batch_first` (B, L, E), or (L, E).
            key: of shape (S, B, kdim), (B, S, kdim) or (S, kdim).
            value: of shape (S, B, vdim), (B, S, vdim) or (S, vdim).
            key_padding_mask: of shape (B, S): True for a key that is padding, or numbers that are added to
                the scores.
            need_weights: return the weights; if False, None in their place.
            attn_mask: of shape (L, S) or (B heads, L, S): True where a query must not see a key, or
                numbers that are added to the scores.
            average_attn_weights: return the mean of the weights over the heads.
            is_causal: let position i see only the positions 0 to i.

        Returns:
            The output, of the shape of `query`, and the weights, of shape (B, L, S) or (B, heads, L, S).
        """
        single = query.ndim == 2
        if query.ndim not in (2, 3) or query.shape[-1] != self.embed_dim:
            shape = f"(B, L, {self.embed_dim})" if self.batch_first else f"(L, B, {self.embed_dim})"
            raise InputError(self, f"expects queries of shape {shape}, got {query.shape}")
        batched = _with_batch if single else self._batch_first
        alike = query is key is value
        batch = (batched(query),) * 3 if alike else tuple(map(batched, (query, key, value)))
        (B, L, _), S = batch[0].shape, batch[1].shape[1]
        extra = self._extra()  # the added keys are no position of the sequence: all queries see them
        sizes = B, self.num_heads, L, S
        mask = joined_mask(attn_mask, key_padding_mask, sizes, is_causal and extra > 0, extra)
        is_causal = is_causal and not extra
        joined, weights = self._attended(batch, mask, is_causal, alike, need_weights)
        y = self.out_proj(joined)
        y = y[0] if single else self._batch_first(y)
        if not need_weights:
            return y, None
        shown = np.mean(weights, axis=1) if average_attn_weights else weights
        return y, shown[0] if single else shown

    def _extra(self) -> int:
        """The number of keys that are added to those of the input."""
        return int(self.bias_k is not None) + int(self.add_zero_attn)

    def _batch_first(self, x: Any) -> Any:
        """The input or the output with the batch as its first axis, or from there back."""
        return x if self.batch_first else np.swapaxes(x, 0, 1)

    def _attended(
        self, batch: tuple[Any, ...], mask: Any, causal: bool, alike: bool, need_weights: bool
    ) -> tuple[Any, Any]:
        """The attention of all heads, joined, and the weights."""
        (B, L, E), heads = batch[0].shape, self.num_heads
        dropped = self.dropout if self.training else 0
        served = not dropped and has_kernel(mask, batch[0].dtype, (B, heads))
        options = {"causal": causal, "scale": 1 / math.sqrt(E // heads), "weights": need_weights}
        if served and alike and self.in_proj_weight is not None and not self._extra():
            qkv = functional.linear(batch[0], self.in_proj_weight, self.in_proj_bias)
            y = self_attention(qkv, mask, heads=heads, **options)
            return y if need_weights else (y, None)
        q, k, v = (
            np.swapaxes(np.reshape(x, (B, x.shape[1], heads, E // heads)), 1, 2)
            for x in self._projected(*batch)
        )
        if served:
            y = attention(q, k, v, mask, **options)
            y, weights = y if need_weights else (y, None)
        else:
            weights = functional.attention_weights(q, k, mask, causal)
            y = functional.dropout(weights, dropped) @ v
        return np.reshape(np.swapaxes(y, 1, 2), (B, L, E)), weights

    def multiply_adds(self, args: tuple[Any, ...], output: Any) -> int:
        """The projections of queries, keys and values, their scores, and the weighted sums."""
        query, key, value = args[:3]
        axis = 1 if self.batch_first and query.ndim > 2 else 0
        pairs = zip((query, key, value), self._weights(), strict=True)
        projections = sum(multiply_adds(affine, np.empty((*x.shape[:-1], len(w))), x, w) for x, w in pairs)
        return projections + int(2 * query.size * key.shape[axis])

    def _projected(self, q: Any, k: Any, v: Any) -> list[Any]:
        biases = [None] * 3 if self.in_proj_bias is None else np.split(self.in_proj_bias, 3)
        parts = zip((q, k, v), self._weights(), biases, strict=True)
        q, k, v = (functional.linear(x, w, b) for x, w, b in parts)
        if self.bias_k is not None:
            k, v = (_with_row(x, bias) for x, bias in ((k, self.bias_k), (v, self.bias_v)))
        if self.add_zero_attn:
            k, v = (_with_row(x, np.zeros((1, 1, self.embed_dim), x.dtype)) for x in (k, v))
        return [q, k, v]

    def _weights(self) -> list[Any]:
        """The weights of the projections of queries, keys and values."""
        if self.in_proj_weight is None:
            return [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        return np.split(self.in_proj_weight, 3)


def _with_row(x: Any, row: Any) -> Any:
    """A batch of sequences (B, S, E) with one more entry at the end of each."""
    return np.concatenate([x, np.broadcast_to(row, (len(x), 1, x.shape[-1]))], axis=1)


def _with_batch(x: Any) -> Any:
    """A single sequence as a batch of one."""
    return x[None]


class PositionalEncoding(Module):
    """Adds sines and cosines of the position t to the input, so that attention knows the position.

    Feature 2i gets sin(t / 10000^(2i / d)), and feature 2i + 1 gets the cosine of the same angle.

    Args:
        d_model: d, the length of the last axis of the input.
        dropout: the probability of the dropout that follows.
        max_len: the length of the longest sequence.
        batch_first: take inputs of shape (B, T, d), not (T, B, d).

    Source:
        A. Vaswani et al., "Attention is all you need", section 3.5, 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.PositionalEncoding(2, dropout=0.0)(np.zeros((2, 1, 2)))[:, 0].round(3).tolist()
        [[0.0, 1.0], [0.841, 0.54]]
    """

    def __init__(
        self, d_model: int, dropout: float = 0.1, max_len: int = 5000, batch_first: bool = False
    ) -> None:
        self.dropout = Dropout(dropout)
        self.d_model, self.batch_first = d_model, batch_first
        even = np.arange(0, d_model, 2)
        angles = np.arange(max_len)[:, None] * np.exp(-math.log(10000.0) * even / d_model)
        table = np.zeros((max_len, d_model))
        table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles[:, : d_model // 2])
        self.register_buffer("pe", table.astype(np.float32), persistent=False)

    def forward(self, x: Input) -> Any:
        T = x.shape[-2] if self.batch_first or x.ndim == 2 else x.shape[0]
        if x.shape[-1] != self.d_model or len(self.pe) < T:
            raise InputError(
                self, f"expects up to {len(self.pe)} positions of size {self.d_model}, got {x.shape}"
            )
        table = self.pe[:T] if self.batch_first or x.ndim == 2 else self.pe[:T, None]
        return self.dropout(x + table.astype(x.dtype))

    def extra_repr(self) -> str:
        """The size, and the length of the longest sequence."""
        return f"{self.d_model}, max_len={len(self.pe)}"
