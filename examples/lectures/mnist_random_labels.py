"""Nets learn random labels by heart, as perfectly as the right ones.

A net with more weights than images learns all training images, with right labels and with random ones. Only
the test shows the difference: with random labels the test accuracy is that of chance. Weight decay does not
prevent this, so it is not the reason why nets generalize. The program tries digits, then photographs, with
perceptrons of one and three hidden layers of 512 rectifiers.

A theorem of the same paper needs no training: for any labels of n samples in d dimensions, a net with 2n + d
weights is written down. The program does this for the digits and random labels.

Source: C. Zhang et al., "Understanding deep learning requires rethinking generalization", 2017.
"""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from autograd_lite.errors import FileError
from examples import program
from examples.pictures import COLORS, GREY, panels, save

Array = npt.NDArray[Any]
Data = tuple[Array, Array]

RATE, DECAY = 1e-3, 0.1


# -- the theorem -----------------------------------------------------------------------------------


class Interpolation(nn.Module):
    """c(x) = sum over j of w_j relu(<a, x> - b_j), the theorem's net: 2n + d weights for n samples.

    The direction a is random, so the samples' projections z_1 < ... < z_n differ. With the kinks b_1 < z_1
    and b_j = z_(j-1), neuron j is 0 for the samples before the j-th. So c(x_i) = y_i is a triangular system:
    each sample gives one weight, the change of the slope at its kink.

    Args:
        X: samples of shape (n, d), all different.
        y: what c is to be there, of shape (n,).
        rng: draws the direction.
    """

    def __init__(self, X: Array, y: Array, rng: np.random.Generator) -> None:
        a = rng.standard_normal(X.shape[1])
        order = np.argsort(X @ a)
        z = (X @ a)[order]
        kinks = np.concatenate([z[:1] - 1, z[:-1]])
        slopes = np.diff(y[order], prepend=0) / (z - kinks)
        self.a, self.b = nn.Parameter(a), nn.Parameter(kinks)
        self.w = nn.Parameter(np.diff(slopes, prepend=0))

    def forward(self, x: Any) -> Any:
        """One number for each of the samples (m, d)."""
        return ag.relu((x @ self.a)[:, None] - self.b) @ self.w


