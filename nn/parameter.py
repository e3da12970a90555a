"""Parameter: a Tensor that a module learns."""

from __future__ import annotations

from typing import Any

from autograd_lite import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor, survives=False):
    """A Tensor that a module learns: it requires a gradient, and a module that owns it lists it.

    Args:
        data: a number, a nested list, an array or a Tensor; it is copied and keeps its dtype.
        requires_grad: False freezes the parameter.
        name: the name in `print(tape)` and in pictures.

    Raises:
        DTypeError: `requires_grad` with an integer or boolean array.

    Example:
        >>> import numpy as np, nn
        >>> nn.Parameter(np.zeros(2, np.float32)).dtype
        dtype('float32')
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, name: str | None = None) -> None:
        super().__init__(data, requires_grad=requires_grad, name=name)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
