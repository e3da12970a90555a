"""Any continuous function on [0, 1] within eps, by one hidden layer of rectifiers.

A polygon through points of the graph of f is a sum of ramps: f(0) + sum_k c_k relu(x - x_k). Here c_k is
the change of slope at the knot x_k. Since f is uniformly continuous, knots that are close enough bring the
polygon within eps everywhere. The program halves every interval with a larger error, and counts the
neurons. Beside it, nets with as many neurons learn by gradient descent, on new points in every step. The
best of three starts shows that finding the weights is harder than their existence.

Source: M. Leshno et al., "Multilayer feedforward networks with a nonpolynomial activation function can
approximate any function", 1993.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]

EPS = 0.01
FINE = np.linspace(0, 1, 100_001)

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "square root": np.sqrt,
    "sin(1 / (x + 0.05))": lambda x: np.sin(1 / (x + 0.05)),
    "Weierstrass": lambda x: sum((0.5**k * np.cos(3**k * np.pi * x) for k in range(7)), np.zeros_like(x)),
}
"""Steep at 0; ever faster waves; the first terms of a function that has a derivative nowhere."""


def values(model: nn.Module, x: Array) -> Array:
    """f(x) of a net, a part of the points at a time."""
    with ag.no_grad():
        return np.concatenate([model(part[:, None]).numpy()[:, 0] for part in np.array_split(x, 50)])


def polygon(f: Callable[[Array], Array], knots: Array) -> nn.Sequential:
    """The net whose output is the polygon through (knots, f(knots))."""
    heights = f(knots)
    slopes = np.diff(heights) / np.diff(knots)
    ramps = np.diff(slopes, prepend=0.0)
    model = nn.Sequential(
        nn.Linear(1, len(ramps), dtype=float), nn.ReLU(), nn.Linear(len(ramps), 1, dtype=float)
    )
    model.load_state_dict(
        {
            "0.weight": np.ones((len(ramps), 1)),
            "0.bias": -knots[:-1],
            "2.weight": ramps[None],
            "2.bias": heights[:1],
        }
    )
    return model


def knots_for(f: Callable[[Array], Array], eps: float) -> Array:
    """Knots at which the polygon is nowhere further than eps from f, on a fine grid."""
    knots = np.array([0.0, 1.0])
    target = f(FINE)
    while True:
        off = np.abs(np.interp(FINE, knots, f(knots)) - target) > eps
        if not off.any():
            return knots
        bad = np.unique(np.searchsorted(knots, FINE[off]) - 1)
        knots = np.sort(np.append(knots, (knots[bad] + knots[bad + 1]) / 2))


def trained(
    f: Callable[[Array], Array], units: int, steps: int, rng: np.random.Generator
) -> tuple[nn.Sequential, float]:
    """A net of the same form that has learned f by descent, and its largest error."""
    model = nn.Sequential(nn.Linear(1, units), nn.ReLU(), nn.Linear(units, 1)).double()
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        x = rng.random((400, 1))
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), f(x)).backward()
        optimizer.step()
        schedule.step()
    return model, float(np.abs(values(model, FINE) - f(FINE)).max())


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Build the nets, measure their errors on a fine grid, and train one beside them."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    starts, steps = (1, 200) if quick else (3, 3000)
    figure, axes = panels(1, len(FUNCTIONS))
    errors, units = {}, {}
    for one, (name, f) in zip(axes, FUNCTIONS.items(), strict=True):
        model = polygon(f, knots_for(f, 0.9 * EPS))
        units[name] = model[0].out_features
        errors[name] = float(np.abs(values(model, FINE) - f(FINE)).max())
        tries = [trained(f, units[name], steps, rng) for _ in range(starts)]
        learned, missed = min(tries, key=lambda one: one[1])
        print(f"{name:<20}{units[name]:>4} neurons, error {errors[name]:.4f}; trained instead: {missed:.3f}")
        one.plot(FINE, f(FINE), color=GREY, linewidth=4, alpha=0.5, label="f")
        one.plot(FINE, values(learned, FINE), color=ORANGE, linewidth=1, label="trained")
        one.plot(FINE, values(model, FINE), color=BLUE, linewidth=1, label=f"built, {units[name]} neurons")
        one.set(title=name, xlabel="x")
        one.legend(frameon=False, fontsize=8)
    save(figure, out / "relu_approximation.png")
    return {"errors": errors, "units": units}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
