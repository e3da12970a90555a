"""A radial basis function net: neurons whose inner potential is a distance.

    y = sum_j w_j exp(-(|x - c_j| / b_j)^2)

Perceptrons divide the plane by lines, RBF units cover it by bumps. Gradient descent learns centres, widths
and weights. One net interpolates a function of one variable. For a class inside a ring another needs a bump
in the middle. Both are measured on points that the net has not seen.

Source: D. Broomhead, D. Lowe, "Multivariable functional interpolation and adaptive networks", 1988; T.
Poggio, F. Girosi, "Networks for approximation and learning", 1990.
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


class RadialUnits(nn.Module):
    """exp(-(|x - c| / b)^2) for each centre c of width b.

    Args:
        centres: of shape (units, in).
        width: the b that all begin with.
    """

    def __init__(self, centres: Array, width: float) -> None:
        self.centres = nn.Parameter(centres)
        self.log_width = nn.Parameter(np.full(len(centres), np.log(width)))

    def forward(self, x: Any) -> Any:
        """(n, in) to (n, units). Of the widths the logarithms are learned, so that they stay positive."""
        squares = np.sum((np.expand_dims(x, 1) - self.centres) ** 2, axis=-1)
        return np.exp(-squares / np.exp(2 * self.log_width))


def wave(x: Array) -> Array:
    """The function that is interpolated."""
    f: Array = np.sin(2 * np.pi * x) + 0.5 * np.sin(6 * np.pi * x)
    return f


def disc_and_ring(rng: np.random.Generator) -> tuple[Array, Array]:
    """150 points in a disc, which are 1, and 150 in the ring around it, which are 0."""
    angle = rng.uniform(0, 2 * np.pi, 300)
    radius = np.concatenate([rng.uniform(0, 1, 150), rng.uniform(1.5, 2.5, 150)])
    X = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return X, (radius < 1.2)[:, None] * 1.0


def fit(model: nn.Module, loss: nn.Module, X: Array, d: Array, steps: int) -> None:
    """Descend on all data at once."""
    optimizer = nn.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(X), d).backward()
        optimizer.step()


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Interpolate a function, and tell a disc from the ring around it."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, 60)[:, None]
    f, between = wave(x), np.linspace(0, 1, 591)[:, None]
    curve = nn.Sequential(RadialUnits(np.linspace(0, 1, 12)[:, None], 0.1), nn.Linear(12, 1, dtype=float))
    fit(curve, nn.MSELoss(), x, f, 300 if quick else 3000)
    error = float(np.mean((curve(between).numpy() - wave(between)) ** 2)) ** 0.5

    X, d = disc_and_ring(rng)
    bumps = nn.Sequential(RadialUnits(rng.normal(size=(4, 2)), 1.0), nn.Linear(4, 1, dtype=float))
    fit(bumps, nn.BCEWithLogitsLoss(), X, d, 200 if quick else 500)
    new_X, new_d = disc_and_ring(rng)
    accuracy = float(np.mean((bumps(new_X).numpy() > 0) == new_d))
    print(f"function: root mean squared error {error:.4f} between the points, with 12 units")
    print(f"disc and ring: {accuracy:.1%} of new points right, with 4 units")

    figure, (left, right) = panels(1, 2)
    fine = np.linspace(-0.2, 1.2, 400)[:, None]
    with ag.no_grad():
        parts = curve[0](fine).numpy() * curve[1].weight.numpy()
        left.plot(fine, parts, color=GREY, linewidth=0.8)
        left.plot(fine, curve(fine).numpy(), color=BLUE, label="net")
        left.plot(x, f, ".", color=ORANGE, label="data", markersize=4)
        left.set(xlabel="x", ylabel="y", ylim=(-2, 2), title="twelve bumps and their sum")
        left.legend(frameon=False)
        side = np.linspace(-3, 3, 121)
        plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        answers = bumps(plane).numpy().reshape(121, 121)
    right.contourf(side, side, answers, levels=[-1e3, 0, 1e3], colors=["#fbe3d0", "#d0e2f5"])
    for label, color in ((1, BLUE), (0, ORANGE)):
        right.plot(*X[d[:, 0] == label].T, ".", color=color, markersize=4)
    right.plot(*bumps[0].centres.numpy().T, "k+", markersize=10)
    right.set(
        xlabel="x1",
        ylabel="x2",
        title="disc and ring; + are the centres",
        aspect="equal",
        xlim=(-3, 3),
        ylim=(-3, 3),
    )
    save(figure, out / "rbf.png")
    return {"error": error, "accuracy": accuracy}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
