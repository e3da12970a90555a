"""Activation functions: their derivatives, and how well a net learns with each.

Gradient descent needs the derivative. The logistic function's derivative is at most 1/4, and almost 0 away
from the middle. That of tanh is at most 1, that of the rectifier exactly 1 or 0. The rectifier's variants
have some slope below zero too, so no neuron dies. The derivatives in the picture come from the tape. The
table gives the test accuracy on the 8x8 digits.

Source: A. Geron, "Hands-on machine learning", chapter 11, 2019; Y. LeCun et al., "Efficient backprop",
1998.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
import nn
from examples.pictures import BLUE, ORANGE, panels, save

ACTIVATIONS: dict[str, nn.Module] = {
    "LTU": nn.LTU(),
    "saturated linear": nn.Hardtanh(0, 1),
    "logistic": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "scaled tanh": nn.ScaledTanh(),
    "ReLU": nn.ReLU(),
    "leaky ReLU": nn.LeakyReLU(0.1),
    "ELU": nn.ELU(),
    "SELU": nn.SELU(),
    "softplus": nn.Softplus(),
    "GELU": nn.GELU(),
    "swish": nn.SiLU(),
}


def accuracy(activation: nn.Module, epochs: int) -> float:
    """On the test digits, of a net of three layers with this activation and suitable initial values."""
    model = nn.Sequential(nn.Linear(64, 64), activation, nn.Linear(64, 32), activation, nn.Linear(32, 10))
    nn.init.by_activation_(model)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics="accuracy")
    trainer.fit(*nn.datasets.load_digits("train"), epochs, batch_size=32, verbose=False)
    return trainer.evaluate(*nn.datasets.load_digits("test"))["accuracy"]


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Draw each function with its derivative, and train a net with it."""
    z = np.linspace(-4, 4, 401)
    figure, axes = panels(3, 4, width=2.6, height=2.1)
    slopes, accuracies = {}, {}
    print(f"{'':<18}slope on [-4, 4]  at -4  test accuracy")
    for one, (name, f) in zip(axes.flat, ACTIVATIONS.items(), strict=True):
        slope = ag.grad(lambda z, f=f: np.sum(f(z)))(z)
        slopes[name] = (float(slope.max()), float(slope[0]))
        nn.manual_seed(seed)
        accuracies[name] = accuracy(f, 3 if quick else 20)
        print(f"{name:<18}{slope.max():>10.3f}{slope[0]:>14.4f}{accuracies[name]:>13.1%}")
        one.plot(z, f(z), color=BLUE, label="f")
        one.plot(z, slope, color=ORANGE, label="derivative", linewidth=1)
        one.set(title=name, ylim=(-2, 2.5), xlabel="z")
    axes[0, 0].legend(frameon=False, fontsize=8)
    save(figure, out / "activations.png")
    return {"slopes": slopes, "accuracies": accuracies}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
