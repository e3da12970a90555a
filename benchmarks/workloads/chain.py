"""A chain of 100 elementwise ops on 8 numbers, summed, forward and backward.

Arrays are so small that the cost of an op is the cost of recording and playing it. Four ops, 25
times over: a scaling and a shift by constant arrays, a sine and a hyperbolic tangent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..libraries import OURS
from ..runner import Step, Workload

REPEATS = 25
X = np.linspace(-1.0, 1.0, 8)
SCALE = np.linspace(0.5, 1.5, 8)
SHIFT = np.linspace(-0.2, 0.2, 8)


def workload(quick: bool) -> Workload:
    """The chain, the same at any size."""
    return Workload(
        name="chain",
        does="100 elementwise ops on 8 float64 numbers, forward and backward",
        contenders={OURS: ours, "pytorch": pytorch, "jax": jax, "autograd": autograd, "mygrad": mygrad},
        goals={"pytorch": 1.8},
    )


def chain(xp: Any, x: Any, scale: Any, shift: Any) -> Any:
    """The function itself; `xp` is NumPy or a library that looks like it."""
    h = x
    for _ in range(REPEATS):
        h = h * scale
        h = h + shift
        h = xp.sin(h)
        h = xp.tanh(h)
    return xp.sum(h)


def ours() -> Step:
    import autograd_lite as ag

    x = ag.Tensor(X, requires_grad=True)

    def step() -> list[Any]:
        x.grad = None
        f = chain(np, x, SCALE, SHIFT)
        f.backward()
        return [f, x.grad]

    return step


def pytorch() -> Step:
    import torch

    x = torch.tensor(X, requires_grad=True)
    scale, shift = torch.tensor(SCALE), torch.tensor(SHIFT)

    def step() -> list[Any]:
        x.grad = None
        f = chain(torch, x, scale, shift)
        f.backward()
        return [f, x.grad]

    return step


def mygrad() -> Step:
    import mygrad as mg

    x = mg.tensor(X)

    def step() -> list[Any]:
        f = chain(mg, x, SCALE, SHIFT)
        f.backward()
        return [f, x.grad]

    return step


def autograd() -> Step:
    import autograd
    import autograd.numpy as anp

    value_and_grad = autograd.value_and_grad(lambda x: chain(anp, x, SCALE, SHIFT))
    return lambda: list(value_and_grad(X))


def jax() -> Step:
    import jax
    import jax.numpy as jnp

    value_and_grad = jax.jit(jax.value_and_grad(lambda x: chain(jnp, x, SCALE, SHIFT)))
    x = jnp.asarray(X)
    return lambda: list(jax.block_until_ready(value_and_grad(x)))
