"""Taylor coefficients along a line: by series, and by derivatives nested in one another.

`nested` is ours again, by `ag.grad` of `ag.grad`. JAX's is `jax.experimental.jet`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..libraries import NESTED, OURS
from ..workload import Step, Workload

ORDER, POINT = 5, 0.4


def workload(quick: bool) -> Workload:
    """Few operations on one number."""
    return Workload(
        name="taylor",
        does=f"Taylor coefficients of exp(sin(x)) / (1 + x^2) up to order {ORDER}, one number, float64",
        contenders={OURS: _series, NESTED: _nested, "jax": _jet_of_jax},
        rounds=7,
        rtol=1e-10,
    )


def _function(library: Any) -> Any:
    return lambda x: library.exp(library.sin(x)) / (1 + x * x)


def _series() -> Step:
    import autograd_lite as ag

    f = _function(np)
    return lambda: [ag.jet(f, POINT, 1.0, ORDER)]


def _nested() -> Step:
    import autograd_lite as ag

    derivatives = [_function(np)]
    for _ in range(ORDER):
        derivatives.append(ag.grad(derivatives[-1]))
    return lambda: [np.array([d(POINT) / math.factorial(k) for k, d in enumerate(derivatives)])]


def _jet_of_jax() -> Step:
    import jax
    import jax.numpy as jnp
    from jax.experimental.jet import jet

    f, x = _function(jnp), jnp.asarray(POINT)
    series = [jnp.ones(())] + [jnp.zeros(())] * (ORDER - 1)
    factorials = np.array([math.factorial(k) for k in range(ORDER + 1)])
    compiled = jax.jit(lambda x: jet(f, (x,), (series,)))

    def step() -> list[Any]:
        value, derivatives = compiled(x)
        return [np.array([value, *derivatives]) / factorials]

    return step
