"""ADALINE: a linear neuron learns the diameter of oaks from their age, in two ways.

The neuron y = w0 + w1 x minimizes the squared error of *Oaks in Wisconsin*: age in years, diameter at
breast height in inches. Batch descent follows the gradient of the whole error, and reaches the solution of
the normal equations. Online descent (the delta rule) makes a step after every tree. With a constant rate it
ends in a cycle around the solution; the smaller the rate, the closer. With a rate that falls as 1/t it
converges slowly. The ends of the cycles are a smooth function of the rate, so a few rates extrapolate to
rate 0.

Source: B. Widrow, M. Hoff, "Adaptive switching circuits", 1960; the lectures' oaks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]

AGE = np.array([97.0, 93, 88, 81, 75, 57, 52, 45, 28, 15, 12, 11])[:, None]
DIAMETER = np.array([12.5, 12.5, 8.0, 9.5, 16.5, 11.0, 10.5, 9.0, 6.0, 1.5, 1.0, 1.0])[:, None]
CENTRE, SCALE = AGE.mean(), AGE.std()
"""Ages are standardized, so that the error is round like a bowl and not like a ravine."""

N = len(AGE)


def adaline() -> nn.Linear:
    """The neuron, with all weights 0."""
    model = nn.Linear(1, 1, dtype=float)
    model.load_state_dict({"weight": np.zeros((1, 1)), "bias": np.zeros(1)})
    return model


def weights(model: nn.Linear) -> Array:
    """(w0, w1) for ages in years."""
    slope = model.weight.item() / SCALE
    return np.array([model.bias.item() - slope * CENTRE, slope])


def descend(rate: float, epochs: int, batch_size: int, power: float = 0) -> tuple[nn.Linear, Array]:
    """The neuron after descent with rate / (1 + epoch / 10)^power, and its weights after each epoch."""
    model = adaline()
    optimizer = nn.optim.SGD(model.parameters(), lr=rate)
    schedule = nn.optim.lr_scheduler.PowerLR(optimizer, s=10, c=power)
    loader = nn.DataLoader(nn.TensorDataset((AGE - CENTRE) / SCALE, DIAMETER), batch_size)
    path = [weights(model)]
    for _ in range(epochs):
        for x, d in loader:
            optimizer.zero_grad()
            (0.5 * nn.functional.mse_loss(model(x), d)).backward()
            optimizer.step()
        schedule.step()
        path.append(weights(model))
    return model, np.array(path)


def at_rate_zero(rates: list[float], ends: list[Array]) -> Array:
    """The polynomial through the ends of the cycles, at rate 0 (Richardson's extrapolation)."""
    rows = np.vander(rates, increasing=True)
    extrapolated: Array = np.linalg.solve(rows, np.array(ends))[0]
    return extrapolated


def standardized(w: Array) -> Array:
    """(w0, w1) for ages in years, of shape (..., 2), as the neuron has them, for standardized ages."""
    return np.stack([w[..., 0] + w[..., 1] * CENTRE, w[..., 1] * SCALE], axis=-1)


def draw_surface(axes: Any, exact: Array, batch: Array, online: Array) -> None:
    """The mean squared error over the neuron's two weights, and the ways down."""
    ages = ((AGE - CENTRE) / SCALE).ravel()
    bias, slope = np.meshgrid(np.linspace(-1, 12, 120), np.linspace(-2, 7, 120))
    error = np.mean((bias[..., None] + slope[..., None] * ages - DIAMETER.ravel()) ** 2, axis=-1)
    shown = axes.contourf(bias, slope, error, 14, cmap="Greys", alpha=0.4)
    axes.figure.colorbar(shown, ax=axes, label="mean squared error")
    for path, color, name in ((batch, BLUE, "batch"), (online, ORANGE, "online")):
        axes.plot(*standardized(path).T, ".-", color=color, linewidth=1.2, markersize=4, label=name)
    axes.plot(*standardized(exact), "*", color="black", markersize=10, label="normal equations")
    axes.set(xlabel="bias", ylabel="weight of the standardized age", title="the error, a bowl")
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def draw(path: Path, exact: Array, batch: Array, online: Array) -> None:
    """The line through the oaks, the two ways to it on the surface of the error, and how far each comes."""
    figure, (left, middle, right) = panels(1, 3)
    left.plot(AGE, DIAMETER, "o", color=GREY)
    span = np.array([0, 100])
    for k in (0, 1, 3, 10, 100):
        line = batch[k][0] + batch[k][1] * span
        left.plot(span, line, color=BLUE, alpha=0.3 + 0.007 * k)
        left.annotate(
            f"epoch {k}", (span[1], line[1]), (2, 0), textcoords="offset points", va="center", fontsize=8
        )
    left.set(xlabel="age in years", ylabel="diameter in inches", title="batch descent", xlim=(0, 122))
    draw_surface(middle, exact, batch, online)
    for steps, color, name in ((batch, BLUE, "batch"), (online, ORANGE, "online, 1/t")):
        right.loglog(np.abs(steps - exact).max(axis=1), color=color, label=name)
    right.set(xlabel="epoch", ylabel="distance from the normal equations", ylim=(1e-12, 10))
    right.legend(frameon=False, loc="lower left")
    save(figure, path)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Descend both ways, and compare with the normal equations."""
    exact = np.linalg.lstsq(np.hstack([np.ones_like(AGE), AGE]), DIAMETER, rcond=None)[0][:, 0]
    _, batch = descend(0.2, 200, batch_size=N)
    _, online = descend(0.1, 200 if quick else 5000, batch_size=1, power=1)
    rates = [0.04, 0.03, 0.02, 0.015, 0.01, 0.0075]
    cycles = [descend(rate, int(2 / rate), batch_size=1)[1][-1] for rate in rates]
    online_limit = at_rate_zero(rates, cycles)

    errors = {
        "batch": np.abs(batch[-1] - exact).max(),
        "online, rate falls as 1/t": np.abs(online[-1] - exact).max(),
        f"online, constant rate {rates[-1]}": np.abs(cycles[-1] - exact).max(),
        "online, rate to 0": np.abs(online_limit - exact).max(),
    }
    print(f"normal equations: diameter = {exact[0]:.6f} + {exact[1]:.6f} age")
    for name, error in errors.items():
        print(f"{name:<29}differs by {error:.1e}")
    draw(out / "adaline.png", exact, batch, online)
    return {"exact": exact, "batch": batch[-1], "online": online[-1], "online_limit": online_limit}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
