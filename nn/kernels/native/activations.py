"""The native activation functions; names and arguments as in `nn/kernels/activations.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..threads import in_parallel
from ..windows import Array
from . import call, native_type

__all__ = ["activate", "activate_backward"]

FORMULAS = {"gelu": 0, "gelu_tanh": 1, "silu": 2, "sigmoid": 3}
"""The number of each formula in C."""

SMALL = 1 << 15
"""Up to this number of entries, a second thread does not pay."""


def activate(x: Array, *, name: str) -> Any:
    """f(x)."""
    if native_type(x) is None:
        return NotImplemented
    x = np.asarray(x, order="C")
    y = np.empty_like(x)
    _shared("activate", name, x, y)
    return y


def activate_backward(g: Array, x: Array, *, name: str) -> Any:
    """g f'(x)."""
    if native_type(g, x) is None:
        return NotImplemented
    if g.shape != x.shape:
        raise ValueError(f"a cotangent of shape {g.shape}; expected {x.shape}")
    g, x = np.asarray(g, order="C"), np.asarray(x, order="C")
    gx = np.empty_like(x)
    _shared("activate_backward", name, g, x, gx)
    return gx


def _shared(function: str, name: str, *arrays: Array) -> None:
    """Share the entries among the threads, if it pays."""
    size, which = arrays[0].size, FORMULAS[name]

    def work(part: Any) -> None:
        call(function, arrays[0].dtype, *arrays, which, part.start, part.stop)

    if size > SMALL:
        in_parallel(work, range(size))
    else:
        work(range(size))
