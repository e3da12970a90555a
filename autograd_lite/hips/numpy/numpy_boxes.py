"""The class of arrays on the tape, under the name that programs ask for."""

from ...tensor import Tensor as ArrayBox

__all__ = ["ArrayBox"]
