"""The rate curve finds a learning rate, and a funnel of layers stands beside equal ones.

- Rate curve. In one short run the learning rate grows by a constant factor in each step. The loss stays at
  first, then falls, then explodes. A tenth of the rate with the lowest loss is a rate to begin with. The
  program trains at this rate, and at smaller and larger ones.
- Shape. The hidden layers of a funnel get narrower towards the output. Equal layers, and a funnel the other
  way round, have as many weights.

Source: L. Smith, "Cyclical learning rates for training neural networks", 2017; A. Geron, "Hands-on machine
learning", chapter 10, 2019.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from autograd_lite.errors import AnomalyError
from examples import program
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]
Data = tuple[Array, Array]

FACTORS = (0.001, 0.01, 0.1, 1, 10, 100)
"""Of the rate that the curve suggests."""


def build(sizes: tuple[int, ...]) -> nn.Sequential:
    """Dense layers between these sizes, with rectifiers between them."""
    layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())][:-1]
    model = nn.Sequential(*layers)
    nn.init.by_activation_(model)
    return model


def weights(sizes: tuple[int, ...]) -> int:
    """How many weights and biases such a net has."""
    return sum((a + 1) * b for a, b in pairwise(sizes))


def shapes(inputs: int, funnel: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The funnel, equal layers, and a funnel the other way round, with about as many weights."""
    found = {"funnel": (inputs, *funnel, 10)}
    wanted = weights(found["funnel"])

    def closest(ratios: tuple[float, ...]) -> tuple[int, ...]:
        tried = [(inputs, *(max(1, round(r * n)) for r in ratios), 10) for n in range(1, 2 * funnel[0])]
        return min(tried, key=lambda sizes: abs(weights(sizes) - wanted))

    return found | {
        "equal": closest((1.0,) * len(funnel)),
        "widening": closest(tuple(n / funnel[0] for n in reversed(funnel))),
    }


def fit(
    sizes: tuple[int, ...], train: Data, test: Data, rate: float, epochs: int, seed: int
) -> dict[str, float]:
    """Loss and accuracy on the test after some epochs of SGD with momentum; a loss of inf if it explodes."""
    nn.manual_seed(seed)
    model = build(sizes)
    optimizer = nn.optim.SGD(model.parameters(), rate, momentum=0.9)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy")
    try:
        trainer.fit(*train, epochs, 32, verbose=False)
    except AnomalyError:
        return {"loss": np.inf, "accuracy": 0.1}
    return trainer.evaluate(*test)


def curve_of(sizes: tuple[int, ...], train: Data, seed: int) -> nn.LearningRateCurve:
    """The loss at rates that grow."""
    nn.manual_seed(seed)
    model = build(sizes)
    optimizer = nn.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    return nn.lr_range_test(model, nn.CrossEntropyLoss(), optimizer, *train, lr_min=1e-5, steps=150)


def draw(found: dict[str, Any], curve: nn.LearningRateCurve, out: Path) -> None:
    """The curve, what each rate reached, and what each shape reached."""
    figure, (left, middle, right) = panels(1, 3)
    left.semilogx(*curve, color=GREY, linewidth=0.8, label="each step")
    left.semilogx(curve.rates, curve.smooth, color=BLUE, label="mean of the last steps")
    left.axvline(curve.suggestion, color=ORANGE, label="a tenth of the best")
    left.set(xlabel="learning rate", ylabel="loss", ylim=(0, 1.5 * curve.losses[0]), title="the rate curve")
    left.legend(frameon=False, fontsize=8)
    middle.semilogx(list(found["rates"]), list(found["rates"].values()), "o-", color=BLUE)
    middle.axvline(curve.suggestion, color=ORANGE)
    middle.set(xlabel="learning rate", ylabel="test accuracy", title="training at such rates", ylim=(0, 1))
    for i, accuracies in enumerate(found["shapes"].values()):
        right.plot([i] * len(accuracies), accuracies, "o", color=BLUE, alpha=0.5)
        right.plot(i, np.mean(accuracies), "_", color=ORANGE, markersize=24)
    names = ["-".join(map(str, sizes)) for sizes in found["sizes"].values()]
    labels = [f"{kind}\n{name}" for kind, name in zip(found["sizes"], names, strict=True)]
    right.set_xticks(range(len(labels)), labels, fontsize=7)
    right.set(ylabel="test accuracy", title="shapes; each point is a start", xlim=(-0.5, len(labels) - 0.5))
    save(figure, out / "rate_and_shape.png")


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """The curve, training at rates around the one that it suggests, then training of each shape."""
    (X, y), (X_test, y_test) = program.handwriting(quick)
    samples, funnel = (600, (40, 24, 12)) if quick else (10_000, (300, 200, 100))
    train = X[:samples].reshape(samples, -1), y[:samples]
    test = X_test.reshape(len(X_test), -1), y_test
    sizes = shapes(train[0].shape[1], funnel)
    curve = curve_of(sizes["funnel"], train, seed)
    print(f"the curve suggests a rate of {curve.suggestion:.4f}")
    found: dict[str, Any] = {"suggestion": curve.suggestion, "sizes": sizes, "rates": {}, "shapes": {}}
    epochs, starts = (12, 2) if quick else (5, 3)
    for factor in FACTORS:
        rate = factor * curve.suggestion
        reached = fit(sizes["funnel"], train, test, rate, epochs, seed)
        found["rates"][rate] = reached["accuracy"]
        print(f"trained at {factor:>6g} of it: loss {reached['loss']:.3f}, test {reached['accuracy']:.1%}")
    for name, those in sizes.items():
        accuracies = [
            fit(those, train, test, curve.suggestion, epochs, seed + i)["accuracy"] for i in range(starts)
        ]
        found["shapes"][name] = accuracies
        print(
            f"{name:<9}{'-'.join(map(str, those)):<20}{weights(those):>9,} weights: "
            f"{np.mean(accuracies):.2%}, from {min(accuracies):.2%} to {max(accuracies):.2%}"
        )
    draw(found, curve, out)
    return found


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
