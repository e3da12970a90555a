"""PyTorch's Tensor: a Tensor whose methods mean what they mean in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import tree

from .grad_fn import grad_fn_of

__all__ = ["Tensor", "torched"]


class Tensor(ag.Tensor):
    """A Tensor with PyTorch's methods; an op with one among its inputs gives one."""

    __slots__ = ()

    @property
    def grad_fn(self) -> Any:
        """The step that computed this Tensor, with PyTorch's names; None for a leaf or a constant."""
        return None if self.is_leaf else grad_fn_of(self.node)


def torched(value: Any) -> Any:
    """Arrays and Tensors, also in nested containers, as Tensors of this class; the rest as it is.

    Example:
        >>> import numpy as np
        >>> type(torched({"w": np.ones(2)})["w"]).__module__
        'nn.torch.tensors'
    """
    return tree.map_leaves(_torched, value)


def _torched(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x
    if isinstance(x, ag.Tensor):
        tensor = object.__new__(Tensor)
        tensor._data, tensor._name, tensor._views, tensor.node = x._data, None, None, x.node
        return tensor
    if isinstance(x, (np.ndarray, np.generic)):
        return Tensor(np.asarray(x))
    return x
