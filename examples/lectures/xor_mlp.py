"""XOR learned by backpropagation, with one hidden layer.

Two hidden neurons bend the plane so that one line separates the classes. With so few neurons, descent often
ends in a local minimum. There two points, one of each class, coincide and get p = 1/2, at a loss of (ln 2)
/ 2. The program tries several starts and counts.

Source: D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors", 1986.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
D = np.array([[0.0], [1.0], [1.0], [0.0]])


def train(hidden: int, steps: int) -> tuple[nn.Sequential, list[float]]:
    """A net with `hidden` neurons, and its losses."""
    model = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1)).double()
    loss = nn.BCEWithLogitsLoss()
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(model(X), D)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return model, losses


def right(model: nn.Module) -> int:
    """How many of the four answers are."""
    return int(np.sum((model(X).numpy() > 0) == D))


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train nets from several starts, and show one that has learned it."""
    starts = 5 if quick else 20
    successes = {}
    shown: tuple[nn.Sequential, list[float]] | None = None
    for hidden in (1, 2, 4):
        successes[hidden] = 0
        for start in range(starts):
            nn.manual_seed(starts * seed + start)
            model, losses = train(hidden, 300)
            knows = right(model) == 4
            successes[hidden] += knows
            if hidden == 2 and (knows or shown is None):
                shown = model, losses
        print(f"{hidden} hidden neurons: all four right from {successes[hidden]} of {starts} starts")
    assert shown is not None
    model, losses = shown

    figure, (left, middle, last) = panels(1, 3, width=3.4)
    left.semilogy(losses, color=BLUE)
    left.set(xlabel="step", ylabel="cross-entropy", title="two hidden neurons")
    side = np.linspace(-0.5, 1.5, 101)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    with ag.no_grad():
        answers, bent = model(plane).numpy()[..., 0], model[:2](X).numpy()
    middle.contourf(side, side, answers, levels=[-100, 0, 100], colors=["#fbe3d0", "#d0e2f5"])
    weight, bias = model[2].weight.numpy()[0], model[2].bias.item()
    span = np.array([-1.2, 1.2])
    last.plot(span, -(bias + weight[0] * span) / weight[1], color=GREY)
    for axes, points in ((middle, X), (last, bent)):
        for point, d in zip(points, D[:, 0], strict=True):
            axes.plot(*point, "o", color=BLUE if d else ORANGE, markersize=9)
    middle.set(xlabel="x1", ylabel="x2", title="the plane of the inputs")
    last.set(xlabel="h1", ylabel="h2", title="hidden: both 0s in one place", xlim=span, ylim=span)
    save(figure, out / "xor_mlp.png")
    return {"successes": successes, "starts": starts, "answers": model(X).numpy()[:, 0], "loss": losses[-1]}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
