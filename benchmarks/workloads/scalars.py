"""An MLP 2-16-16-1 on 100 points as a graph of single numbers: micrograd's demonstration.

Each weight, each product and each sum is a scalar with its own step, some 70,000 on the tape. A step
computes the squared error and goes backward. The loss and the gradients of the last layer are compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload

RNG = np.random.default_rng(0)
SIZES = [2, 16, 16, 1]
WEIGHTS = [RNG.uniform(-1, 1, (m, n + 1)).tolist() for n, m in itertools.pairwise(SIZES)]


def workload(quick: bool) -> Workload:
    """100 points, or 3."""
    points = RNG.normal(size=(3 if quick else 100, 2)).tolist()
    targets = [1.0 if x * y > 0 else -1.0 for x, y in points]
    return Workload(
        name="scalars",
        does=f"MLP 2-16-16-1 on {len(points)} points as a graph of scalars, forward and backward",
        contenders={
            OURS: lambda: ours(points, targets),
            "pytorch": lambda: pytorch(points, targets),
            "micrograd": lambda: micrograd(points, targets),
        },
        goals={"pytorch": 5.0, "micrograd": 2.0},
        rounds=3,
    )


def stepped(
    make: Callable[[float], Any],
    relu: Callable[[Any], Any],
    clear: Callable[[Any], None],
    points: Any,
    targets: Any,
) -> Step:
    """The step of libraries with `backward()` and `grad`."""
    layers = [[[make(w) for w in row] for row in layer] for layer in WEIGHTS]
    leaves = [w for layer in layers for row in layer for w in row]

    def output(x: list[Any]) -> Any:
        for depth, layer in enumerate(layers):
            x = [sum((w * v for w, v in zip(row, x, strict=False)), row[-1]) for row in layer]
            if depth < 2:
                x = [relu(v) for v in x]
        return x[0]

    def step() -> list[Any]:
        for leaf in leaves:
            clear(leaf)
        loss = sum((output(x) - t) ** 2 for x, t in zip(points, targets, strict=True))
        loss.backward()
        return [loss, *(w.grad for w in layers[-1][0])]

    return step


def _no_grad(leaf: Any) -> None:
    leaf.grad = None


def ours(points: Any, targets: Any) -> Step:
    import autograd_lite as ag

    return stepped(lambda w: ag.Tensor(w, requires_grad=True), ag.relu, _no_grad, points, targets)


def pytorch(points: Any, targets: Any) -> Step:
    import torch

    make = lambda w: torch.tensor(w, dtype=torch.float64, requires_grad=True)  # noqa: E731
    return stepped(make, torch.relu, _no_grad, points, targets)


def micrograd(points: Any, targets: Any) -> Step:
    from micrograd.engine import Value

    def zero(leaf: Any) -> None:
        leaf.grad = 0.0

    return stepped(Value, lambda v: v.relu(), zero, points, targets)
