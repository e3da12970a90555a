"""What layers are called on while a model is constructed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Input", "Symbol"]


class Symbol:
    """The output of a layer, without a value: its shape, and where it comes from.

    Attributes:
        shape: of one sample.
        layer: the layer; None for an input.
        inputs: the symbols that the layer was called on.
    """

    def __init__(self, shape: tuple[int, ...], layer: Any = None, inputs: tuple[Symbol, ...] = ()) -> None:
        self.shape, self.layer, self.inputs = shape, layer, inputs

    def __repr__(self) -> str:
        return f"<Symbol {(None, *self.shape)} of {self.layer.name if self.layer else 'an input'}>"


def Input(shape: Sequence[int]) -> Symbol:  # noqa: N802  (Keras' name)
    """The input of a model.

    Args:
        shape: of one sample, without the batch.

    Example:
        >>> from nn import keras
        >>> keras.Input(shape=(28, 28))
        <Symbol (None, 28, 28) of an input>
    """
    return Symbol(tuple(shape))
