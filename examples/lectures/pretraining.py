"""Pretraining without labels: stacked autoencoders, and guessing how images are turned.

Labels are few, images are many. In the first way each layer learns to encode the output of the layer below
so that it can be decoded. Some inputs are set to 0, so the layer learns how inputs depend on each other. In
the second way a net learns a task without labels: whether an image is upright or turned by 90, 180 or 270
degrees. Then the pretrained layers learn from the few labels, beside the same net from scratch.

Source: Y. Bengio et al., "Greedy layer-wise training of deep networks", 2007; P. Vincent et al., "Extracting
and composing robust features with denoising autoencoders", 2008; S. Gidaris et al., "Unsupervised
representation learning by predicting image rotations", 2018.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples import program
from examples.lectures.transfer import as_images, features, few, fit
from examples.pictures import BLUE, GREEN, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]


def stack(pixels: int) -> nn.Sequential:
    """Three layers of logistic neurons, each narrower than the one before."""
    sizes = [pixels, 100, 64, 32]
    return nn.Sequential(
        *(nn.Sequential(nn.Linear(a, b), nn.Sigmoid()) for a, b in itertools.pairwise(sizes))
    )


def turned(X: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Images turned by quarters, and by how many."""
    quarters = rng.integers(0, 4, len(X))
    return np.stack([np.rot90(x, k, (1, 2)) for x, k in zip(X, quarters, strict=True)]), quarters


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Pretrain both ways, then learn from few labels, beside the same nets from scratch."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (X, y), where = program.rows_of_digits(quick)
    n = len(X) * 4 // 5
    images, side = as_images(X), int(X.shape[1] ** 0.5)
    print(f"{where}: {n:,} without labels, a few of each with labels, the others for the test")

    autoencoders = stack(X.shape[1])
    nn.pretrain(
        autoencoders, X[:n], 25 if quick else 40, noise=0.2, optimizer=lambda p: nn.optim.Adam(p, lr=3e-3)
    )
    rotation, size = features(side)
    trainer = fit(rotation, nn.Linear(size, 4), *turned(images[:n], rng), 300 if quick else 1000)
    told = trainer.evaluate(*turned(images[n:], np.random.default_rng([seed, 4])))["accuracy"]
    print(f"how other digits are turned: {told:.1%} right")

    kinds: dict[str, tuple[Callable[[], nn.Module], Array, int]] = {
        "stacked autoencoders": (lambda: copy.deepcopy(autoencoders), X, 32),
        "the same from scratch": (lambda: stack(X.shape[1]), X, 32),
        "rotation": (lambda: copy.deepcopy(rotation), images, size),
        "convolutions from scratch": (lambda: features(side)[0], images, size),
    }
    results: dict[str, Any] = {kind: {} for kind in kinds}
    for labels in [10] if quick else [1, 3, 10, 30]:
        for kind, (make, inputs, width) in kinds.items():
            found = []
            for draw in range(1 if quick else 6):  # the same for all
                chosen = few(inputs[:n], y[:n], labels, np.random.default_rng([seed, labels, draw]))
                trainer = fit(make(), nn.Linear(width, 10), *chosen)
                found.append(trainer.evaluate(inputs[n:], y[n:])["accuracy"])
            results[kind][labels] = float(np.mean(found))
    figure, axes = panels(width=5)
    for (kind, course), color in zip(results.items(), (BLUE, GREY, GREEN, ORANGE), strict=True):
        print(
            f"{kind:<27}"
            + "   ".join(f"{labels} labels: {accuracy:.1%}" for labels, accuracy in course.items())
        )
        axes.semilogx(list(course), list(course.values()), "o-", color=color, label=kind)
    axes.set(xlabel="labels for each digit", ylabel="test accuracy")
    axes.set_xticks(list(course), map(str, course))
    axes.minorticks_off()
    axes.legend(frameon=False, loc="lower right")
    save(figure, out / "pretraining.png")
    return results | {"turned": told}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
