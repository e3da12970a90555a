"""Reading 100,000 entries by number, most of them many times, forward and backward.

The backward pass adds up the gradients of each entry. `numbers` reads from 1,000 numbers. `rows` reads rows
of 64 from a table of 1,000, as an embedding does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload

READ, SIZE, WIDTH = 100_000, 1_000, 64


def numbers(quick: bool) -> Workload:
    """Single numbers."""
    return _workload("numbers", f"{READ:,} of {SIZE:,} float64 numbers, read and their gradients summed", ())


def rows(quick: bool) -> Workload:
    """Rows of a table."""
    does = f"{READ:,} rows of a ({SIZE:,}, {WIDTH}) float64 table, read and their gradients summed"
    return _workload("rows", does, (WIDTH,))


def _workload(name: str, does: str, shape: tuple[int, ...]) -> Workload:
    rng = np.random.default_rng(0)
    x, i = rng.normal(size=(SIZE, *shape)), rng.integers(0, SIZE, READ)
    g = rng.normal(size=(READ, *shape))
    contenders = {OURS: ours, "pytorch": pytorch, "jax": jax}
    return Workload(
        name=name,
        does=does,
        contenders={library: partial(make, x, i, g) for library, make in contenders.items()},
        rtol=1e-8,  # the peers add up in another order
    )


def ours(table: Any, i: Any, g: Any) -> Step:
    import autograd_lite as ag

    x = ag.Tensor(table, requires_grad=True)

    def step() -> list[Any]:
        x.grad = None
        y = x[i]
        y.backward(g)
        return [y, x.grad]

    return step


def pytorch(table: Any, i: Any, g: Any) -> Step:
    import torch

    x, i, g = torch.tensor(table, requires_grad=True), torch.tensor(i), torch.tensor(g)

    def step() -> list[Any]:
        x.grad = None
        y = x[i]
        y.backward(g)
        return [y, x.grad]

    return step


def jax(table: Any, i: Any, g: Any) -> Step:
    import jax
    import jax.numpy as jnp

    x, i, g = map(jnp.asarray, (table, i, g))

    def both(x: Any, i: Any, g: Any) -> Any:
        y, pull = jax.vjp(lambda x: x[i], x)
        return y, *pull(g)

    compiled = jax.jit(both)
    return lambda: list(jax.block_until_ready(compiled(x, i, g)))
