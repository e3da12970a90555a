"""The Mark I perceptron: 20 x 20 photocells, 512 random features, neurons that learn.

Each of 512 association units adds 20 photocells and subtracts 20 others, wired at random and for ever, and
compares the sum with a threshold. Only the weights from there to the response units learn, one for each
digit, by Rosenblatt's rule: of an image that is misread, the right unit adds the features, and the wrong one
subtracts them. Beside it learns a machine without association units, from the photocells alone.

The images are the digits of 8x8 that come with `nn`, twice as large, at random places in the field of view.

Source: F. Rosenblatt, "Principles of neurodynamics", 1962.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, ORANGE, panels, save, tiles

Array = npt.NDArray[Any]

SIDE, UNITS, WIRES = 20, 512, 20


def shown(X: Array, rng: np.random.Generator) -> Array:
    """Black and white digits of 16x16 at random places of the 20x20 photocells."""
    large = (X.reshape(-1, 8, 8) > 0.5).repeat(2, 1).repeat(2, 2)
    field = np.zeros((len(X), SIDE, SIDE))
    for image, digit, (top, left) in zip(field, large, rng.integers(0, SIDE - 15, (len(X), 2)), strict=True):
        image[top : top + 16, left : left + 16] = digit
    return field.reshape(len(X), -1)


def association(cells: Array, rng: np.random.Generator) -> nn.Sequential:
    """Units with random wires; a threshold at which each is on for about half of these images."""
    wires = np.zeros((UNITS, cells.shape[1]))
    for unit in wires:
        chosen = rng.permutation(cells.shape[1])[: 2 * WIRES]
        unit[chosen] = np.repeat([1, -1], WIRES)
    layer = nn.Linear(cells.shape[1], UNITS, dtype=float)
    thresholds = np.median(cells @ wires.T, axis=0) + 0.5
    layer.load_state_dict({"weight": wires, "bias": -thresholds})
    layer.requires_grad_(False)
    return nn.Sequential(layer, nn.LTU())


def learn(features: Array, y: Array, passes: int, rng: np.random.Generator) -> tuple[Array, list[int]]:
    """The mean of the weights (classes, features + 1) of the last half of all steps, and mistakes by pass."""
    X = np.hstack([features, np.ones((len(features), 1))])
    weights, total, mistakes = np.zeros((10, X.shape[1])), np.zeros((10, X.shape[1])), []
    for pass_ in range(passes):
        mistakes.append(0)
        for i in rng.permutation(len(X)):
            read = int((weights @ X[i]).argmax())
            if read != y[i]:
                weights[y[i]] += X[i]
                weights[read] -= X[i]
                mistakes[-1] += 1
            if pass_ >= passes // 2:
                total += weights
    return total, mistakes


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn from the association units, and from the photocells alone."""
    rng = np.random.default_rng(seed)
    (X, y), (X_test, y_test) = nn.datasets.load_digits("train"), nn.datasets.load_digits("test")
    copies, passes = (1, 6) if quick else (8, 20)
    cells, test = shown(np.tile(X, (copies, 1)), rng), shown(X_test, rng)
    labels = np.tile(y, copies)
    units = association(cells, rng)
    found, courses = {}, {}
    seen = {
        "photocells alone": (cells, test),
        "association units": tuple(np.asarray(units(x)) for x in (cells, test)),
    }
    for name, (features, new) in seen.items():
        weights, courses[name] = learn(features, labels, passes, rng)
        scores = new @ weights[:, :-1].T + weights[:, -1]
        found[name] = float(np.mean(scores.argmax(axis=1) == y_test))
        print(f"{name:<18}{weights.size:>6,} weights learn, test accuracy {found[name]:.1%}")

    figure, (left, middle, right) = panels(1, 3)
    tiles(left, test[:12].reshape(-1, SIDE, SIDE), 4, "what the photocells see")
    wires = units.state_dict()["0.weight"][:12].reshape(-1, SIDE, SIDE)
    tiles(middle, wires, 4, "wires of twelve association units", "RdBu_r")
    for color, (name, course) in zip((ORANGE, BLUE), courses.items(), strict=True):
        right.plot(range(1, passes + 1), np.array(course) / len(labels), color=color, label=name)
    right.set(xlabel="pass", ylabel="mistakes, fraction of the images")
    right.legend(frameon=False)
    save(figure, out / "mark1.png")
    return found


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
