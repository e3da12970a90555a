"""Vanishing gradients: what arrives in the first layer, by depth and activation.

Backpropagation multiplies by a factor for every layer. With the logistic function it is at most 1/4 times a
weight, so the first layers learn nothing. Rectifiers with He's initial values keep the gradient's size.
Batch normalization rescales the gradient, and the shortcuts of a residual net pass it unchanged.

Source: S. Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", 1991; X. Glorot, Y. Bengio,
2010.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nn
from examples.pictures import COLORS, panels, save

WIDTH = 64


class Shortcut(nn.Module):
    """x + relu(W x + b) / sqrt(depth)."""

    def __init__(self, depth: int) -> None:
        self.layer, self.relu, self.scale = nn.Linear(WIDTH, WIDTH), nn.ReLU(), depth**-0.5

    def forward(self, x: Any) -> Any:
        """One residual block."""
        return x + self.scale * self.relu(self.layer(x))


KINDS: dict[str, Callable[[int], list[nn.Module]]] = {
    "logistic": lambda depth: [nn.Linear(WIDTH, WIDTH), nn.Sigmoid()],
    "tanh": lambda depth: [nn.Linear(WIDTH, WIDTH), nn.Tanh()],
    "ReLU": lambda depth: [nn.Linear(WIDTH, WIDTH), nn.ReLU()],
    "SELU": lambda depth: [nn.Linear(WIDTH, WIDTH), nn.SELU()],
    "logistic, batch norm": lambda depth: [nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.Sigmoid()],
    "ReLU, shortcuts": lambda depth: [Shortcut(depth)],
}
"""What makes a hidden layer of a net of so many."""


def gradient_norms(kind: str, depth: int) -> list[float]:
    """The norm of the gradient of each hidden layer's weights, of an untrained net on the digits."""
    layers = [part for _ in range(depth) for part in KINDS[kind](depth)]
    model = nn.Sequential(*layers, nn.Linear(WIDTH, 10))
    nn.init.by_activation_(model).double()
    X, y = nn.datasets.load_digits("train")
    nn.functional.cross_entropy(model((X[:200] - X.mean()).astype(float)), y[:200]).backward()
    weights = [module.weight for module in model.modules() if isinstance(module, nn.Linear)][:-1]
    return [float(np.linalg.norm(weight.grad.numpy())) for weight in weights if weight.grad is not None]


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Measure the gradients of nets of several depths."""
    depths = [5, 10, 20] if quick else [2, 5, 10, 20, 50]
    figure, (left, right) = panels(1, 2, width=4.6)
    ratios = {}
    for kind, color in zip(KINDS, COLORS, strict=False):
        nn.manual_seed(seed)
        norms = {depth: gradient_norms(kind, depth) for depth in depths}
        ratios[kind] = norms[20][0] / norms[20][-1]
        print(f"{kind:<22}depth 20: first layer has {ratios[kind]:.1e} of the last layer's gradient")
        left.semilogy(range(1, 21), norms[20], color=color, label=kind)
        right.semilogy(depths, [norms[depth][0] for depth in depths], "o-", color=color)
    left.set(xlabel="layer", ylabel="norm of the gradient", title="20 layers")
    left.legend(frameon=False, fontsize=8)
    left.xaxis.get_major_locator().set_params(integer=True)
    right.set(xlabel="depth", title="the first layer")
    save(figure, out / "vanishing.png")
    return ratios


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
