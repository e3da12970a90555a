"""Programs in the manner of micrograd, with our `Value` and with micrograd's own class.

`tiny-neuron` is one update of a neuron with two inputs. `tiny` is a training step of micrograd's
demonstration: an MLP 2-16-16-1 on two moons, with its margin loss. It takes 10 points where the
demonstration takes 100, since the time of making a plan grows faster than their number. Both programs are the
same but for the class.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from ..libraries import EAGER, OURS
from ..workload import Step, Workload

RATE = 1e-3


def moons(n: int) -> tuple[list[list[float]], list[float]]:
    """Points on two half circles, and their classes, 1 and -1."""
    rng = np.random.default_rng(0)
    angle, lower = np.pi * rng.random(n), np.arange(n) % 2
    X = np.stack([np.cos(angle) + lower, np.where(lower, 0.4 - np.sin(angle), np.sin(angle))], axis=1)
    return (X + 0.1 * rng.normal(size=X.shape)).tolist(), (1.0 - 2.0 * lower).tolist()


def workload(sizes: tuple[int, ...], points: int, name: str, quick: bool) -> Workload:
    """A training step of an MLP on moons.

    Args:
        sizes: the numbers of neurons, behind two inputs.
        points: the number of points; 3 if quick.
        name: what to call the workload.
        quick: as for every workload.
    """
    X, y = moons(min(points, 3) if quick else points)

    def of(make: Callable[[], Any]) -> Callable[[], Step]:
        return lambda: training(make(), list(sizes), X, y)

    def compiled() -> Step:
        import autograd_lite as ag

        return ag.compile(of(ours)())

    net = "-".join(map(str, (2, *sizes)))
    return Workload(
        name=name,
        does=f"a training step of an MLP {net} on {len(X)} points, number by number, compiled",
        contenders={OURS: compiled, EAGER: of(ours), "micrograd": of(micrograd)},
        goals={"micrograd": 20.0},
        rounds=3 if points > 1 else 15,
    )


def ours() -> Any:
    from autograd_lite import tiny

    return tiny


def micrograd() -> Any:
    from micrograd import nn

    return nn


def training(library: Any, sizes: list[int], X: list[list[float]], y: list[float]) -> Step:
    """The step of a library with an `MLP` of single numbers."""
    random.seed(0)
    model = library.MLP(2, sizes)

    def step() -> list[Any]:
        losses = [(1 - target * model(x)).relu() for x, target in zip(X, y, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= RATE * p.grad
        return [loss]

    return step
