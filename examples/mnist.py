"""Learn to read handwritten digits with a convolutional network.

    python -m examples.mnist [--seed N] [--out FOLDER] [--quick]

Reads MNIST from the folder that AUTOGRAD_LITE_DATA names, or downloads it. If neither is possible, or with
--quick, it uses the small digits that come with `nn`. `nn.Trainer` is the loop. At the end the program
draws the mistakes of which the network is most sure.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import gallery, mistakes, panels, save

Array = npt.NDArray[Any]


def build(side: int) -> nn.Sequential:
    """The network for pictures of (1, side, side): two convolutions, each of which halves the side."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(32 * (side // 4) ** 2, 10),
    )


def draw_mistakes(scores: Array, X: Array, y: Array, path: Path) -> None:
    """Show up to ten pictures that were read wrong, those first of which the network was most sure."""
    probabilities = ag.softmax(scores, axis=1)
    read, wrong = probabilities.argmax(axis=1), mistakes(probabilities, y)
    figure, axes = panels(2, 5, 1.5, 1.7)
    titles = (f"{y[i]} read as {read[i]}\n({probabilities[i, read[i]]:.0%} sure)" for i in wrong)
    gallery(axes, X[wrong, 0], titles, 9)
    save(figure, path)


def run(quick: bool, seed: int, out: Path) -> dict[str, float]:
    """Train, test, keep the weights, draw the mistakes."""
    nn.manual_seed(seed)
    (X, y), (X_test, y_test) = program.handwriting(quick)
    epochs, batch_size = (5, 32) if quick else (2, 64)
    model = build(side=X.shape[-1])
    print(nn.summary(model, X[:1]))

    optimizer = nn.optim.Adam(model.parameters())
    steps = epochs * -(-len(X) // batch_size)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.005, total_steps=steps)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics=["accuracy"], scheduler=schedule)
    trainer.fit(X, y, epochs, batch_size)

    results = trainer.evaluate(X_test, y_test)
    print(f"\ntest: loss {results['loss']:.4f}, accuracy {results['accuracy']:.2%}")
    nn.save(model.state_dict(), out / "mnist.safetensors")
    draw_mistakes(trainer.predict(X_test), X_test, y_test, out / "mnist.png")
    return results


if __name__ == "__main__":
    sys.exit(program.main("mnist", __doc__, run))
