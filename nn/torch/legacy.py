"""PyTorch's old types, such as `torch.FloatTensor`: constructors with a fixed dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from .creation import tensor, zeros
from .dtypes import dtype, of
from .functions.typing import LETTERS
from .tensors import Tensor


class _Typed(type):
    """A Tensor is an instance of the type of its dtype."""

    dtype: dtype

    def __call__(cls, *args: Any, device: Any = None) -> Any:
        """A Tensor of a list of numbers, or zeros of a shape."""
        if args and np.ndim(args[0]) == 0 and not isinstance(args[0], Tensor):
            return zeros(*args, dtype=cls.dtype)
        return tensor(args[0] if args else (), dtype=cls.dtype)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype == cls.dtype


TYPES = {f"{word}Tensor": _Typed(f"{word}Tensor", (), {"dtype": of(name)}) for word, name in LETTERS.items()}
"""The types by name, for the namespace of `torch`."""


def dtype_of_type(t: Any) -> dtype:
    """The dtype of an old type, of its name, or of a dtype itself."""
    if isinstance(t, str):
        t = TYPES[t.removeprefix("torch.")]
    return t.dtype if isinstance(t, _Typed) else of(t)
