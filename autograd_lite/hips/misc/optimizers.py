"""Gradient descent on nested containers of arrays: `optimizer(grad, x0, callback, ...)`.

`grad(x, i)` returns the gradient at step i, and `callback(x, i, g)` is called before each step.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...aliases import Function
from .flatten import flatten

__all__ = ["adam", "rmsprop", "sgd", "unflatten_optimizer"]


def unflatten_optimizer(optimize: Function) -> Function:
    """An optimizer of vectors, extended to nested containers of arrays."""

    @functools.wraps(optimize)
    def of_containers(grad: Function, x0: Any, callback: Any = None, *args: Any, **kwargs: Any) -> Any:
        vector, unflatten = flatten(x0)

        def flat_grad(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def called_back(x: Any, i: int, g: Any) -> None:
            callback(unflatten(x), i, unflatten(g))

        return unflatten(optimize(flat_grad, vector, callback and called_back, *args, **kwargs))

    return of_containers


def _descend(grad: Function, x: Any, callback: Any, num_iters: int, step: Function) -> Any:
    """Add `step(i, g)` to x so many times."""
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        x = x + step(i, g)
    return x


@unflatten_optimizer
def sgd(
    grad: Function,
    x: Any,
    callback: Any = None,
    num_iters: int = 200,
    step_size: float = 0.1,
    mass: float = 0.9,
) -> Any:
    """Gradient descent with momentum: v = mass v - (1 - mass) g, x = x + step_size v."""
    v = np.zeros_like(x)

    def step(i: int, g: Any) -> Any:
        nonlocal v
        v = mass * v - (1.0 - mass) * g
        return step_size * v

    return _descend(grad, x, callback, num_iters, step)


@unflatten_optimizer
def rmsprop(
    grad: Function,
    x: Any,
    callback: Any = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """RMSprop: steps divided by the root of a running mean of squared gradients, which begins at 1."""
    squares = np.ones_like(x)

    def step(i: int, g: Any) -> Any:
        nonlocal squares
        squares = gamma * squares + (1 - gamma) * g**2
        return -step_size * g / (np.sqrt(squares) + eps)

    return _descend(grad, x, callback, num_iters, step)


@unflatten_optimizer
def adam(
    grad: Function,
    x: Any,
    callback: Any = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Adam: running means of the gradient and its square, both corrected for their start at 0.

    Source:
        D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2015.
    """
    mean, squares = np.zeros_like(x), np.zeros_like(x)

    def step(i: int, g: Any) -> Any:
        nonlocal mean, squares
        mean = b1 * mean + (1 - b1) * g
        squares = b2 * squares + (1 - b2) * g**2
        return -step_size * (mean / (1 - b1 ** (i + 1))) / (np.sqrt(squares / (1 - b2 ** (i + 1))) + eps)

    return _descend(grad, x, callback, num_iters, step)
