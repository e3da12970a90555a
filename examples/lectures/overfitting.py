"""Overfitting: polynomials and nets by size, and how validation chooses.

A polynomial of high degree goes through every noisy point, and is wrong between them. A penalty lambda on its
coefficients holds it back. Degree and lambda are those with the least error on validation data. Nets of more
and more hidden neurons learn 200 digits of 8x8 (those that come with `nn`), of which every fifth has a wrong
label. There validation chooses the number of neurons and the strength of weight decay. The test data decide
nothing.

Source: I. Goodfellow et al., "Deep learning", chapter 5, 2016.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]
Errors = dict[str, list[float]]

PARTS = ("train", "validation", "test")
DEGREES = tuple(range(16))
LAMBDAS = (1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
DECAYS = (0.0, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)


def curve(x: Array) -> Array:
    """What the points are drawn from."""
    return np.sin(2 * np.pi * x)


def polynomial(x: Array, y: Array, degree: int, penalty: float) -> Array:
    """The coefficients of Chebyshev's polynomials with the least sum of squares and penalties."""
    A = np.polynomial.chebyshev.chebvander(2 * x - 1, degree)
    extended = np.vstack([A, (penalty * len(x)) ** 0.5 * np.eye(degree + 1)])
    found: Array = np.linalg.lstsq(extended, np.pad(y, (0, degree + 1)), rcond=None)[0]
    return found


def value(coefficients: Array, x: Array) -> Array:
    """Of the polynomial."""
    return np.asarray(np.polynomial.chebyshev.chebval(2 * x - 1, coefficients))


def errors_of_polynomials(data: dict[str, Any], settings: list[tuple[int, float]]) -> Errors:
    """Root mean squared errors on each part, by setting."""
    x, y = data["train"]
    fits = [polynomial(x, y, degree, penalty) for degree, penalty in settings]
    return {
        part: [float(np.sqrt(np.mean((value(c, data[part][0]) - data[part][1]) ** 2))) for c in fits]
        for part in PARTS
    }


def errors_of_nets(data: dict[str, Any], settings: list[tuple[int, float]], epochs: int, seed: int) -> Errors:
    """Fractions of misread digits on each part, by hidden neurons and weight decay."""
    found: Errors = {part: [] for part in PARTS}
    for hidden, decay in settings:
        nn.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))
        optimizer = nn.optim.Adam(model.parameters(), 1e-2, weight_decay=decay)
        trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy")
        X, y = data["train"]
        trainer.fit(X, y, epochs, 50, verbose=False)
        for part in PARTS:
            found[part].append(1 - trainer.evaluate(*data[part])["accuracy"])
    return found


def digits(rng: np.random.Generator) -> dict[str, Any]:
    """200 digits with wrong labels among them, 400 for validation, and the test."""
    X, y = nn.datasets.load_digits("train")
    order = rng.permutation(len(X))
    train, validation = order[:200], order[200:600]
    noisy = (y[train] + (rng.random(200) < 0.2) * rng.integers(1, 10, 200)) % 10
    return {
        "train": (X[train], noisy),
        "validation": (X[validation], y[validation]),
        "test": nn.datasets.load_digits("test"),
    }


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Measure errors by size and by penalty; choose by validation."""
    rng = np.random.default_rng(seed)
    points = {part: np.linspace(0, 1, n) for part, n in zip(PARTS, (16, 30, 1000), strict=True)}
    data = {part: (x, curve(x) + rng.normal(0, 0.2, len(x))) for part, x in points.items()}
    sizes = (1, 2, 4, 8, 16, 64) if quick else (1, 2, 4, 8, 16, 32, 64, 128, 256)
    epochs = 60 if quick else 200
    images = digits(rng)
    tried = {
        "degree": (DEGREES, errors_of_polynomials(data, [(d, 0.0) for d in DEGREES])),
        "lambda": (LAMBDAS, errors_of_polynomials(data, [(15, p) for p in LAMBDAS])),
        "neurons": (sizes, errors_of_nets(images, [(n, 0.0) for n in sizes], epochs, seed)),
        "decay": (DECAYS, errors_of_nets(images, [(sizes[-1], d) for d in DECAYS], epochs, seed)),
    }
    found: dict[str, Any] = {"errors": tried}
    figure, axes = panels(1, 4, width=3.8)
    for one, (name, (settings, errors)) in zip(axes, tried.items(), strict=True):
        best = found[name] = int(np.argmin(errors["validation"]))
        said = ", ".join(f"{part} {errors[part][best]:.3f}" for part in PARTS)
        print(f"{name:<8}{settings[best]:>8g} by validation: {said}; the last, {settings[-1]:g}: ", end="")
        print(", ".join(f"{part} {errors[part][-1]:.3f}" for part in PARTS))
        at = np.arange(len(settings))
        for color, part in zip((GREY, ORANGE, BLUE), PARTS, strict=True):
            one.plot(at, errors[part], "o-", color=color, label=part, markersize=4)
        one.set_xticks(at, [f"{s:g}" for s in settings], fontsize=6)
        one.axvline(best, color=GREY, linewidth=1, linestyle="--")
        one.set(xlabel=name, ylim=(0, 1.2 if name in ("degree", "lambda") else None))
    axes[0].set_ylabel("root mean squared error")
    axes[2].set_ylabel("misread")
    axes[0].legend(frameon=False, fontsize=8)
    save(figure, out / "overfitting.png")
    return found


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
