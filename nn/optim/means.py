"""Arrays of an optimizer's state before the first step."""

from __future__ import annotations

import numpy as np

from .optimizer import Array
from .states import State

__all__ = ["zeros"]


def zeros(x: Array, *names: str) -> State:
    """Named arrays of zeros with the shape and dtype of x."""
    return {name: np.zeros_like(x) for name in names}
