"""Learn a curve from noisy points, and look at its slope.

    python -m examples.regression [--seed N] [--out FOLDER] [--quick]

A network with two hidden layers is fitted to points that scatter around a curve. The network never sees the
curve. The training loop is written out: compute the loss, play the tape backwards, make a step. Afterwards
the network is a function of x, and `ag.grad` gives its slope, although nobody trained the slope.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]

NOISE = 0.2
CUBIC = 3


def curve(x: Any) -> Any:
    """The truth."""
    return np.sin(3 * x) + 0.5 * x


def points(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Places x of shape (n, 1), and the curve there with noise on it."""
    x = rng.uniform(-2, 2, (n, 1)).astype(np.float32)
    return x, curve(x) + NOISE * rng.standard_normal((n, 1), np.float32)


def build() -> nn.Sequential:
    """From x to y, both of shape (n, 1)."""
    return nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))


def train(model: nn.Module, x: Array, y: Array, epochs: int) -> None:
    """Minimize the mean squared error by Adam, with a rate that falls to 0."""
    batches = nn.DataLoader(nn.TensorDataset(x, y), batch_size=32, shuffle=True)
    mean_squared_error = nn.MSELoss()
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        losses = []
        for inputs, targets in batches:
            loss = mean_squared_error(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
        if epoch % (epochs // 5) == 0:
            print(f"epoch {epoch:>3}/{epochs}: mean squared error {np.mean(losses):.4f}")


def slope(f: Callable[[Any], Any], x: Array) -> Array:
    """The derivative of f at each x: that of the sum, since each y depends on its own x alone."""
    return np.asarray(ag.grad(lambda x: np.sum(f(x)))(x))


def distance(a: Array, b: Array) -> float:
    """The root of the mean squared difference."""
    return float(np.sqrt(np.mean((a - b) ** 2)))


def run(quick: bool, seed: int, out: Path) -> dict[str, float]:
    """Learn, and compare with the truth and with a polynomial."""
    nn.manual_seed(seed)
    x, y = points(400, np.random.default_rng(seed))
    model = build()
    train(model, x, y, 100 if quick else 300)

    grid = np.linspace(-1.9, 1.9, 200, dtype=np.float32)[:, None]
    truth, true_slope = curve(grid), slope(curve, grid)
    with ag.no_grad():  # the parameters stay as they are from here on
        learned, learned_slope = model(grid).numpy(), slope(model, grid)
    cubic = np.polyval(np.polyfit(x[:, 0], y[:, 0], CUBIC), grid)
    results = {
        "noise of the points": NOISE,
        "network": distance(learned, truth),
        "cubic polynomial": distance(cubic, truth),
        "slope of the network": distance(learned_slope, true_slope),
    }
    print("\ndistance from the truth (root mean square)")
    for what, result in results.items():
        print(f"  {what:<22}{result:.3f}")

    figure, (left, right) = panels(1, 2)
    left.plot(x, y, ".", color=GREY, markersize=3, label="points")
    for one, true, ours in ((left, truth, learned), (right, true_slope, learned_slope)):
        one.plot(grid, true, color=ORANGE, label="truth")
        one.plot(grid, ours, color=BLUE, label="network")
        one.set_xlabel("x")
    left.plot(grid, cubic, color=GREY, linestyle="--", label="cubic")
    left.set_title("curve")
    right.set_title("its slope")
    left.legend(frameon=False)
    save(figure, out / "regression.png")
    return results


if __name__ == "__main__":
    sys.exit(program.main("regression", __doc__, run))
