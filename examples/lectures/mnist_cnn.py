"""Convolutional nets read digits, and a committee of five of them reads better still.

Each net has two convolutions with max-pooling, two dense layers of 1,000 rectifiers with dropout, and a
softmax. Every epoch shifts each digit by up to a pixel in each direction, so few images repeat. A penalty
(L2) keeps the weights small. The five nets differ in their initial weights and in the order of the data.
The committee takes the mean of their probabilities. The picture shows all digits that the committee
misreads. The test accuracy after each epoch is only for the curve; it decides nothing.

The full version takes more than an hour. It can be stopped at any time; started again, it resumes.

Source: M. Nielsen, "Neural networks and deep learning", chapter 6, 2015; P. Simard et al., "Best practices
for convolutional neural networks applied to visual document analysis", 2003.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import COLORS, GREY, gallery, mistakes, panels, save

Array = npt.NDArray[Any]

BATCH, RATE, DECAY = 100, 0.05, 5e-4


def build(side: int) -> nn.Sequential:
    """The net for images of (1, side, side); around small ones a frame is put, so that two poolings fit."""
    padding = 0 if side >= 28 else 2
    halved = (side + 2 * padding - 4) // 2
    flat = 40 * ((halved + 2 * padding - 4) // 2) ** 2
    model = nn.Sequential(
        *(nn.Conv2d(1, 20, 5, padding=padding), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(20, 40, 5, padding=padding), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        *(nn.Linear(flat, 1000), nn.ReLU(), nn.Dropout(0.5)),
        *(nn.Linear(1000, 1000), nn.ReLU(), nn.Dropout(0.5)),
        nn.Linear(1000, 10),
    )
    nn.init.by_activation_(model)
    return model


def trainer_of(model: nn.Module, epochs: int, samples: int) -> nn.Trainer:
    """Gradient descent with Nesterov's momentum, on one cycle of rates."""
    optimizer = nn.optim.SGD(model.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=DECAY)
    steps = epochs * -(-samples // BATCH)
    cycle = nn.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, cycle_momentum=False)
    return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", scheduler=cycle)


def outputs(model: nn.Module, X: Array) -> Array:
    """Of a module that is in evaluation, 500 images at a time."""
    with ag.no_grad():
        return np.concatenate([model(X[i : i + 500]).numpy() for i in range(0, len(X), 500)])


def draw_errors(scores: Array, X: Array, y: Array, path: Path) -> None:
    """Every digit that is misread, with the right class, the one that was read, and how sure that was."""
    read, wrong = scores.argmax(axis=1), mistakes(scores, y)
    figure, axes = panels(max(1, -(-len(wrong) // 10)), 10, 0.95, 1.2)
    gallery(axes, X[wrong, 0], (f"{y[i]}→{read[i]}, {scores[i, read[i]]:.0%}" for i in wrong), 8)
    save(figure, path)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train all members, let them vote, draw what they misread."""
    (X, y), (X_test, y_test) = program.handwriting(quick)
    size, epochs = (2, 6) if quick else (5, 24)
    digits = nn.TensorDataset(X, y)
    shifted = digits if quick else nn.data.Augmented(digits, nn.transforms.RandomShift(1))
    models, histories = [], []
    with program.resumable(out / f"mnist_cnn-{'quick' if quick else 'full'}-{seed}") as fit:
        for i in range(size):
            nn.manual_seed(size * seed + i)
            models.append(build(X.shape[-1]))
            trainer = trainer_of(models[-1], epochs, len(X))
            print(f"net {i + 1} of {size}:")
            loader = nn.DataLoader(shifted, BATCH, shuffle=True, num_workers=1)  # made in the background
            data = {"validation_data": (X_test, y_test)}
            histories.append(fit(f"net-{i + 1}", trainer, loader, epochs=epochs, **data))

    committee = nn.Committee(models).eval()  # a softmax of each member, and their mean
    scores, *members = (outputs(model, X_test) for model in (committee, *models))
    accuracies = [history["val_accuracy"][-1] for history in histories]
    wrong = int(np.sum(scores.argmax(axis=1) != y_test))
    print("test accuracy of each net: " + " ".join(f"{accuracy:.2%}" for accuracy in accuracies))
    print(f"the committee: {1 - wrong / len(y_test):.2%}, {wrong} of {len(y_test):,} misread")
    draw_errors(scores, X_test, y_test, out / "mnist_cnn.png")

    figure, axes = panels(width=5)
    for history, color in zip(histories, COLORS, strict=False):
        axes.semilogy(range(1, epochs + 1), 1 - np.array(history["val_accuracy"]), color=color)
    axes.axhline(wrong / len(y_test), color=GREY, linewidth=1, label="the committee")
    axes.set(xlabel="epoch", ylabel="test error")
    axes.legend(frameon=False)
    save(figure, out / "mnist_cnn-course.png")
    return {"accuracies": accuracies, "misread": wrong, "scores": scores, "members": members}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
