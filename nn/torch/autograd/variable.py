"""`torch.autograd.variable`: the former name of a Tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensors import Tensor, torched

__all__ = ["Variable"]


class _AnyTensor(type):
    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor)


class Variable(metaclass=_AnyTensor):
    """A Tensor off the tape, with the same values; programs for the first PyTorch wrap their Tensors in it.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.autograd.Variable(torch.ones(2), requires_grad=True)
        >>> x.requires_grad, isinstance(x, torch.autograd.Variable)
        (True, True)
    """

    def __new__(cls, data: Any, requires_grad: bool = False, volatile: bool = False) -> Any:
        """Make a Tensor, not a Variable."""
        own = torched(data.detach() if isinstance(data, Tensor) else np.asarray(data))
        return own.requires_grad_() if requires_grad else own
