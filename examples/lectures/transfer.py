"""Transfer: what was learned on the digits 0 to 4 helps to learn 5 to 9.

A net knows the first five digits. Another takes over both of its convolutional layers, or the first alone,
with a new last layer. It learns the other five from a handful of images. The layers are frozen, or learn on.
From scratch, the same net has to learn strokes and corners from these few images.

In the 8x8 digits of the quick version there is little to learn about strokes. There each digit is at a random
place in a field of 12x12 pixels. A net that knows many digits at many places has an advantage.

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
from examples.pictures import BLUE, GREEN, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]

WAYS = {
    "both layers, frozen": (2, True),
    "both layers": (2, False),
    "first layer": (1, False),
    "from scratch": (0, False),
}
"""How many convolutional layers come from the net that knows 0 to 4, and whether they are frozen."""


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


def scattered(X: Array, side: int, rng: np.random.Generator) -> Array:
    """Each image at a random place in a black field of this side."""
    height, width = X.shape[2:]
    fields = np.zeros((*X.shape[:2], side, side), X.dtype)
    rows, columns = rng.integers(0, side - height + 1, len(X)), rng.integers(0, side - width + 1, len(X))
    for field, x, row, column in zip(fields, X, rows, columns, strict=True):
        field[:, row : row + height, column : column + width] = x
    return fields


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


def transferred(known: nn.Sequential, layers: int, side: int) -> tuple[nn.Sequential, int]:
    """New convolutional layers, of which the first few are copies of those that are known."""
    body, size = features(side)
    for mine, its in zip(body[: 3 * layers], known, strict=False):  # a layer, its ReLU, its pooling
        mine.load_state_dict(its.state_dict())
    return body, size


def run(quick: bool, seed: int, out: Path) -> dict[int, dict[str, float]]:
    """Learn 0 to 4, then 5 to 9 with the layers found, and from scratch."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (X, y), where = program.rows_of_digits(quick)
    X, low, learned = as_images(X), y < 5, y[y < 5]
    source = X[low]
    if quick:
        where, field = f"{where}, at random places of 12x12 pixels", 12
        learned, source = np.tile(learned, 5), scattered(np.tile(source, (5, 1, 1, 1)), field, rng)
        X = scattered(X, field, rng)
    side = X.shape[-1]
    known, size = features(side)
    fit(known, nn.Linear(size, 5), source, learned, 600 if quick else 500)
    X, y = X[~low], y[~low] - 5
    test, pool = (X[: len(X) // 2], y[: len(y) // 2]), (X[len(X) // 2 :], y[len(y) // 2 :])
    draws, steps = (4, 50) if quick else (3, 200)
    print(f"{where}; mean of {draws} draws of the labelled images\nlabels   " + "   ".join(WAYS))

    results: dict[int, dict[str, float]] = {}
    for labels in [3] if quick else [1, 2, 5, 10]:
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(draws):
            labelled = few(*pool, labels, rng)
            for way, (layers, frozen) in WAYS.items():
                body, size = transferred(known, layers, side)
                trainer = fit(body, nn.Linear(size, 5), *labelled, steps, frozen)
                found[way].append(trainer.evaluate(*test)["accuracy"])
        results[labels] = row = {way: float(np.mean(each)) for way, each in found.items()}
        accuracies = "   ".join(f"{accuracy:>{len(way)}.1%}" for way, accuracy in row.items())
        print(f"{labels:>6}   {accuracies}", flush=True)

    figure, axes = panels(width=5, height=4)
    for way, color in zip(WAYS, (GREEN, BLUE, ORANGE, GREY), strict=True):
        axes.semilogx(list(results), [row[way] for row in results.values()], "o-", color=color, label=way)
    axes.set(xlabel="labelled images of each digit", ylabel="test accuracy on 5 to 9")
    axes.set_xticks(list(results), map(str, results))
    axes.minorticks_off()
    axes.legend(frameon=False, title="layers of a net that knows 0 to 4")
    save(figure, out / "transfer.png")
    return results


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
