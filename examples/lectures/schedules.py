"""Schedules of the learning rate, beside a constant one: power, 1cycle, and more.

A high learning rate is fast at first, a low one precise in the end. Schedules go from high to low. 1cycle
first warms up to a high rate, while the momentum falls. All have the same number of epochs, and each the
best of several initial rates. The measure is the loss on data not used in training. The small digits of the
quick version are too easy to show a difference between schedules. There, noise on the pixels and small
batches make the gradient as noisy as that of a harder task.

Source: A. Senior et al., "An empirical study of learning rates in deep neural networks for speech
recognition", 2013; L. Smith, "A disciplined approach to neural network hyper-parameters", 2018; A. Geron,
chapter 11, 2019.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples import program
from examples.pictures import COLORS, panels, save
from nn.optim import lr_scheduler

Array = npt.NDArray[Any]
Data = tuple[Array, Array]

CYCLE: dict[str, Any] = {
    "anneal_strategy": "linear",
    "pct_start": 0.45,
    "div_factor": 10,
    "three_phase": True,
}
"""The slide's 1cycle, in straight lines: up from a tenth of the rate, down as slowly, and then to nothing."""
RATES = (0.02, 0.05, 0.1, 0.2, 0.5)


def schedule(name: str, optimizer: nn.optim.Optimizer, epochs: int, steps: int) -> Callable[[float], None]:
    """What is called after each batch, with the loss if an epoch has ended (else NaN)."""
    if name == "1cycle":
        rate = optimizer.param_groups[0]["lr"]
        cycle = lr_scheduler.OneCycleLR(optimizer, rate, epochs * steps + 1, **CYCLE)
        return lambda loss: cycle.step()
    if name == "performance":
        plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
        return lambda loss: None if np.isnan(loss) else plateau.step(loss)
    by_epoch: dict[str, Callable[[], Any]] = {
        "constant": lambda: lr_scheduler.LambdaLR(optimizer, lambda t: 1.0),
        "power": lambda: lr_scheduler.PowerLR(optimizer, s=1),
        "exponential": lambda: lr_scheduler.ExponentialLR(optimizer, 0.01 ** (1 / epochs)),
        "piecewise": lambda: lr_scheduler.MultiStepLR(optimizer, [epochs // 2, epochs * 3 // 4], 0.1),
    }
    chosen = by_epoch[name]()
    return lambda loss: None if np.isnan(loss) else chosen.step()


NAMES = ("constant", "power", "exponential", "piecewise", "performance", "1cycle")


def loss_on(model: nn.Module, data: Data) -> float:
    """The mean cross-entropy."""
    return float(nn.functional.cross_entropy(model(data[0]), data[1]).item())


def train(
    name: str, rate: float, epochs: int, batch_size: int, learned: Data, watched: Data, test: Data
) -> tuple[list[float], list[float], float]:
    """The learning rates of all steps, the losses on watched data after all epochs, the last on test data."""
    X, y = learned
    model = nn.Sequential(nn.Linear(X.shape[1], 50), nn.ReLU(), nn.Linear(50, 10))
    optimizer = nn.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    loader = nn.DataLoader(nn.TensorDataset(X, y), batch_size, shuffle=True)
    step = schedule(name, optimizer, epochs, len(loader))
    rates, losses = [], []
    for _ in range(epochs):
        for i, (x, t) in enumerate(loader):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), t).backward()
            optimizer.step()
            if i < len(loader) - 1:
                step(np.nan)
        losses.append(loss_on(model, watched))
        step(losses[-1])
    return rates, losses, loss_on(model, test)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train with each schedule, from several rates and seeds."""
    (X, y), where = program.rows_of_digits(quick)
    if quick:
        X = X + np.random.default_rng(seed).normal(0, 0.3, X.shape).astype(X.dtype)
    cuts = (0, *(len(X) * tenths // 10 for tenths in ((6, 8, 10) if quick else (8, 9, 10))))
    parts = [(X[a:b], y[a:b]) for a, b in itertools.pairwise(cuts)]  # to learn from, to watch, for the test
    epochs, batch_size, repeats, rates = (6, 10, 2, RATES[:2]) if quick else (10, 50, 2, RATES)
    figure, (left, right) = panels(1, 2)
    final, shown, watched = {}, {}, {}
    print(f"{where}, {epochs} epochs, mean of {repeats}:")
    for name, color in zip(NAMES, COLORS, strict=False):
        curves: dict[float, Array] = {}
        courses, tests = {}, {}
        for rate in rates:
            losses, tests[rate] = [], 0.0
            for i in range(repeats):
                nn.manual_seed(repeats * seed + i)
                courses[rate], loss, last = train(name, rate, epochs, batch_size, *parts)
                losses.append(loss)
                tests[rate] += last / repeats
            curves[rate] = np.mean(losses, axis=0)
        best = min(curves, key=lambda rate: curves[rate][-1])
        final[name], watched[name] = tests[best], {rate: course[-1] for rate, course in curves.items()}
        print(f"{name:<12}loss on test data {final[name]:.4f}, at a rate of {best}")
        shown[name] = courses[best]
        left.plot(courses[best], color=color, label=name)
        right.plot(range(1, epochs + 1), curves[best], color=color)
    left.set(xlabel="step", ylabel="learning rate")
    left.legend(frameon=False, fontsize=8)
    right.set(xlabel="epoch", ylabel="loss on watched data")
    save(figure, out / "schedules.png")
    ends = {name: (course[0], course[-1]) for name, course in shown.items()}
    return {"loss": final, "rates": ends, "watched": watched}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
