"""Trees of numbers as flat vectors, and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import tree
from .arrays import shape_of

__all__ = ["flat", "raveled"]


def flat(x: Any) -> Any:
    """All numbers of a tree in one vector.

    >>> flat({"a": 1.0, "b": [np.array([2.0, 3.0])]})
    array([1., 2., 3.])
    """
    parts = [np.reshape(leaf, (-1,)) for leaf in tree.flatten(x)[0]]
    return parts[0] if len(parts) == 1 else np.concatenate(parts or [np.zeros(0)])


def raveled(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of a tree in one vector, and the function that makes such a tree of another vector.

    >>> vector, shaped = raveled({"a": 1.0, "b": [np.array([2.0, 3.0])]})
    >>> shaped(vector * 10)
    {'a': np.float64(10.0), 'b': [array([20., 30.])]}
    """
    leaves, rebuild = tree.flatten(x)
    shapes = [shape_of(leaf) for leaf in leaves]
    ends = [0]
    for shape in shapes:
        ends.append(ends[-1] + math.prod(shape))

    def shaped(v: Any) -> Any:
        return rebuild(
            np.reshape(v[i:j], shape) if shape else v[i]
            for i, j, shape in zip(ends[:-1], ends[1:], shapes, strict=True)
        )

    return flat(x), shaped
