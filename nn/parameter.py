"""Parameter: a Tensor that a module learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Device, Tensor

__all__ = ["Buffer", "Parameter", "dtype_of", "set_default_dtype"]


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


class Buffer:
    """An array that a module keeps but does not learn: assigned to a module, it becomes a buffer.

    Args:
        data: the array.
        persistent: include the buffer in the `state_dict`.

    Example:
        >>> import numpy as np, nn
        >>> layer = nn.Linear(2, 2)
        >>> layer.scale = nn.Buffer(np.ones(2))
        >>> layer.scale, [name for name, _ in layer.named_buffers()]
        (array([1., 1.]), ['scale'])
    """

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        self.data, self.persistent = data, persistent


_default: npt.DTypeLike = np.float32


def set_default_dtype(dtype: npt.DTypeLike) -> None:
    """Set the dtype of the parameters of layers that are made without a `dtype`; at first float32."""
    global _default
    _default = dtype


def dtype_of(device: Any, dtype: npt.DTypeLike | None) -> npt.DTypeLike:
    """The dtype of the parameters of a new layer.

    Args:
        device: the device that the user asks for; None or "cpu".
        dtype: the dtype that the user asks for; None for the default, float32.

    Raises:
        UnsupportedError: another device.

    Example:
        >>> np.dtype(dtype_of("cpu", None)).name, np.dtype(dtype_of(None, np.float64)).name
        ('float32', 'float64')
    """
    if device is not None:
        Device(device)
    return _default if dtype is None else dtype
