"""An Inception net and an AlexNet learn random labels of photographs by heart.

The nets are those of the paper: Inception with batch norm and without, and a small AlexNet. At their full
width they have 1,649,402 and 1,387,786 weights. The program makes them narrower, and learns from fewer
photographs. Each net learns right labels and random ones, from the centres of the photographs or from random
crops. Random crops are many more images, and a net learns by heart even these.

Source: C. Zhang et al., "Understanding deep learning requires rethinking generalization", 2017, table 1 and
appendix A.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from autograd_lite.errors import FileError
from examples import program
from examples.lectures.mnist_random_labels import standardized, trainer_of
from examples.pictures import COLORS, GREY, panels, save
from nn.transforms import CenterCrop, RandomCrop

Array = npt.NDArray[Any]
Data = tuple[Array, Array]

SAMPLES, WIDTH, EPOCHS = 2_000, 0.25, 60
"""Of the full version: the photographs, the width of the nets against the paper's, and the most epochs."""
MODULES = ((32, 32), (32, 48), 80, (112, 48), (96, 64), (80, 80), (48, 96), 96, (176, 160), (176, 160))
"""Of the paper's Inception: pairs for maps of 1x1 and 3x3; numbers for maps of 3x3 beside pooling."""

# -- the nets --------------------------------------------------------------------------------------


class Beside(nn.Module):
    """Modules side by side, whose maps are concatenated."""

    def __init__(self, *ways: nn.Module) -> None:
        self.ways = nn.ModuleList(ways)

    def forward(self, x: Any) -> Any:
        """The maps of all."""
        return np.concatenate([way(x) for way in self.ways], axis=1)


def inception(channels: int, width: float, batch_norm: bool) -> nn.Sequential:
    """The paper's small Inception; `width` scales the number of maps."""

    def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
        layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=not batch_norm)
        return nn.Sequential(layer, nn.BatchNorm2d(outputs) if batch_norm else nn.Identity(), nn.ReLU())

    inputs = round(96 * width)
    body: list[nn.Module] = [conv(channels, inputs, 3)]
    for module in MODULES:
        if isinstance(module, tuple):
            one, three = (round(maps * width) for maps in module)
            body.append(Beside(conv(inputs, one, 1), conv(inputs, three, 3)))
            inputs = one + three
        else:
            more = round(module * width)
            body.append(Beside(conv(inputs, more, 3, 2), nn.MaxPool2d(3, 2, 1)))
            inputs += more
    model = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))
    nn.init.by_activation_(model)
    return model


def alexnet(channels: int, size: int, width: float) -> nn.Sequential:
    """The paper's small AlexNet: two convolutions, each with pooling and normalization, and dense layers."""
    maps, wide, narrow = (round(n * width) for n in (64, 384, 192))
    body: list[nn.Module] = []
    for inputs in (channels, maps):
        body += [nn.Conv2d(inputs, maps, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        body += [nn.LocalResponseNorm(9, alpha=1e-3)]
    sizes = maps * (-(-size // 4)) ** 2, wide, narrow
    body += [nn.Flatten(), nn.Linear(*sizes[:2]), nn.ReLU(), nn.Linear(*sizes[1:]), nn.ReLU()]
    model = nn.Sequential(*body, nn.Linear(narrow, 10))
    nn.init.by_activation_(model)
    return model


NETS: dict[str, Callable[[int, int, float], nn.Module]] = {
    "Inception": lambda channels, _, width: inception(channels, width, batch_norm=True),
    "Inception without batch norm": lambda channels, _, width: inception(channels, width, batch_norm=False),
    "AlexNet": alexnet,
}
"""By name, what makes a net for so many channels, images of this size, and a width."""

# -- the images ------------------------------------------------------------------------------------


def images(quick: bool) -> tuple[str, Data, Data]:
    """What the images are, some to learn from, and the test, each with mean 0 and deviation 1."""
    if not quick:
        try:
            train, test = (nn.datasets.load_cifar10(part, download=True) for part in ("train", "test"))
            chosen = standardized(train[0][:SAMPLES]), train[1][:SAMPLES]
            return "CIFAR-10", chosen, (standardized(test[0]), test[1])
        except FileError:
            print("CIFAR-10 is not on this machine and cannot be downloaded: the 8x8 digits instead")
    (X, y), (X_test, y_test) = program.handwriting(quick=True)
    large, large_test = (standardized(part.repeat(2, 2).repeat(2, 3)) for part in (X[:20], X_test))
    return "digits", (large, y[:20]), (large_test, y_test)


def cropped(data: Data, size: int, crop: bool) -> nn.data.Dataset:
    """The images at the size of the nets: a new random part in each epoch, or the centre."""
    if crop:
        return nn.data.Augmented(nn.TensorDataset(*data), RandomCrop(size))
    return nn.TensorDataset(CenterCrop(size)(data[0]), data[1])


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn right and random labels with each net, with random crops and without, until all are known."""
    name, (X, y), test = images(quick)
    size = X.shape[-1] * 7 // 8
    width, epochs, batch = (0.125, 150, 10) if quick else (WIDTH, EPOCHS, 50)
    print(f"{name}: {len(X):,} images to learn from, {len(test[0]):,} to test")
    print(f"{'':<52}training    test")
    random = np.random.default_rng(seed).integers(0, 10, len(y))
    found: dict[str, Any] = {}
    kinds = list(product((False,) if quick else (False, True), ("right", "random")))
    with program.resumable(out / f"cifar_random_labels-{name}-{seed}") as fit:
        for net, (crop, labels) in product(NETS, kinds):
            nn.manual_seed(seed)
            data = X, y if labels == "right" else random
            trainer = trainer_of(NETS[net](X.shape[1], size, width), 0.0, epochs)
            row = f"{net}{', crops' if crop else ''}, {labels} labels"
            training = cropped(data, size, crop)
            course = fit(row, trainer, training, None, epochs, batch, verbose=False)["accuracy"]
            known, new = (trainer.evaluate(cropped(part, size, False))["accuracy"] for part in (data, test))
            found[row] = {"train": known, "test": new, "course": course}
            print(f"{row:<52}{known:>8.1%}{new:>8.1%}   {len(course)} epochs", flush=True)

    figure, axes = panels(1, len(NETS), width=4.4)
    for one, net in zip(axes, NETS, strict=True):
        for i, (crop, labels) in enumerate(kinds):
            kind = f"{', crops' if crop else ''}, {labels} labels"
            course = found[f"{net}{kind}"]["course"]
            one.plot(range(1, len(course) + 1), course, color=COLORS[i], label=kind.strip(", "))
        one.axhline(0.1, color=GREY, linewidth=1)
        one.set(title=net, xlabel="epoch", ylabel="training accuracy", ylim=(0, 1.02))
    axes[-1].legend(frameon=False, fontsize=8)
    save(figure, out / "cifar_random_labels.png")
    return found


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
