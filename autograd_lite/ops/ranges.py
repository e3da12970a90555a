"""Arrays made from Tensors: numbers between two ends, and arrays filled with one value."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import dtype_of, shape_of
from ..known import Composition, defvjp, known
from ..sums import total
from ..tensor import Tensor
from .shaping import filling

__all__: list[str] = []


def _along(num: int, endpoint: bool, ndim: int) -> Any:
    """The relative distances of `num` points from the first end, 0 to 1, along the first of `ndim` axes."""
    return np.reshape(np.linspace(0.0, 1.0, num, endpoint), (num, *[1] * (ndim - 1)))


def _linspace(g: Any, num: int, endpoint: bool, axis: int, to_stop: bool) -> Any:
    """The cotangent of one end of y = (1 - t) a + t b, for t from 0 to 1."""
    g = np.moveaxis(g, axis, 0)
    t = _along(num, endpoint, len(g.shape)).astype(g.dtype)
    return total(g * (t if to_stop else 1 - t), 0)


defvjp(
    np.linspace,
    lambda g, y, a, b, num=50, endpoint=True, dtype=None, axis=0: _linspace(g, num, endpoint, axis, False),
    lambda g, y, a, b, num=50, endpoint=True, dtype=None, axis=0: _linspace(g, num, endpoint, axis, True),
    broadcasts=True,
    flow="mixes",
)
# y = a^(1 - t) b^t, so log(y) is the linspace of log(a) and log(b).
defvjp(
    np.geomspace,
    lambda g, y, a, b, num=50, endpoint=True, dtype=None, axis=0: (
        _linspace(g * y, num, endpoint, axis, False) / a
    ),
    lambda g, y, a, b, num=50, endpoint=True, dtype=None, axis=0: (
        _linspace(g * y, num, endpoint, axis, True) / b
    ),
    broadcasts=True,
    flow="mixes",
)


def _logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    if shape_of(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    powers = base ** np.linspace(start, stop, num, endpoint, axis=axis)
    return powers if dtype is None else powers.astype(dtype)


def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, *, shape: Any = None
) -> Any:
    shape = shape_of(a) if shape is None else (shape,) if np.ndim(shape) == 0 else tuple(shape)
    fill = fill_value if isinstance(fill_value, Tensor) else Tensor(fill_value)
    return filling(fill.astype(dtype_of(a) if dtype is None else dtype), shape)


known[np.logspace] = Composition(_logspace)
known[np.full_like] = Composition(_full_like)
