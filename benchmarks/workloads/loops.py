"""A long loop, differentiated with few of its states kept.

`loop` takes the gradient with a budget a fiftieth of the tape, and `eager` with a tape of all steps. JAX's is
`jax.lax.scan` of a step under `jax.checkpoint`, compiled. `loop-memory` is the most memory that the first two
take at once.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..libraries import EAGER, OURS
from ..workload import Step, Workload

SIZE, STEPS, BUDGET = 10_000, 400, "4 MB"
POINT = np.linspace(0.0, 1.0, SIZE)


def time(quick: bool) -> Workload:
    """One recorded step takes 0.6 MB."""
    return Workload(
        name="loop",
        does=f"the gradient through {STEPS} steps of {SIZE} numbers, in {BUDGET}, float64",
        contenders={OURS: partial(_ours, BUDGET), EAGER: partial(_ours, None), "jax": _scan_of_jax},
        rounds=7,
    )


def memory(quick: bool) -> Workload:
    """The same, by the most bytes that Python's allocator holds at once."""
    return Workload(
        name="loop-memory",
        does=f"peak memory of the gradient through {STEPS} steps of {SIZE} numbers, budget {BUDGET}",
        contenders={OURS: partial(_measured, BUDGET), EAGER: partial(_measured, None)},
        rounds=3,
        unit="run",
        measures_itself=True,
        quantity="B",
    )


def _body(library: Any) -> Callable[[Any, int], Any]:
    return lambda x, i: x + 0.01 * library.sin(x) * library.exp(-x)


def _ours(budget: str | None) -> Step:
    import autograd_lite as ag

    gradient = ag.grad(lambda x: np.sum(ag.scan(_body(np), x, STEPS, budget)))
    return lambda: [gradient(POINT)]


def _measured(budget: str | None) -> Step:
    gradient = _ours(budget)

    def step() -> float:
        tracemalloc.start()
        try:
            gradient()
            return float(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()

    return step


def _scan_of_jax() -> Step:
    import jax
    import jax.numpy as jnp

    body = jax.checkpoint(_body(jnp), static_argnums=(1,))

    def f(x: Any) -> Any:
        return jnp.sum(jax.lax.scan(lambda x, _: (body(x, 0), None), x, None, STEPS)[0])

    gradient, x = jax.jit(jax.grad(f)), jnp.asarray(POINT)
    return lambda: [gradient(x)]
