"""A deep, wide net without convolutions learns from digits bent like handwriting.

A convolution has built in that images may be shifted and bent. These layers of 2500, 2000, 1500, 1000, 500
and 10 neurons have twelve million weights, and must learn it. So they see no image twice: every epoch bends
each digit by a smooth field of random displacements. It also turns, stretches and slants the digit. A
thread makes the next batch while the net learns from the last one. The pictures show such digits, and all
misread digits. The test accuracy after each epoch is only for the curve; it decides nothing.

The full version takes about an hour. It can be stopped at any time; started again, it resumes.

Source: D. Ciresan et al., "Deep, big, simple neural nets for handwritten digit recognition", 2010; P.
Simard et al., "Best practices for convolutional neural networks applied to visual document analysis",
2003.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import nn
from examples import program
from examples.lectures.mnist_cnn import draw_errors
from examples.pictures import BLUE, ORANGE, panels, save, tiles
from nn import transforms

SIZES = (2500, 2000, 1500, 1000, 500, 10)
RATE = 0.1


def build(pixels: int, sizes: tuple[int, ...]) -> nn.Sequential:
    """Dense layers of rectifiers."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise((pixels, *sizes)):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    nn.init.by_activation_(model)
    return model


def handwriting_of(side: int) -> transforms.Transform:
    """Bends as much as people's hands do; 28 pixels are what the papers' numbers are for."""
    scale = side / 28
    return transforms.Compose(
        [
            transforms.ElasticTransform(72.0 * scale**2, 5.0 * scale),
            transforms.RandomAffine(10, (0.04, 0.04), (0.85, 1.15), 10, interpolation="bilinear"),
        ]
    )


def trainer_of(model: nn.Module, steps: int) -> nn.Trainer:
    """Gradient descent with Nesterov's momentum, on one cycle of rates."""
    optimizer = nn.optim.SGD(model.parameters(), RATE, momentum=0.9, nesterov=True)
    cycle = nn.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )
    return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", scheduler=cycle)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train on bent digits, test on digits as they are."""
    nn.manual_seed(seed)
    (X, y), (X_test, y_test) = program.handwriting(quick)
    epochs, batch_size = (15, 50) if quick else (60, 250)
    model = build(X[0].size, (250, 200, 150, 100, 50, 10) if quick else SIZES)
    bend = handwriting_of(X.shape[-1])
    bent = nn.data.Augmented(nn.TensorDataset(X, y), bend)
    loader = nn.DataLoader(bent, batch_size, shuffle=True, num_workers=1)  # made in the background
    trainer = trainer_of(model, epochs * len(loader))
    print(f"{sum(p.size for p in model.parameters()):,} weights")
    with program.resumable(out / f"mnist_deep_mlp-{'quick' if quick else 'full'}-{seed}") as fit:
        history = fit("net", trainer, loader, epochs=epochs, validation_data=(X_test, y_test))

    scores = nn.functional.softmax(trainer.predict(X_test), dim=1)
    wrong = int(np.sum(scores.argmax(axis=1) != y_test))
    print(f"test error {wrong / len(y_test):.2%}: {wrong} of {len(y_test):,} misread")
    draw_errors(scores, X_test, y_test, out / "mnist_deep_mlp-errors.png")

    figure, (left, right) = panels(1, 2, width=4.8)
    tiles(left, bend.batch(np.repeat(X[:8], 8, axis=0))[:, 0], 8, "eight digits, each bent eight times")
    for key, name, color in (
        ("accuracy", "bent digits, while learning", BLUE),
        ("val_accuracy", "test", ORANGE),
    ):
        errors = 100 * (1 - np.array(history[key]))
        right.semilogy(range(1, epochs + 1), errors, color=color, label=name)
    right.set(xlabel="epoch", ylabel="error, %")
    right.legend(frameon=False)
    save(figure, out / "mnist_deep_mlp.png")
    return {"error": wrong / len(y_test), "history": history}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
