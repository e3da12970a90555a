"""Convolutional nets read digits, and committees of five of them read better still.

Each net has two convolutions of 20 and 40 maps with max-pooling, two dense layers of 1,000 rectifiers with
dropout 1/2, and a softmax. Every epoch shifts each digit by up to a pixel in each direction, so few images
repeat. A penalty (L2) keeps the weights small. The ten nets differ in their initial weights and in the order
of the data. A committee takes the mean of the probabilities of five nets; there are 252 committees. The
program tests all of them, and names the one that misreads the least of 5,000 validation digits, which no net
has learned from. The picture shows all test digits that this committee misreads. The test accuracy after each
epoch is only for the curve; it decides nothing.

The full version takes hours. It can be stopped at any time; started again, it resumes.

Source: M. Nielsen, "Neural networks and deep learning", chapter 6, 2015; P. Simard et al., "Best practices
for convolutional neural networks applied to visual document analysis", 2003.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import BLUE, COLORS, GREY, ORANGE, gallery, mistakes, panels, save

Array = npt.NDArray[Any]
Members = tuple[int, ...]

VALIDATION = 1 / 12
"""The fraction of the training digits that choose the committee, and that no net learns from."""
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
    """Of a module in evaluation, 500 images at a time."""
    model.eval()
    with ag.no_grad():
        return np.concatenate([model(X[i : i + 500]).numpy() for i in range(0, len(X), 500)])


def committees(members: Array, y: Array, size: int) -> dict[Members, tuple[int, float]]:
    """Of each committee: how many digits it misreads, and its mean cross-entropy, which breaks ties.

    Args:
        members: the outputs of all nets, of shape (nets, n, classes).
        y: the classes (n,).
        size: of a committee.
    """
    probabilities, found = nn.functional.softmax(members, dim=-1), {}
    for chosen in combinations(range(len(members)), size):
        mean = probabilities[list(chosen)].mean(axis=0)
        loss = float(-np.log(mean[np.arange(len(y)), y]).mean())
        found[chosen] = int(np.sum(mean.argmax(axis=1) != y)), loss
    return found


def draw_errors(scores: Array, X: Array, y: Array, path: Path) -> None:
    """Every digit that is misread, with the right class, the one that was read, and how sure that was."""
    read, wrong = scores.argmax(axis=1), mistakes(scores, y)
    figure, axes = panels(max(1, -(-len(wrong) // 10)), 10, 0.95, 1.2)
    gallery(axes, X[wrong, 0], (f"{y[i]}→{read[i]}, {scores[i, read[i]]:.0%}" for i in wrong), 8)
    save(figure, path)


def draw_course(histories: list[nn.History], every: list[int], wrong: int, n: int) -> Figure:
    """The error of each net after each epoch, and how many of n digits the committees misread."""
    figure, (left, right) = panels(1, 2, width=5)
    for i, history in enumerate(histories):
        errors = 1 - np.array(history["val_accuracy"])
        left.semilogy(range(1, len(errors) + 1), errors, color=COLORS[i % len(COLORS)], linewidth=1)
    left.axhline(wrong / n, color=GREY, linewidth=1, label="the committee that validation chooses")
    left.set(xlabel="epoch", ylabel="test error of each net")
    left.legend(frameon=False)
    right.hist(every, np.arange(every[0], every[-1] + 2) - 0.5, color=BLUE, rwidth=0.8)
    right.axvline(wrong, color=ORANGE, label="the choice of validation")
    right.set(xlabel=f"test digits misread, of {n:,}", ylabel="committees")
    for axis in (right.xaxis, right.yaxis):
        axis.get_major_locator().set_params(integer=True)
    right.margins(y=0.25)  # room for the legend
    right.legend(frameon=False, loc="upper right")
    return figure


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train all nets, choose a committee by validation digits, draw what it misreads."""
    (X, y), (X_test, y_test) = program.handwriting(quick)
    size, of, epochs = (3, 2, 6) if quick else (10, 5, 24)
    rest = len(y) - round(VALIDATION * len(y))
    digits = nn.TensorDataset(X[:rest], y[:rest])
    shifted = digits if quick else nn.data.Augmented(digits, nn.transforms.RandomShift(1))
    models, histories = [], []
    with program.resumable(out / f"mnist_cnn-{'quick' if quick else 'full'}-{seed}") as fit:
        for i in range(size):
            nn.manual_seed(size * seed + i)
            models.append(build(X.shape[-1]))
            trainer = trainer_of(models[-1], epochs, rest)
            print(f"net {i + 1} of {size}:")
            loader = nn.DataLoader(shifted, BATCH, shuffle=True, num_workers=1)  # made in the background
            data = {"validation_data": (X_test, y_test)}
            histories.append(fit(f"net-{i + 1}", trainer, loader, epochs=epochs, **data))

    validation = committees(np.array([outputs(model, X[rest:]) for model in models]), y[rest:], of)
    chosen = min(validation, key=lambda members: validation[members])
    members = np.array([outputs(model, X_test) for model in models])
    tested = committees(members, y_test, of)
    committee = nn.Committee([models[i] for i in chosen])  # a softmax of each member, and their mean
    scores = outputs(committee, X_test)
    accuracies = [history["val_accuracy"][-1] for history in histories]
    wrong, every = int(np.sum(scores.argmax(axis=1) != y_test)), sorted(w for w, _ in tested.values())
    print("test accuracy of each net: " + " ".join(f"{accuracy:.2%}" for accuracy in accuracies))
    print(f"{len(every)} committees of {of} misread {every[0]} to {every[-1]} of {len(y_test):,}, ", end="")
    print(f"{np.median(every):g} in the middle")
    names = ", ".join(str(i + 1) for i in chosen)
    print(f"the choice of {len(y) - rest:,} validation digits, nets {names}: {wrong} misread")
    draw_errors(scores, X_test, y_test, out / "mnist_cnn.png")
    save(draw_course(histories, every, wrong, len(y_test)), out / "mnist_cnn-course.png")
    return {
        "accuracies": accuracies,
        "misread": wrong,
        "scores": scores,
        "members": members,
        "chosen": chosen,
        "validation": validation,
        "tested": tested,
    }


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
