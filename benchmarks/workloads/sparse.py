"""A Jacobian with few nonzeros: a band of 2,000 rows, and how long 100,000 take.

The pattern and its colours are known, as the other libraries' programs are compiled. The peers compute all
2,000 x 2,000 numbers; `dense` is `ag.jacobian`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..libraries import DENSE, OURS
from ..workload import Step, Workload

WIDTH, LONG = 2000, 100_000
POINT = np.random.default_rng(0).normal(size=LONG)
ROWS = np.arange(WIDTH - 1)


def band(quick: bool) -> Workload:
    """Two diagonals; the same at any size."""
    return Workload(
        name="sparse",
        does=f"the Jacobian of x[1:] * x[:-1] + sin(x[1:]), {WIDTH} inputs, float64",
        contenders={OURS: _band, DENSE: _dense, "pytorch": _band_of_pytorch, "jax": _band_of_jax},
        rounds=7,
        rtol=1e-10,
    )


def long(quick: bool) -> Workload:
    """The Hessian of a chain."""
    return Workload(
        name="sparse-long",
        does=f"the Hessian of Rosenbrock's function, {LONG} inputs, float64",
        contenders={OURS: _rosenbrock},
        rounds=7,
    )


def _function(library: Any) -> Any:
    return lambda x: x[1:] * x[:-1] + library.sin(x[1:])


def _band() -> Step:
    import autograd_lite as ag

    jacobian = ag.sparse_jacobian(_function(np)).prepare(POINT[:WIDTH])
    return lambda: [jacobian(POINT[:WIDTH]).data.reshape(-1, 2)]


def _entries(jacobian: Any) -> Any:
    return np.stack([jacobian[ROWS, ROWS], jacobian[ROWS, ROWS + 1]], axis=-1)


def _dense() -> Step:
    import autograd_lite as ag

    jacobian = ag.jacobian(_function(np))
    return lambda: [_entries(jacobian(POINT[:WIDTH]))]


def _band_of_pytorch() -> Step:
    import torch

    jacobian, x = torch.func.jacfwd(_function(torch)), torch.tensor(POINT[:WIDTH])
    rows = torch.tensor(ROWS)

    def step() -> list[Any]:
        dense = jacobian(x)
        return [torch.stack([dense[rows, rows], dense[rows, rows + 1]], dim=-1)]

    return step


def _band_of_jax() -> Step:
    import jax
    import jax.numpy as jnp

    jacobian, x = jax.jit(jax.jacfwd(_function(jnp))), jnp.asarray(POINT[:WIDTH])
    return lambda: [_entries(np.asarray(jacobian(x)))]


def _rosenbrock() -> Step:
    import autograd_lite as ag

    def f(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    hessian = ag.sparse_hessian(f).prepare(POINT)
    return lambda: [hessian(POINT).data]
