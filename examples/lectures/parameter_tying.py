"""Tied parameters: neurons that share their weights learn from fewer images.

Two nets see the same images through 3 x 3 windows. In one net every position has its own weights. In the
other all positions share the same weights: it detects everywhere what it learned in one corner. The digits
stand at random positions in a larger image. The net with tied weights needs far fewer images, and has far
fewer parameters.

Source: K. Fukushima, "Neocognitron", 1980; Y. LeCun et al., "Backpropagation applied to handwritten zip
code recognition", 1989.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, ORANGE, panels, save, tiles

Array = npt.NDArray[Any]

SIDE, MAPS = 12, 8


class Local(nn.Module):
    """Windows of 3 x 3, each with weights of its own: a convolution whose parameters are not tied."""

    def __init__(self, side: int, maps: int) -> None:
        self.side, self.maps = side, maps
        bound = 1 / 3  # as in Conv2d: 1 / sqrt(fan-in)
        self.weight = nn.Parameter(np.empty((side * side, 9, maps), np.float32))
        nn.init.uniform_(self.weight, -bound, bound)
        self.bias = nn.Parameter(np.zeros((side * side, 1, maps), np.float32))

    def forward(self, x: Any) -> Any:
        """(n, 1, side, side) to (n, maps, side, side)."""
        windows = np.moveaxis(nn.functional.unfold(x, 3, padding=1), 2, 0)  # (places, n, 9)
        y = np.matmul(windows, self.weight) + self.bias
        return np.moveaxis(y, 0, 2).reshape(len(x), self.maps, self.side, self.side)


def build(tied: bool) -> nn.Sequential:
    """The net with either layer."""
    first = nn.Conv2d(1, MAPS, 3, padding=1) if tied else Local(SIDE, MAPS)
    return nn.Sequential(
        first, nn.ReLU(), nn.MaxPool2d(3), nn.Flatten(), nn.Linear(MAPS * (SIDE // 3) ** 2, 10)
    )


def placed(X: Array, rng: np.random.Generator) -> Array:
    """Digits of 8 x 8 at random places of larger images."""
    images = np.zeros((len(X), 1, SIDE, SIDE), np.float32)
    for image, x, (top, left) in zip(images, X, rng.integers(0, SIDE - 7, (len(X), 2)), strict=True):
        image[0, top : top + 8, left : left + 8] = x.reshape(8, 8)
    return images


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train both nets on the same images, of several numbers."""
    rng = np.random.default_rng(seed)
    (X, y), (test, labels) = nn.datasets.load_digits("train"), nn.datasets.load_digits("test")
    X, test = placed(X, rng), placed(test, rng)
    sizes = [200] if quick else [100, 300, 1000]
    results: dict[str, dict[int, float]] = {}
    parameters = {}
    for name, tied in (("tied", True), ("untied", False)):
        parameters[name] = sum(math.prod(p.shape) for p in build(tied)[0].parameters())
        results[name] = {}
        for n in sizes:
            found = []
            for i in range(1 if quick else 3):
                nn.manual_seed(3 * seed + i)
                model = build(tied)
                optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
                trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics="accuracy")
                trainer.fit(X[:n], y[:n], 8000 // n, batch_size=25, verbose=False)
                found.append(trainer.evaluate(test, labels)["accuracy"])
            results[name][n] = float(np.mean(found))
        shown = "   ".join(f"{n}: {accuracy:.1%}" for n, accuracy in results[name].items())
        print(f"{name:<7}{parameters[name]:>6} parameters in the first layer; images: test accuracy  {shown}")

    figure, (left, right) = panels(1, 2)
    tiles(left, X[:16, 0], 4, "digits at random places", vmin=-0.2)  # so that the frames can be seen
    for (name, course), color in zip(results.items(), (BLUE, ORANGE), strict=True):
        right.semilogx(list(course), list(course.values()), "o-", color=color, label=name)
    right.set(xlabel="images", ylabel="test accuracy")
    right.set_xticks(sizes, map(str, sizes))
    right.minorticks_off()
    right.legend(frameon=False)
    save(figure, out / "parameter_tying.png")
    return {"accuracy": results, "parameters": parameters}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
