"""Attention layers and the transformer."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError
from autograd_lite.work import multiply_adds

from .. import functional, init
from ..functional.linear import affine
from ..module import InputError, Module, Parameter
from .containers import ModuleList
from .dropout import Dropout
from .linear import Linear
from .normalization import LayerNorm

__all__ = [
    "MultiheadAttention",
    "PositionalEncoding",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Array = npt.NDArray[Any]
Input = Tensor | Array
Mask = Array | Tensor | None


class MultiheadAttention(Module):
    """Attention in several subspaces at once: each head has its own projections of queries, keys and values.

    Args:
        embed_dim: E, the size of queries and of the output.
        num_heads: how many heads; E is a multiple of it.
        dropout: the probability with which an attention weight is dropped, in training.
        bias: whether the projections have biases.
        kdim: the size of keys, if not E.
        vdim: the size of values, if not E.
        batch_first: inputs and output are (B, T, E) and not (T, B, E).
        dtype: of the parameters.

    Raises:
        OptionError: E is no multiple of the heads.

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
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        if embed_dim % num_heads:
            raise OptionError(f"MultiheadAttention: {embed_dim} is no multiple of {num_heads} heads")
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = (
            embed_dim,
            num_heads,
            dropout,
            batch_first,
        )
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        sizes = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
        alike = self.kdim == self.vdim == embed_dim
        for name, size in sizes.items():
            weight = None if alike else init.xavier_uniform_(Parameter(np.empty((embed_dim, size), dtype)))
            self.register_parameter(f"{name}_proj_weight", weight)
        joined = init.xavier_uniform_(Parameter(np.empty((3 * embed_dim, embed_dim), dtype)))
        self.register_parameter("in_proj_weight", joined if alike else None)
        zeros = np.zeros(3 * embed_dim, dtype)
        self.register_parameter("in_proj_bias", Parameter(zeros) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

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
        """The attended values, and the weights.

        Args:
            query: (L, B, E), (B, L, E) if `batch_first`, or (L, E).
            key: (S, B, kdim) or as above.
            value: (S, B, vdim) or as above.
            key_padding_mask: (B, S): True for keys that are no part of their sequence, or numbers that are
                added to the scores.
            need_weights: if not, None comes in place of the weights.
            attn_mask: (L, S) or (B heads, L, S): True where a key must not be seen, or numbers to add.
            average_attn_weights: whether the weights are averaged over the heads.
            is_causal: position i sees 0 to i alone.

        Returns:
            The output in the shape of `query`, and weights (B, L, S), or (B, heads, L, S).
        """
        single = query.ndim == 2
        if query.ndim not in (2, 3) or query.shape[-1] != self.embed_dim:
            shape = f"(B, L, {self.embed_dim})" if self.batch_first else f"(L, B, {self.embed_dim})"
            raise InputError(self, f"expects queries of shape {shape}, got {query.shape}")
        axis = 0 if self.batch_first or single else 1
        q, k, v = (x[None] if single else np.swapaxes(x, 0, axis) for x in (query, key, value))
        B, L, E = q.shape
        S = k.shape[1]
        heads = tuple(
            np.swapaxes(np.reshape(x, (B, x.shape[1], self.num_heads, E // self.num_heads)), 1, 2)
            for x in self._projected(q, k, v)
        )
        mask = _added(attn_mask, (-1, self.num_heads, L, S))
        if key_padding_mask is not None:
            padding = _added(key_padding_mask, (B, 1, 1, S))
            mask = padding if mask is None else mask + padding
        weights = functional.attention_weights(heads[0], heads[1], mask, is_causal)
        if self.training:
            weights = functional.dropout(weights, self.dropout)
        joined = np.reshape(np.swapaxes(weights @ heads[2], 1, 2), (B, L, E))
        y = self.out_proj(joined)
        y = y[0] if single else np.swapaxes(y, 0, axis)
        if not need_weights:
            return y, None
        shown = np.mean(weights, axis=1) if average_attn_weights else weights
        return y, shown[0] if single else shown

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
        return [functional.linear(x, w, b) for x, w, b in parts]

    def _weights(self) -> list[Any]:
        """Those of the projections of queries, keys and values."""
        if self.in_proj_weight is None:
            return [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        return np.split(self.in_proj_weight, 3)


def _added(mask: Mask, shape: tuple[int, ...]) -> Any:
    """A mask as numbers that are added to scores; True stands for what must not be seen."""
    if mask is None:
        return None
    if mask.dtype == bool:
        hidden = mask.numpy() if isinstance(mask, Tensor) else mask
        mask = np.where(hidden, -np.inf, 0.0).astype(np.float32)
    return mask if mask.ndim == 2 and shape[0] == -1 else np.reshape(mask, shape)


# -- the transformer -------------------------------------------------------------------------------


def _activation(activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    if callable(activation):
        return activation
    if activation not in ("relu", "gelu"):
        raise OptionError(f'activation={activation!r}: expected "relu", "gelu" or a function')
    known: dict[str, Callable[[Any], Any]] = {"relu": functional.relu, "gelu": functional.gelu}
    return known[activation]


class TransformerEncoderLayer(Module):
    """Self-attention and then a small MLP at each position, each added to its input and normalized.

    Args:
        d_model: the size of the inputs.
        nhead: how many heads the attention has.
        dim_feedforward: the width of the MLP.
        dropout: the probability of all dropouts.
        activation: of the MLP: "relu", "gelu" or a function.
        layer_norm_eps: of the normalizations.
        batch_first: inputs are (B, T, d_model) and not (T, B, d_model).
        norm_first: normalize before each part instead of after it.
        bias: whether the linear layers and normalizations have biases.
        dtype: of the parameters.

    Source:
        A. Vaswani et al., "Attention is all you need", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.TransformerEncoderLayer(8, 2, 16)(np.zeros((5, 3, 8), np.float32)).shape
        (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype)
        self.norm1, self.norm2 = (
            LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype) for _ in range(2)
        )
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation, self.norm_first = _activation(activation), norm_first

    def forward(
        self, src: Input, src_mask: Mask = None, src_key_padding_mask: Mask = None, is_causal: bool = False
    ) -> Any:
        """The encoded sequence; for the masks see `MultiheadAttention`."""

        def attend(x: Any) -> Any:
            y, _ = self.self_attn(
                x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal and src_mask is None
            )
            return self.dropout1(y)

        x: Any = src
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + self._feed_forward(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + self._feed_forward(x))

    def _feed_forward(self, x: Any) -> Any:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(Module):
    """Self-attention, attention to the encoder's output, and a small MLP, each added and normalized.

    Args:
        d_model: the size of the inputs.
        nhead: how many heads each attention has.
        dim_feedforward: the width of the MLP.
        dropout: the probability of all dropouts.
        activation: of the MLP: "relu", "gelu" or a function.
        layer_norm_eps: of the normalizations.
        batch_first: inputs are (B, T, d_model) and not (T, B, d_model).
        norm_first: normalize before each part instead of after it.
        bias: whether the linear layers and normalizations have biases.
        dtype: of the parameters.

    Example:
        >>> import numpy as np, nn
        >>> target, memory = np.zeros((4, 3, 8), np.float32), np.zeros((5, 3, 8), np.float32)
        >>> nn.TransformerDecoderLayer(8, 2, 16)(target, memory).shape
        (4, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.self_attn, self.multihead_attn = (
            MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype)
            for _ in range(2)
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype)
        self.norm1, self.norm2, self.norm3 = (
            LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype) for _ in range(3)
        )
        self.dropout1, self.dropout2, self.dropout3 = (Dropout(dropout) for _ in range(3))
        self.activation, self.norm_first = _activation(activation), norm_first

    def forward(
        self,
        tgt: Input,
        memory: Input,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The decoded sequence; for the masks see `MultiheadAttention`."""

        def attend(x: Any) -> Any:
            causal = tgt_is_causal and tgt_mask is None
            y, _ = self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=causal)
            return self.dropout1(y)

        def look(x: Any) -> Any:
            causal = memory_is_causal and memory_mask is None
            y, _ = self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=causal
            )
            return self.dropout2(y)

        x: Any = tgt
        if self.norm_first:
            x = x + attend(self.norm1(x))
            x = x + look(self.norm2(x))
            return x + self._feed_forward(self.norm3(x))
        x = self.norm1(x + attend(x))
        x = self.norm2(x + look(x))
        return self.norm3(x + self._feed_forward(x))

    def _feed_forward(self, x: Any) -> Any:
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Module):
    """Encoder layers one after another.

    Args:
        encoder_layer: is copied.
        num_layers: how often.
        norm: a normalization of the output, or None.
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = ModuleList(copy.deepcopy(encoder_layer) for _ in range(num_layers))
        self.num_layers = num_layers
        self.register_module("norm", norm)

    def forward(
        self,
        src: Input,
        mask: Mask = None,
        src_key_padding_mask: Mask = None,
        is_causal: bool | None = None,
    ) -> Any:
        """The encoded sequence; for the masks see `MultiheadAttention`."""
        x: Any = src
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, bool(is_causal))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Decoder layers one after another.

    Args:
        decoder_layer: is copied.
        num_layers: how often.
        norm: a normalization of the output, or None.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = ModuleList(copy.deepcopy(decoder_layer) for _ in range(num_layers))
        self.num_layers = num_layers
        self.register_module("norm", norm)

    def forward(
        self,
        tgt: Input,
        memory: Input,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The decoded sequence; for the masks see `MultiheadAttention`."""
        x: Any = tgt
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask,
                memory_mask,
                tgt_key_padding_mask,
                memory_key_padding_mask,
                bool(tgt_is_causal),
                memory_is_causal,
            )
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder and a decoder that reads what the encoder gives.

    Args:
        d_model: the size of the inputs.
        nhead: how many heads each attention has.
        num_encoder_layers: of the encoder.
        num_decoder_layers: of the decoder.
        dim_feedforward: the width of the MLPs.
        dropout: the probability of all dropouts.
        activation: of the MLPs: "relu", "gelu" or a function.
        layer_norm_eps: of the normalizations.
        batch_first: inputs are (B, T, d_model) and not (T, B, d_model).
        norm_first: normalize before each part instead of after it.
        bias: whether the linear layers and normalizations have biases.
        dtype: of the parameters.

    Source:
        A. Vaswani et al., "Attention is all you need", 2017.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        options: dict[str, Any] = {
            "dim_feedforward": dim_feedforward,
            "dropout": dropout,
            "activation": activation,
            "layer_norm_eps": layer_norm_eps,
            "batch_first": batch_first,
            "norm_first": norm_first,
            "bias": bias,
            "dtype": dtype,
        }
        norms = [LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype) for _ in range(2)]
        encoder = TransformerEncoderLayer(d_model, nhead, **options)
        decoder = TransformerDecoderLayer(d_model, nhead, **options)
        self.encoder = TransformerEncoder(encoder, num_encoder_layers, norms[0])
        self.decoder = TransformerDecoder(decoder, num_decoder_layers, norms[1])
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def forward(
        self,
        src: Input,
        tgt: Input,
        src_mask: Mask = None,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        src_key_padding_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
    ) -> Any:
        """The decoded sequence; for the masks see `MultiheadAttention`."""
        memory = self.encoder(src, src_mask, src_key_padding_mask)
        return self.decoder(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)

    @staticmethod
    def generate_square_subsequent_mask(sz: int) -> Array:
        """A mask that hides the future: 0 where position i may see j <= i, else -inf.

        >>> Transformer.generate_square_subsequent_mask(2).tolist()
        [[0.0, -inf], [0.0, 0.0]]
        """
        return np.where(np.tri(sz, dtype=np.bool_), 0.0, -np.inf).astype(np.float32)


class PositionalEncoding(Module):
    """Adds to each position sines and cosines of it, so that attention can tell where it is.

    sin(t / 10000^(2i / d)) in feature 2i and the cosine in feature 2i + 1.

    Args:
        d_model: d, the size of the inputs.
        dropout: the probability of the dropout that follows.
        max_len: the longest sequence.
        batch_first: inputs are (B, T, d) and not (T, B, d).

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
        """The size, and the longest sequence."""
        return f"{self.d_model}, max_len={len(self.pe)}"
