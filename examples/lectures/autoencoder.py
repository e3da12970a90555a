"""An autoencoder squeezes digits through few numbers, better than principal components.

The net learns to reproduce its input through a layer of only k neurons. A linear net can do no better than
the first k principal components. Hidden layers before and after the code bend the plane towards the digits.
Both are compared by the mean squared error on digits that neither has seen.

Source: G. Hinton, R. Salakhutdinov, "Reducing the dimensionality of data with neural networks", 2006.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, COLORS, ORANGE, panels, save, tiles

Array = npt.NDArray[Any]


class Autoencoder(nn.Module):
    """64 pixels to k numbers and back."""

    def __init__(self, k: int, width: int = 128) -> None:
        self.encoder = nn.Sequential(nn.Linear(64, width), nn.ELU(), nn.Linear(width, k))
        self.decoder = nn.Sequential(nn.Linear(k, width), nn.ELU(), nn.Linear(width, 64))

    def forward(self, x: Any) -> Any:
        """What is left of the input."""
        return self.decoder(self.encoder(x))


def train(k: int, X: Array, epochs: int) -> Autoencoder:
    """Fit it to the digits."""
    model = Autoencoder(k)
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    trainer = nn.Trainer(model, nn.MSELoss(), optimizer, scheduler=schedule)
    trainer.fit(X, X, epochs, batch_size=50, verbose=False)
    return model


def principal_components(X: Array, test: Array, k: int) -> Array:
    """The test digits, projected on the k directions in which the training digits vary most."""
    mean = X.mean(axis=0)
    directions = np.linalg.svd(X - mean, full_matrices=False)[2][:k]
    projected: Array = mean + (test - mean) @ directions.T @ directions
    return projected


def run(quick: bool, seed: int, out: Path) -> dict[int, tuple[float, float]]:
    """Compare the errors for several sizes of the code."""
    X, (test, labels) = nn.datasets.load_digits("train")[0], nn.datasets.load_digits("test")
    sizes = [2] if quick else [1, 2, 4, 8, 16]
    nets, errors = {}, {}
    for k in sizes:
        nn.manual_seed(seed)
        nets[k] = train(k, X, 15 if quick else 100)
        errors[k] = (
            float(np.mean((nets[k](test).numpy() - test) ** 2)),
            float(np.mean((principal_components(X, test, k) - test) ** 2)),
        )
        print(
            f"{k:>2} numbers: mean squared error {errors[k][0]:.4f}, principal components {errors[k][1]:.4f}"
        )

    figure, (left, middle, right) = panels(1, 3)
    shown = max(sizes)
    rows = [test[:10], nets[shown](test[:10]).numpy(), principal_components(X, test[:10], shown)]
    tiles(
        left,
        np.concatenate(rows).reshape(-1, 8, 8),
        10,
        f"digits; from {shown} numbers; principal components",
    )
    middle.plot(sizes, [e[0] for e in errors.values()], "o-", color=BLUE, label="autoencoder")
    middle.plot(sizes, [e[1] for e in errors.values()], "o-", color=ORANGE, label="principal components")
    middle.set(xlabel="size of the code", ylabel="mean squared error")
    middle.legend(frameon=False)
    for digit in range(10):
        place = nets[2].encoder(test[labels == digit]).numpy().T
        right.scatter(*place, s=60, marker=f"${digit}$", color=COLORS[digit % 8], linewidths=0.1)
    right.set(title="the plane of a code of 2")
    save(figure, out / "autoencoder.png")
    return errors


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
