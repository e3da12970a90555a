"""The transformer: encoder, decoder, and their layers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError

from .. import functional, init
from ..module import Module
from ..parameter import dtype_of
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .linear import Linear
from .normalization import LayerNorm

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Array = npt.NDArray[Any]
Input = Tensor | Array
Mask = Array | Tensor | None


def _activation(activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    if callable(activation):
        return activation
    if activation not in ("relu", "gelu"):
        raise OptionError(f'activation={activation!r}: expected "relu", "gelu" or a function')
    known: dict[str, Callable[[Any], Any]] = {"relu": functional.relu, "gelu": functional.gelu}
    return known[activation]


class TransformerLayer(Module):
    """What encoder and decoder layers share: sublayers, each added to its input and normalized."""

    attentions: ClassVar[tuple[str, ...]] = ("self_attn",)

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
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        parts = range(1, len(self.attentions) + 2)
        for name in self.attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype
            )
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype)
        for i in parts:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype))
        for i in parts:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation, self.norm_first = _activation(activation), norm_first

    def through(self, x: Any, *attends: Callable[[Any], Any]) -> Any:
        """Apply the attentions and the MLP, each followed by dropout, added to its input and normalized."""
        for i, part in enumerate((*attends, self._feed_forward), start=1):
            norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
            x = x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))
        return x

    def _feed_forward(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(TransformerLayer):
    """Self-attention and an MLP at each position, each added to its input and normalized.

    Args:
        d_model: the length of the last axis of inputs and output.
        nhead: the number of heads of the attention.
        dim_feedforward: the width of the MLP.
        dropout: the probability with which each dropout drops an entry, in training.
        activation: the activation function of the MLP: "relu", "gelu" or a function.
        layer_norm_eps: added to the variance in the normalizations.
        batch_first: take inputs of shape (B, T, d_model), not (T, B, d_model).
        norm_first: normalize the input of each sublayer, not its output.
        bias: add learned biases in the linear layers and normalizations.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Source:
        A. Vaswani et al., "Attention is all you need", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.TransformerEncoderLayer(8, 2, 16)(np.zeros((5, 3, 8), np.float32)).shape
        (5, 3, 8)
    """

    def forward(
        self, src: Input, src_mask: Mask = None, src_key_padding_mask: Mask = None, is_causal: bool = False
    ) -> Any:
        """The encoded sequence; for the masks see `MultiheadAttention`."""

        def attend(x: Any) -> Any:
            causal = is_causal and src_mask is None
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=causal)[0]

        return self.through(src, attend)


class TransformerDecoderLayer(TransformerLayer):
    """Self-attention, attention to the encoder's output, and an MLP, each added to its input and normalized.

    The arguments are those of `TransformerEncoderLayer`.

    Example:
        >>> import numpy as np, nn
        >>> target, memory = np.zeros((4, 3, 8), np.float32), np.zeros((5, 3, 8), np.float32)
        >>> nn.TransformerDecoderLayer(8, 2, 16)(target, memory).shape
        (4, 3, 8)
    """

    attentions = ("self_attn", "multihead_attn")

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
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=causal)[0]

        def look(x: Any) -> Any:
            causal = memory_is_causal and memory_mask is None
            keys, padding = memory, memory_key_padding_mask
            return self.multihead_attn(x, keys, keys, padding, False, memory_mask, is_causal=causal)[0]

        return self.through(tgt, attend, look)


class Stack(Module):
    """What encoder and decoder share: a chain of copies of a layer, and a normalization."""

    def build(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        """Make the chain of copies of a layer."""
        self.layers = ModuleList(copy.deepcopy(layer) for _ in range(num_layers))
        self.num_layers = num_layers
        self.register_module("norm", norm)

    def through(self, x: Any, *arguments: Any) -> Any:
        """Apply all layers, each called with the arguments, and the normalization."""
        for layer in self.layers:
            x = layer(x, *arguments)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(Stack):
    """A chain of encoder layers.

    Args:
        encoder_layer: the layer, of which each layer of the chain is a copy.
        num_layers: the number of copies.
        norm: a layer that normalizes the output, or None.
        enable_nested_tensor: has no effect; in PyTorch it skips padding in evaluation.
        mask_check: has no effect, for the same reason.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check
        self.build(encoder_layer, num_layers, norm)

    def forward(
        self,
        src: Input,
        mask: Mask = None,
        src_key_padding_mask: Mask = None,
        is_causal: bool | None = None,
    ) -> Any:
        """The encoded sequence; for the masks see `MultiheadAttention`."""
        return self.through(src, mask, src_key_padding_mask, bool(is_causal))


class TransformerDecoder(Stack):
    """A chain of decoder layers.

    Args:
        decoder_layer: the layer, of which each layer of the chain is a copy.
        num_layers: the number of copies.
        norm: a layer that normalizes the output, or None.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.build(decoder_layer, num_layers, norm)

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
        padding = tgt_key_padding_mask, memory_key_padding_mask
        causal = bool(tgt_is_causal), memory_is_causal
        return self.through(tgt, memory, tgt_mask, memory_mask, *padding, *causal)


class Transformer(Module):
    """An encoder, and a decoder that attends to the output of the encoder.

    Args:
        d_model: the length of the last axis of inputs and output.
        nhead: the number of heads of each attention.
        num_encoder_layers: the number of layers of the encoder.
        num_decoder_layers: the number of layers of the decoder.
        dim_feedforward: the width of the MLPs.
        dropout: the probability with which each dropout drops an entry, in training.
        activation: the activation function of the MLPs: "relu", "gelu" or a function.
        custom_encoder: a module in place of the encoder.
        custom_decoder: a module in place of the decoder.
        layer_norm_eps: added to the variance in the normalizations.
        batch_first: take inputs of shape (B, T, d_model), not (T, B, d_model).
        norm_first: normalize the input of each sublayer, not its output.
        bias: add learned biases in the linear layers and normalizations.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

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
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        options = (
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first,
            bias, device, dtype,
        )  # fmt: skip
        norms = [LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype) for _ in range(2)]
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*options), num_encoder_layers, norms[0]
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*options), num_decoder_layers, norms[1]
        )
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw new initial values of all matrices."""
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
    def generate_square_subsequent_mask(
        sz: int, device: Any = None, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """A mask that hides the future: 0 for j <= i, so that position i sees position j, else -inf.

        >>> Transformer.generate_square_subsequent_mask(2).tolist()
        [[0.0, -inf], [0.0, 0.0]]
        """
        return np.where(np.tri(sz, dtype=np.bool_), 0.0, -np.inf).astype(dtype_of(device, dtype))
