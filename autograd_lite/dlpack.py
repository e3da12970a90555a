"""Tensors around the memory of other libraries' arrays."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from .arrays import stored
from .box import wrap
from .errors import UnsupportedError
from .tensor import Tensor

__all__ = ["from_dlpack"]


def from_dlpack(x: Any) -> Tensor:
    """A Tensor that shares the memory of an array of another library, e.g. of a `torch.Tensor` on the CPU.

    What either side writes into its array, the other side sees. In the other direction, `np.from_dlpack(x)`
    and `torch.from_dlpack(x)` take a Tensor that is not on the tape.

    Args:
        x: an array with the methods `__dlpack__` and `__dlpack_device__`.

    Raises:
        UnsupportedError: `x` has no such methods, has a dtype that NumPy lacks, is not on the CPU, or
            requires a gradient in its library.

    Source: the DLPack protocol of the Python array API standard.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> a = np.zeros(3)
        >>> x = ag.from_dlpack(a)
        >>> a[0] = 7.0
        >>> x
        Tensor([7., 0., 0.], shape=(3,), dtype=float64)
    """
    try:
        array = np.from_dlpack(x)
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(x, Tensor):
            raise
        raise UnsupportedError(
            f"from_dlpack({type(x).__name__}): {error}. Expected an array on the CPU that is on no tape and "
            "has a dtype of NumPy; in PyTorch, write ag.from_dlpack(t.detach().cpu()), with t.float() for "
            "bfloat16"
        ) from error
    return cast(Tensor, wrap(stored(array)))
