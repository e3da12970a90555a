"""The steps of other workloads, compiled by `ag.compile`, beside the same peers and our eager step.

`plan` is what the two watched calls cost, each compared with an eager step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..libraries import EAGER, OURS
from ..workload import Step, Workload
from . import chain, cnn, elementwise, lstm, mlp, neuron

Base = Callable[[bool], Workload]


def workload(
    base: Base, ours: Callable[[], Step] | None, goals: Mapping[str, float], quick: bool
) -> Workload:
    """A workload with our step compiled.

    Args:
        base: the workload whose step is compiled.
        ours: sets up our compiled step; None compiles the eager step as it is.
        goals: the least ratio of a library's time to ours.
        quick: as for the base.
    """
    found = base(quick)
    eager = found.contenders[OURS]
    peers = {name: found.contenders[name] for name in ("pytorch", "jax") if name in found.contenders}
    return replace(
        found,
        name=f"{found.name}-compiled",
        does=f"{found.does}, compiled",
        contenders={OURS: ours or partial(compiled, eager), EAGER: eager, **peers},
        goals=goals,
    )


def compiled(set_up: Callable[[], Step]) -> Step:
    """The step of a set-up, compiled."""
    import autograd_lite as ag

    return ag.compile(set_up())


def of_function(f: Callable[..., Any], *point: Any) -> Step:
    """The value and all derivatives of a function, compiled."""
    import autograd_lite as ag

    both = ag.compile(ag.value_and_grad(f, argnums=tuple(range(len(point)))))

    def step() -> list[Any]:
        value, gradients = both(*point)
        return [value, *gradients]

    return step


def of_neuron() -> Step:
    """The neuron's value and its five derivatives."""
    return of_function(partial(neuron.neuron, np.exp), *neuron.POINT)


def of_chain(f: chain.Chain) -> Step:
    """A chain's value and derivative."""
    return of_function(lambda x: f(np, x, chain.SCALE, chain.SHIFT), chain.X)


def plan(quick: bool) -> Workload:
    """The watched calls of the MLP's training step."""

    def making() -> Step:
        set_up = mlp.sgd(quick).contenders[OURS]

        def step() -> float:
            watched = compiled(set_up)
            start = time.perf_counter()
            watched()
            watched()
            return (time.perf_counter() - start) / 2

        return step

    def eager() -> Step:
        stepped = mlp.sgd(quick).contenders[OURS]()

        def step() -> float:
            start = time.perf_counter()
            stepped()
            stepped()
            return (time.perf_counter() - start) / 2

        return step

    return Workload(
        name="plan",
        does="a watched call of the training step of mlp, beside an eager call",
        contenders={OURS: making, EAGER: eager},
        goals={EAGER: 1 / 3},
        unit="call",
        measures_itself=True,
    )


COMPILED: dict[str, Callable[[bool], Workload]] = {
    "neuron-compiled": partial(workload, neuron.workload, of_neuron, {"pytorch": 15, "jax": 2}),
    "chain-compiled": partial(
        workload, chain.workload, partial(of_chain, chain.chain), {"pytorch": 15, "jax": 1}
    ),
    "functions-compiled": partial(workload, chain.functions, partial(of_chain, chain.mixed), {}),
    "gelu-compiled": partial(workload, elementwise.gelu, None, {"pytorch": 4, "jax": 0.8}),
    "mlp-compiled": partial(workload, mlp.sgd, None, {"pytorch": 1.6, "jax": 1.1}),
    "mlp-adam-compiled": partial(workload, mlp.adam, None, {"pytorch": 2}),
    "cnn-compiled": partial(workload, cnn.workload, None, {"pytorch": 1.4, EAGER: 1.1}),
    "lstm-cell-compiled": partial(workload, lstm.cell, None, {"pytorch": 2, EAGER: 1.1}),
    "plan": plan,
}
"""The compiled workloads by name."""
