"""Optimizers that use curvature beside Adam: the processor time to a training loss, on three small networks.

    python -m examples.second_order [--seed N] [--out FOLDER] [--quick]

The classifier is the lectures' 784-300-100-10 on a part of MNIST, in batches. The autoencoder has a
bottleneck of six numbers. The regression tells whether a digit has a ring, with a residual for each digit.
Adam is tried at three learning rates.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples import program
from examples.pictures import COLORS, panels, save

Array = npt.NDArray[Any]
Curve = list[tuple[float, float]]
"""Seconds of the processor, and the loss there."""
Task = tuple[str, Array, Array, list[int], nn.Module, float, int | None]
"""The name, inputs, targets, widths of the layers, loss, goal, and the size of a batch; None for all."""


def network(widths: list[int], rectified: bool) -> nn.Sequential:
    """Linear layers with ReLU or tanh between them."""
    pairs = list(itertools.pairwise(widths))
    layers: list[nn.Module] = []
    for i, (n, m) in enumerate(pairs):
        layers.append(nn.Linear(n, m))
        if i + 1 < len(pairs):
            layers.append(nn.ReLU() if rectified else nn.Tanh())
    return nn.Sequential(*layers)


def batches(X: Array, y: Array, size: int | None) -> Iterator[tuple[Array, Array]]:
    """The same batches in the same order for each optimizer, without end."""
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(X)) if size else np.arange(len(X))
        for i in range(0, len(X) - (size or len(X)) + 1, size or len(X)):
            rows = order[i : i + (size or len(X))]
            yield X[rows], y[rows]


def trained(model: nn.Sequential, step: Callable[[Array, Array], None], task: Task, seconds: float) -> Curve:
    """The loss of all data at some moments of a training, until the goal or the end of the time."""
    _, X, y, _, loss, goal, size = task
    curve: Curve = []
    spent, shown = 0.0, 0.0
    for x, t in batches(X, y, size):
        if not curve or spent >= shown:
            curve.append((spent, loss(model(X), y).item()))  # not counted
            shown = spent + seconds / 100
            if curve[-1][1] < goal or spent > seconds:
                return curve
        start = time.process_time()
        step(x, t)
        spent += time.process_time() - start
    return curve


def with_gradients(model: nn.Sequential, optimizer: Any, loss: nn.Module) -> Callable[[Array, Array], None]:
    """A step of Adam, or of K-FAC."""

    def step(x: Array, t: Array) -> None:
        optimizer.zero_grad()
        loss(model(x), t).backward()
        optimizer.step()

    return step


def newton(model: nn.Sequential, loss: nn.Module) -> Callable[[Array, Array], None]:
    """A step of NewtonCG with the Gauss-Newton matrix."""
    optimizer = nn.optim.NewtonCG(model.parameters(), "gauss_newton", max_products=30)

    def step(x: Array, t: Array) -> None:
        def closure() -> Any:
            z = model(x)
            return loss(z, t), z

        optimizer.step(closure)

    return step


def marquardt(model: nn.Sequential) -> Callable[[Array, Array], None]:
    """A step of LevenbergMarquardt, with a residual for each output."""
    optimizer = nn.optim.LevenbergMarquardt(model.parameters(), damping=1.0)
    return lambda x, t: optimizer.step(lambda: model(x) - t)


def tasks(quick: bool) -> list[Task]:
    """What is learned."""
    (X, y), _ = program.rows_of_digits(quick)
    X, y = X[:2000], y[:2000]
    where = "MNIST" if X.shape[1] == 784 else "8x8"
    small, labels = nn.datasets.load_digits("train")
    few = 150 if quick else 500
    ring = (np.isin(labels, (0, 6, 8, 9)) * 2 - 1).astype(np.float32)[:, None]
    code, few_small, goal = [64, 40, 6, 40, 64], small[:few], 0.1 if quick else 1e-6
    mean, cross = nn.MSELoss(), nn.CrossEntropyLoss()
    wide = [X.shape[1], 30, 20, 10] if quick else [X.shape[1], 300, 100, 10]
    return [
        (f"classifier\n{len(X):,} digits of {where}", X, y, wide, cross, 0.3 if quick else 0.003, 100),
        ("autoencoder\n64-40-6-40-64, 8x8 digits", small, small, code, mean, 0.04 if quick else 0.015, None),
        (f"regression\n64-8-1, {few} 8x8 digits", few_small, ring[:few], [64, 8, 1], mean, goal, None),
    ]  # fmt: skip


def contenders(task: Task) -> dict[str, Callable[[nn.Sequential], Callable[[Array, Array], None]]]:
    """The optimizers that are tried on a task."""
    name, loss = task[0], task[4]
    adam = {
        f"Adam, lr={lr}": lambda model, lr=lr: with_gradients(
            model, nn.optim.Adam(model.parameters(), lr=lr), loss
        )
        for lr in (0.001, 0.003, 0.01)
    }
    kfac = {"KFAC": lambda model: with_gradients(model, nn.optim.KFAC(model, lr=0.1), loss)}
    whole = {"NewtonCG": lambda model: newton(model, loss)} if task[6] is None else {}
    squares = {"LevenbergMarquardt": marquardt} if name.startswith("regression") else {}
    return {**adam, **kfac, **whole, **squares}


def draw(axes: Any, task: Task, curves: dict[str, Curve]) -> None:
    """The losses over the seconds."""
    for colour, (name, curve) in zip(COLORS, curves.items(), strict=False):
        axes.semilogy(*np.transpose(curve), color=colour, label=name, lw=1.4)
    axes.axhline(task[5], color="black", lw=0.8, ls=":")
    axes.set(title=task[0], xlabel="seconds of the processor", ylabel="training loss")
    axes.legend(frameon=False, fontsize=7)


def run(quick: bool, seed: int, out: Path) -> dict[str, dict[str, float]]:
    """Train, print the table, and draw the losses."""
    limit, found = 0.3 if quick else 12.0, {}
    figure, panes = panels(1, 3)
    for axes, task in zip(panes, tasks(quick), strict=True):
        title, goal = task[0].replace("\n", ", "), task[5]
        print(f"\n{title}: processor seconds to a loss of {goal}")
        curves: dict[str, Curve] = {}
        for name, make in contenders(task).items():
            nn.manual_seed(seed)
            model = network(task[3], rectified=title.startswith("classifier"))
            curves[name] = trained(model, make(model), task, limit)
            seconds, loss = curves[name][-1]
            print(f"  {name:<20}{f'{seconds:.1f}' if loss < goal else f'not in {limit:g}: {loss:.2g}':>16}")
        found[title] = {name: curve[-1][1] for name, curve in curves.items()}
        draw(axes, task, curves)
    save(figure, out / "second_order.png")
    return found


if __name__ == "__main__":
    sys.exit(program.main("second_order", __doc__, run))
