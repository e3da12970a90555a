"""The neuron of the lectures on scalars: f = 1 / (1 + exp(-(w1 x1 + w2 x2 + b))).

A step computes f and its five derivatives. All of its time is overhead: ten operations on single numbers,
as in a lecture or a small loss. Leaves are made once; each step clears their gradients, as an optimizer
would.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload

POINT = (2.0, -1.0, -3.0, -2.0, -3.0)  # w1, x1, w2, x2, b


def workload(quick: bool) -> Workload:
    """The neuron, the same at any size."""
    return Workload(
        name="neuron",
        does="f = 1/(1 + exp(-(w1 x1 + w2 x2 + b))) on scalars, forward and backward",
        contenders={
            OURS: ours,
            "pytorch": pytorch,
            "jax": jax,
            "autograd": autograd,
            "mygrad": mygrad,
            "micrograd": micrograd,
        },
        goals={"pytorch": 5.0, "micrograd": 1.2, "autograd": 5.0},
    )


def neuron(exp: Callable[[Any], Any], w1: Any, x1: Any, w2: Any, x2: Any, b: Any) -> Any:
    """The function itself, with the library's exponential."""
    return 1.0 / (1.0 + exp(-(w1 * x1 + w2 * x2 + b)))


def played(exp: Callable[[Any], Any], leaves: list[Any]) -> Step:
    """The step of libraries with `backward()` and `grad`."""

    def step() -> list[Any]:
        for leaf in leaves:
            leaf.grad = None
        f = neuron(exp, *leaves)
        f.backward()
        return [f, *(leaf.grad for leaf in leaves)]

    return step


def ours() -> Step:
    import autograd_lite as ag

    return played(np.exp, [ag.Tensor(v, requires_grad=True) for v in POINT])


def pytorch() -> Step:
    import torch

    return played(torch.exp, [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in POINT])


def mygrad() -> Step:
    import mygrad as mg

    leaves = [mg.tensor(v) for v in POINT]

    def step() -> list[Any]:  # MyGrad clears the gradients by itself
        f = neuron(mg.exp, *leaves)
        f.backward()
        return [f, *(leaf.grad for leaf in leaves)]

    return step


def micrograd() -> Step:
    from micrograd.engine import Value

    def exp(x: Any) -> Any:  # micrograd has none; its users write it like this
        out = Value(math.exp(x.data), (x,), "exp")

        def backward() -> None:
            x.grad += out.data * out.grad

        out._backward = backward
        return out

    leaves = [Value(v) for v in POINT]

    def step() -> list[Any]:
        for leaf in leaves:
            leaf.grad = 0
        f = neuron(exp, *leaves)
        f.backward()
        return [f, *(leaf.grad for leaf in leaves)]

    return step


def autograd() -> Step:
    import autograd
    import autograd.numpy as anp

    value_and_grad = autograd.value_and_grad(lambda args: neuron(anp.exp, *args))

    def step() -> list[Any]:
        f, gradient = value_and_grad(POINT)
        return [f, *gradient]

    return step


def jax() -> Step:
    import jax
    import jax.numpy as jnp

    value_and_grad = jax.jit(jax.value_and_grad(lambda args: neuron(jnp.exp, *args)))
    point = tuple(jnp.asarray(v) for v in POINT)

    def step() -> list[Any]:
        f, gradient = jax.block_until_ready(value_and_grad(point))
        return [f, *gradient]

    return step
