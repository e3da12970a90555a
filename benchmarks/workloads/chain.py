"""A chain of 100 elementwise ops on 8 numbers, summed, forward and backward.

Arrays are so small that an op costs what recording and playing it cost. `chain` scales and shifts by
constant arrays, 50 times. `functions` also takes a sine and a hyperbolic tangent, 25 times. These two go
through NumPy's dispatch and need more arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload

X = np.linspace(-1.0, 1.0, 8)
SCALE = np.linspace(0.5, 1.5, 8)
SHIFT = np.linspace(-0.2, 0.2, 8)


Chain = Callable[[Any, Any, Any, Any], Any]
"""The function itself; its first argument is NumPy or a library that looks like it."""


def workload(quick: bool) -> Workload:
    """Scalings and shifts alone."""
    return _workload("chain", "100 scalings and shifts of 8 float64 numbers, forward and backward", chain)


def functions(quick: bool) -> Workload:
    """Functions among them."""
    does = "100 scalings, shifts, sin and tanh of 8 float64 numbers, forward and backward"
    return _workload("functions", does, mixed)


def _workload(name: str, does: str, f: Chain) -> Workload:
    """One of the chains, in every library."""
    contenders = {OURS: ours, "pytorch": pytorch, "jax": jax, "autograd": autograd, "mygrad": mygrad}
    return Workload(
        name=name,
        does=does,
        contenders={library: partial(make, f) for library, make in contenders.items()},
        goals={"pytorch": 2.5, "autograd": 5.0},
    )


def chain(xp: Any, x: Any, scale: Any, shift: Any) -> Any:
    """50 times h * scale + shift."""
    h = x
    for _ in range(50):
        h = h * scale
        h = h + shift
    return xp.sum(h)


def mixed(xp: Any, x: Any, scale: Any, shift: Any) -> Any:
    """25 times tanh(sin(h * scale + shift))."""
    h = x
    for _ in range(25):
        h = h * scale
        h = h + shift
        h = xp.sin(h)
        h = xp.tanh(h)
    return xp.sum(h)


def ours(f: Chain) -> Step:
    import autograd_lite as ag

    x = ag.Tensor(X, requires_grad=True)

    def step() -> list[Any]:
        x.grad = None
        y = f(np, x, SCALE, SHIFT)
        y.backward()
        return [y, x.grad]

    return step


def pytorch(f: Chain) -> Step:
    import torch

    x = torch.tensor(X, requires_grad=True)
    scale, shift = torch.tensor(SCALE), torch.tensor(SHIFT)

    def step() -> list[Any]:
        x.grad = None
        y = f(torch, x, scale, shift)
        y.backward()
        return [y, x.grad]

    return step


def mygrad(f: Chain) -> Step:
    import mygrad as mg

    x = mg.tensor(X)

    def step() -> list[Any]:
        y = f(mg, x, SCALE, SHIFT)
        y.backward()
        return [y, x.grad]

    return step


def autograd(f: Chain) -> Step:
    import autograd
    import autograd.numpy as anp

    value_and_grad = autograd.value_and_grad(lambda x: f(anp, x, SCALE, SHIFT))
    return lambda: list(value_and_grad(X))


def jax(f: Chain) -> Step:
    import jax
    import jax.numpy as jnp

    # Scale and shift are arguments: of constants the compiler would work out the gradient beforehand.
    value_and_grad = jax.jit(jax.value_and_grad(lambda x, scale, shift: f(jnp, x, scale, shift)))
    arrays = [jnp.asarray(a) for a in (X, SCALE, SHIFT)]
    return lambda: list(jax.block_until_ready(value_and_grad(*arrays)))
