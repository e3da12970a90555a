"""Nested containers of arrays as one vector, and back."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ... import tree
from ...aliases import Function

__all__ = ["flatten", "flatten_func"]


def flatten(value: Any) -> tuple[Any, Function]:
    """All numbers in nested tuples, lists and dicts in one vector, and the function that puts them back.

    Items of a dict come in the order of the sorted keys. Both directions are differentiable.

    >>> vector, unflatten = flatten({"b": np.ones((1, 2)), "a": 5.0})
    >>> vector
    array([5., 1., 1.])
    >>> {name: float(np.sum(part)) for name, part in unflatten(2 * vector).items()}
    {'b': 4.0, 'a': 10.0}
    """
    leaves, rebuild = tree.flatten(value)
    shapes = [np.shape(x) for x in leaves]
    ends = list(itertools.accumulate((int(np.prod(shape)) for shape in shapes), initial=0))

    def unflatten(vector: Any) -> Any:
        return rebuild(
            [np.reshape(vector[i:j], shape)[()] for i, j, shape in zip(ends, ends[1:], shapes, strict=False)]
        )

    return np.concatenate([np.ravel(x) for x in leaves]) if leaves else np.array([]), unflatten


def flatten_func(func: Function, example: Any) -> tuple[Function, Function, Any]:
    """A function of containers as a function of vectors.

    Args:
        func: takes a container, and other arguments as they are; returns a container.
        example: a container of the structure and shapes of the first argument.

    Returns:
        The function of vectors, the function that makes a container of a vector, and the example as a vector.
    """
    vector, unflatten = flatten(example)

    def of_vectors(x: Any, *args: Any) -> Any:
        return flatten(func(unflatten(x), *args))[0]

    return of_vectors, unflatten, vector
