"""Batch normalization: ten layers of logistic neurons learn, which else stand still.

Each inner potential is shifted and scaled to mean 0 and variance 1 over the batch. A learned shift and
scale follow. The test uses the means and variances seen in training. Gradients keep their size from layer
to layer, and larger learning rates are possible.

Source: S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training", 2015.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nn
from examples.pictures import BLUE, ORANGE, panels, save

RATES = (0.01, 0.1, 1.0)


def build(normalized: bool, depth: int = 10, width: int = 64) -> nn.Sequential:
    """A deep net of logistic neurons."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(64 if i == 0 else width, width)]
        layers += [nn.BatchNorm1d(width)] if normalized else []
        layers += [nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def train(normalized: bool, rate: float, epochs: int) -> nn.History:
    """Fit it to the digits."""
    model = build(normalized)
    optimizer = nn.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics="accuracy")
    data = nn.datasets.load_digits("train")
    return trainer.fit(*data, epochs, 50, validation_data=nn.datasets.load_digits("test"), verbose=False)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train with and without, at three learning rates."""
    rates = RATES[:2] if quick else RATES
    figure, axes = panels(1, len(rates), width=3.4)
    final: dict[str, list[float]] = {}
    for normalized, name, color in ((False, "without", ORANGE), (True, "with batch norm", BLUE)):
        final[name] = []
        for one, rate in zip(axes, rates, strict=True):
            nn.manual_seed(seed)
            curve = train(normalized, rate, 4 if quick else 30)["val_accuracy"]
            final[name].append(curve[-1])
            one.plot(range(1, len(curve) + 1), curve, color=color, label=name)
            one.set(title=f"learning rate {rate}", xlabel="epoch", ylim=(0, 1))
        shown = ", ".join(f"{accuracy:.1%}" for accuracy in final[name])
        print(f"{name:<16}test accuracy at rates {', '.join(map(str, rates))}: {shown}")
    axes[0].set_ylabel("test accuracy")
    axes[0].legend(frameon=False, loc="center right")
    save(figure, out / "batch_norm.png")
    return final


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
