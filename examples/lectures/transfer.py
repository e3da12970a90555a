"""Transfer: what was learned on the digits 0 to 4 helps to learn 5 to 9.

A net knows the first five digits. Its convolutional layers are frozen, and only a new last layer learns the
other five. From scratch, the same net has to learn strokes and corners from a handful of images.

Source: J. Yosinski et al., "How transferable are features in deep neural networks?", 2014; A. Geron,
chapter 11, 2019.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples import program
from examples.pictures import BLUE, ORANGE, panels, save

Array = npt.NDArray[Any]


def as_images(X: Array) -> Array:
    """Rows of pixels as square images with one channel."""
    side = int(X.shape[1] ** 0.5)
    return X.reshape(-1, 1, side, side)


def features(side: int) -> tuple[nn.Sequential, int]:
    """Two convolutional layers, and how many numbers come out."""
    layers = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
    )
    return layers, 32 * (side // 4) ** 2


def fit(
    body: nn.Module, head: nn.Module, X: Array, y: Array, steps: int = 200, frozen: bool = False
) -> nn.Trainer:
    """Train the head, and the body unless it is frozen, for about so many steps of batches of 50 at most."""
    body.requires_grad_(not frozen)
    model = nn.Sequential(body, head)
    optimizer = nn.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-3)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics="accuracy")
    batch = min(50, len(X))
    trainer.fit(X, y, epochs=max(1, steps * batch // len(X)), batch_size=batch, verbose=False)
    return trainer


def few(X: Array, y: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """n samples of each class."""
    chosen = np.concatenate([rng.permutation(np.flatnonzero(y == label))[:n] for label in np.unique(y)])
    return X[chosen], y[chosen]


def run(quick: bool, seed: int, out: Path) -> dict[int, tuple[float, float]]:
    """Learn 0 to 4, then 5 to 9 with the layers found, and from scratch."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (X, y), where = program.rows_of_digits(quick)
    X, draws = as_images(X), 2 if quick else 3
    side, low = X.shape[-1], y < 5
    body, size = features(side)
    fit(body, nn.Linear(size, 5), X[low], y[low], 500)
    X, y = X[~low], y[~low] - 5
    test, pool = (X[: len(X) // 2], y[: len(y) // 2]), (X[len(X) // 2 :], y[len(y) // 2 :])
    print(f"{where}; mean of {draws} draws of the labelled images")

    results = {}
    for n in [1] if quick else [1, 2, 5, 10]:
        transferred, scratch = [], []
        for _ in range(draws):
            labelled = few(*pool, n, rng)
            trainer = fit(body, nn.Linear(size, 5), *labelled, frozen=True)
            transferred.append(trainer.evaluate(*test)["accuracy"])
            trainer = fit(features(side)[0], nn.Linear(size, 5), *labelled)
            scratch.append(trainer.evaluate(*test)["accuracy"])
        results[n] = float(np.mean(transferred)), float(np.mean(scratch))
        print(
            f"{n:>2} labels for each digit: {results[n][0]:.1%} by transfer, {results[n][1]:.1%} from scratch"
        )

    figure, axes = panels(width=5)
    for i, (name, color) in enumerate((("layers learned on 0 to 4", BLUE), ("from scratch", ORANGE))):
        axes.semilogx(list(results), [pair[i] for pair in results.values()], "o-", color=color, label=name)
    axes.set(xlabel="labelled images of each digit", ylabel="test accuracy on 5 to 9")
    axes.set_xticks(list(results), map(str, results))
    axes.minorticks_off()
    axes.legend(frameon=False)
    save(figure, out / "transfer.png")
    return results


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
