"""Optimizers on a ravine and on digits: steps to the same loss, each at its best rate.

Plain gradient descent zigzags between the walls of a ravine and creeps along its floor. Momentum adds up
the common direction of the steps, and Nesterov looks ahead. AdaGrad, RMSProp and AdaDelta give each
coordinate its own rate; Adam and Nadam do both. Every optimizer, plain descent too, is tried at several
rates, and the best rate counts.

Source: B. Polyak, 1964; Y. Nesterov, 1983; J. Duchi et al., 2011; T. Tieleman, G. Hinton, 2012; M.
Zeiler, 2012; D. Kingma, J. Ba, 2015; T. Dozat, 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import COLORS, beside, save

Array = npt.NDArray[Any]

SGD = nn.optim.SGD
OPTIMIZERS: dict[str, Callable[..., nn.optim.Optimizer]] = {
    "plain SGD": SGD,
    "momentum": partial(SGD, momentum=0.9),
    "Nesterov": partial(SGD, momentum=0.9, nesterov=True),
    "AdaGrad": nn.optim.Adagrad,
    "RMSProp": nn.optim.RMSprop,
    "AdaDelta": partial(nn.optim.Adadelta, eps=1e-3),
    "Adam": nn.optim.Adam,
    "Nadam": nn.optim.NAdam,
}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)

RAVINE_GOAL = 0.01
TILT = np.array([[np.cos(0.2), np.sin(0.2)], [-np.sin(0.2), np.cos(0.2)]])


def ravine(x: Any) -> Any:
    """(u^2 + 100 v^2) / 2 along and across a ravine that is tilted against the axes by 0.2 radians."""
    return 0.5 * np.sum(np.array([1.0, 100.0]) * (TILT @ x) ** 2)


def down_the_ravine(make: Callable[..., nn.optim.Optimizer], rate: float, steps: int) -> Array:
    """The points on the way from (-10, 1), until the loss is small, and for `steps` steps at most."""
    x = ag.Tensor([-10.0, 1.0], requires_grad=True)
    optimizer = make([x], lr=rate)
    path = [x.numpy()]
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ravine(x)
        loss.backward()
        optimizer.step()
        path.append(x.numpy())
        if not RAVINE_GOAL < ravine(path[-1]) < 1e6:
            break
    return np.array(path)


def steps_on_digits(
    make: Callable[..., nn.optim.Optimizer], rate: float, data: tuple[Array, Array], goal: float, steps: int
) -> int:
    """After how many steps the mean of the last 20 losses is below the goal; `steps` if it never is."""
    X, y = data
    model = nn.Sequential(nn.Linear(X.shape[1], 50), nn.ReLU(), nn.Linear(50, 10))
    optimizer = make(model.parameters(), lr=rate)
    losses: list[float] = []
    loader = nn.DataLoader(nn.TensorDataset(X, y), 50, shuffle=True)
    while len(losses) < steps:
        for x, t in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), t)
            if not loss.item() < 100:
                return steps
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) >= 20 and np.mean(losses[-20:]) < goal:
                return len(losses)
    return steps


def draw(path: Path, paths: dict[str, Array], counted: dict[str, tuple[int, int]], title: str) -> None:
    """The way of each optimizer down the ravine, on lines of equal loss, and the steps on digits."""
    figure, (ways, bars) = beside(14, 5, 2.6, 1)
    x, y = np.meshgrid(np.linspace(-13, 6, 90), np.linspace(-7, 6, 90))
    heights = np.apply_along_axis(ravine, 0, np.stack([x, y]))
    panes = ways.subplots(2, 4, sharex=True, sharey=True)
    for axes, color, (name, points) in zip(panes.ravel(), COLORS, paths.items(), strict=True):
        axes.contourf(
            x, y, heights, np.geomspace(0.01, 3000, 14), norm=LogNorm(), cmap="Greys", alpha=0.3, extend="max"
        )
        axes.plot(*points.T, ".-", color=color, linewidth=0.9, markersize=3.5)
        axes.plot(*points[0], "o", color="black", markersize=5)
        axes.plot(0, 0, "*", color="black", markersize=9)
        axes.set(title=f"{name}: {counted[name][0]} steps", xlim=(-13, 6), ylim=(-7, 6))
    ways.suptitle("down the ravine, from the dot to the star")
    axes = bars.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.barh(list(counted), [n for _, n in counted.values()], color=COLORS)
    axes.invert_yaxis()
    axes.set_title(title)
    save(figure, path)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Count steps, each optimizer at its best rate."""
    data, where = program.rows_of_digits(quick)
    goal, steps = (0.4, 300) if quick else (0.1, 1500)
    rates = RATES[2:8:2] if quick else RATES
    paths_taken: dict[str, Array] = {}
    counted: dict[str, tuple[int, int]] = {}
    print(f"{'':<12}ravine, to {RAVINE_GOAL}     {where}, to {goal}")
    for name, make in OPTIMIZERS.items():
        paths = {rate: down_the_ravine(make, rate, 500) for rate in (*RATES, 0.005, 0.0198)}
        reached = {rate: path for rate, path in paths.items() if ravine(path[-1]) <= RAVINE_GOAL}
        first = min(reached, key=lambda rate: len(reached[rate]))
        paths_taken[name] = path = reached[first]
        on_digits = {}
        for rate in rates:
            nn.manual_seed(seed)
            on_digits[rate] = steps_on_digits(make, rate, data, goal, steps)
        best = min(on_digits, key=lambda rate: on_digits[rate])
        counted[name] = (len(path) - 1, on_digits[best])
        print(f"{name:<12}{len(path) - 1:>5} at rate {first:<8}{on_digits[best]:>5} at rate {best}")
    draw(out / "optimizers.png", paths_taken, counted, f"{where}:\nsteps to a loss of {goal}")
    return counted


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