def by_theorem(X: Array, test: Data, rng: np.random.Generator) -> dict[str, float]:
    """Fit random labels of these images by the construction, and count the weights."""
    start = time.perf_counter()
    rows, rows_test = (images.reshape(len(images), -1).astype(float) for images in (X, test[0]))
    labels = rng.integers(0, 10, len(rows))
    net = Interpolation(rows, labels, rng)
    with ag.no_grad():  # a part has one number for each of its images and each neuron
        known, new = (
            np.concatenate([net(part).numpy() for part in np.array_split(images, -(-len(images) // 500))])
            for images in (rows, rows_test)
        )
    found = {
        "weights": sum(p.size for p in net.parameters()),
        "right": int((known.round() == labels).sum()),
        "difference": float(np.abs(known - labels).max()),
        "test": float(np.mean(new.round() == test[1])),
    }
    print(
        f"the theorem: 2 x {len(rows):,} + {rows.shape[1]} = {found['weights']:,} weights; "
        f"{found['right']:,} random labels right, at most {found['difference']:.0e} from them; "
        f"test {found['test']:.1%}; {time.perf_counter() - start:.1f} s"
    )
    return found


# -- learning --------------------------------------------------------------------------------------


class UntilKnown(nn.Callback):
    """Ends the training after an epoch in which every image was recognized."""

    def on_epoch_end(self, epoch: int, logs: nn.callbacks.Logs) -> None:
        self.trainer.stop_training = logs["accuracy"] == 1.0


def build(pixels: int, hidden: int, width: int) -> nn.Sequential:
    """So many hidden layers of rectifiers."""
    layers: list[nn.Module] = [nn.Flatten()]
    for i in range(hidden):
        layers += [nn.Linear(width if i else pixels, width), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(width, 10))
    nn.init.by_activation_(model)
    return model


def photographs() -> tuple[Data, Data] | None:
    """10,000 images of CIFAR-10 and the test, their centres of 28x28, each with mean 0 and deviation 1."""
    try:
        parts = [nn.datasets.load_cifar10(split, download=True) for split in ("train", "test")]
    except FileError:
        print("CIFAR-10 is not on this machine and cannot be downloaded: digits only")
        return None
    crop = nn.transforms.CenterCrop(28)
    train, test = ((standardized(crop(X[:10_000])), y[:10_000]) for X, y in parts)
    return train, test


def standardized(X: Array) -> Array:
    """Each image with mean 0 and deviation 1."""
    rows = X.reshape(len(X), -1)
    rows = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
    return np.asarray(rows.reshape(X.shape))


def trainer_of(model: nn.Module, decay: float, epochs: int) -> nn.Trainer:
    """Adam at a falling rate, with the weights pulled to 0 besides."""
    optimizer = nn.optim.AdamW(model.parameters(), RATE, weight_decay=decay)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", UntilKnown(), schedule)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn right and random labels, with and without weight decay, until every image is known."""
    rng = np.random.default_rng(seed)
    (X, y), digits_test = program.handwriting(quick)
    samples = 100 if quick else 10_000
    tasks = {"digits": ((X[:samples], y[:samples]), digits_test)}
    if not quick and (images := photographs()):
        tasks["photographs"] = images
    theorem = by_theorem(X[:samples], digits_test, np.random.default_rng([seed, 1]))
    width, options = 512, {"epochs": 100, "batch_size": 100, "verbose": False}
    if quick:
        width, options = 256, options | {"epochs": 200, "batch_size": 10}
    found: dict[str, Any] = {}
    print(f"{'':<45}training    test")
    rows = product(tasks.items(), (1, 3), (0.0, DECAY), ("right", "random"))
    with program.resumable(out / f"mnist_random_labels-{'quick' if quick else 'full'}-{seed}") as fit:
        for (name, ((X, y), test)), hidden, decay, labels in rows:
            nn.manual_seed(seed)
            target = y if labels == "right" else rng.integers(0, 10, len(y))
            trainer = trainer_of(build(X[0].size, hidden, width), decay, options["epochs"])
            row = f"{name}, {labels} labels, {hidden}x{width}{', decay' if decay else ''}"
            course = fit(row, trainer, X, target, **options)["accuracy"]
            known, new = (trainer.evaluate(*part)["accuracy"] for part in ((X, target), test))
            size = float(np.linalg.norm([np.linalg.norm(p.numpy()) for p in trainer.model.parameters()]))
            found[row] = {"train": known, "test": new, "course": course, "weights": size}
            print(f"{row:<45}{known:>8.1%}{new:>8.1%}   {len(course)} epochs", flush=True)

    figure, axes = panels(1, len(tasks), width=5, height=3.8)
    for one, name in zip(np.ravel(axes), tasks, strict=True):
        for color, (labels, hidden) in zip(COLORS, product(("right", "random"), (1, 3)), strict=False):
            kind = f"{labels} labels, {hidden}x{width}"
            course = found[f"{name}, {kind}"]["course"]
            one.plot(range(1, len(course) + 1), course, color=color, label=kind)
            one.plot(len(course), course[-1], "o", color=color, markersize=4, clip_on=False)
        one.axhline(0.1, color=GREY, linewidth=1)
        one.text(one.get_xlim()[1], 0.1, "chance", ha="right", va="bottom", fontsize=8, color=GREY)
        one.set(title=name, xlabel="epoch; a dot is the end", ylabel="training accuracy", ylim=(0, 1.02))
    figure.legend(
        *one.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2 * len(tasks),
        frameon=False,
        fontsize=8,
    )
    save(figure, out / "mnist_random_labels.png")
    return {"rows": found, "theorem": theorem}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
