"""What hidden neurons look for: the weights of a 64-2-3 net for letters, as pictures.

The input is an 8 x 8 retina with T, L and X under noise. Each of the two hidden neurons has 64 weights, one
for each pixel. Shown as an image, the weights are the feature that the neuron detects. The two outputs
place every image in a plane, where three lines separate the letters.

Source: T. Mitchell, "Machine learning", chapter 4, 1997; the lectures' 64-2-3 net.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, GREEN, ORANGE, panels, save, tiles

Array = npt.NDArray[Any]

LETTERS = {
    "T": ["........", ".######.", ".######.", "...##...", "...##...", "...##...", "...##...", "........"],
    "L": ["........", ".##.....", ".##.....", ".##.....", ".##.....", ".######.", ".######.", "........"],
    "X": ["........", ".##..##.", "..####..", "...##...", "...##...", "..####..", ".##..##.", "........"],
}
IMAGES = np.array([[[c == "#" for c in row] for row in rows] for rows in LETTERS.values()], dtype=np.float32)


def noisy(n: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """n letters with normal noise on every pixel, and which ones they are."""
    y = rng.integers(0, len(IMAGES), n)
    return (IMAGES[y].reshape(n, 64) + noise * rng.normal(size=(n, 64))).astype(np.float32), y


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train, test, and show the weights."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(64, 2), nn.Tanh(), nn.Linear(2, 3))
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics="accuracy")
    trainer.fit(*noisy(300 if quick else 3000, 0.5, rng), 20, batch_size=30, verbose=False)
    X, y = noisy(1000, 0.5, rng)
    accuracy = trainer.evaluate(X, y)["accuracy"]
    print(f"{accuracy:.1%} of 1000 noisy letters right, with two hidden neurons")

    hidden, weights = model[:2](X).numpy(), model[0].weight.numpy().reshape(2, 8, 8)
    figure, (left, middle, right) = panels(1, 3)
    tiles(left, X[:9].reshape(9, 8, 8), 3, "inputs")
    tiles(
        middle,
        weights,
        2,
        "weights of the two hidden neurons",
        cmap="RdBu_r",
        vmin=-np.abs(weights).max(),
        vmax=np.abs(weights).max(),
    )
    for label, (letter, color) in enumerate(zip(LETTERS, (BLUE, ORANGE, GREEN), strict=True)):
        right.plot(*hidden[y == label].T, ".", color=color, label=letter, markersize=4)
    right.set(xlabel="answer of neuron 1", ylabel="answer of neuron 2", title="where the images are placed")
    right.set_xticks([-1, 0, 1])
    right.legend(frameon=False)
    save(figure, out / "features.png")
    contrast = [float(np.corrcoef(w.ravel(), np.ptp(IMAGES, axis=0).ravel())[0, 1]) for w in np.abs(weights)]
    print(f"weights are large where letters differ: correlations {contrast[0]:.2f} and {contrast[1]:.2f}")
    return {"accuracy": accuracy, "contrast": contrast}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
