"""AlexNet without one of its five tricks, each in turn.

The tricks are rectifiers, overlapping pooling, local response normalization, dropout, and augmentation. One
after the other is left out: tanh in place of the rectifiers, pooling windows that do not overlap, and so on.
All else is the same: the starting weights' seed, the images, the steps, and the rate.

Source: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural
networks", 2012, section 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nn
from examples import program
from examples.lectures._photographs import learn, pictures
from examples.pictures import COLORS, GREY, PALE, panels, save

IMAGES, EPOCHS = 5_000, 15
"""Of the full version."""

OTHERS: dict[str, tuple[type[nn.Module], Callable[[], nn.Module]]] = {
    "rectifiers": (nn.ReLU, nn.Tanh),
    "overlapping pooling": (nn.MaxPool2d, lambda: nn.MaxPool2d(2)),
    "normalization": (nn.LocalResponseNorm, nn.Identity),
    "dropout": (nn.Dropout, nn.Identity),
}
"""By trick, its layer, and what stands there without it. Augmentation is no layer."""
AUGMENTATION = "augmentation"


def without(trick: str, channels: int, size: int, quick: bool = False) -> nn.Module:
    """An AlexNet whose layers of this trick are others, with weights drawn for these others."""
    widths, dense = ((8, 16, 16, 16, 16), 64) if quick else ((32, 64, 96, 96, 64), 256)
    model = nn.models.AlexNet(widths, dense, channels, size, dropout=0.2 if quick else 0.5)
    if trick in OTHERS:
        kind, other = OTHERS[trick]
        for part in (model.features, model.classifier):
            for i, layer in enumerate(part):
                if isinstance(layer, kind):
                    part[i] = other()
    nn.init.by_activation_(model)
    return model


def run(quick: bool, seed: int, out: Path) -> dict[str, dict[str, Any]]:
    """Learn with all tricks, then without each."""
    data = replace(pictures(quick), varied=True)
    images, epochs = (300, 2) if quick else (IMAGES, EPOCHS)
    data = replace(data, train=(data.train[0][:images], data.train[1][:images]))
    found: dict[str, dict[str, Any]] = {}
    print(f"{len(data.train[0]):,} of these images, {epochs} epochs\n{'without':<22}training    test")
    with program.resumable(out / f"alexnet_ablations-{data.name}-{seed}") as fit:
        for trick in ("", *OTHERS, AUGMENTATION):
            nn.manual_seed(seed)
            model = without(trick, data.channels, data.size, quick)
            seen = replace(data, varied=trick != AUGMENTATION)
            net = learn(fit, trick or "all", model, seen, 0.03, epochs)
            name = trick or "(with all)"
            known = net.trainer.evaluate(*data.train)["accuracy"]
            found[name] = {"train": known, "test": net.accuracy, "history": net.trainer.history}
            print(f"{name:<22}{known:>8.1%}{net.accuracy:>8.1%}", flush=True)

    figure, (left, right) = panels(1, 2, width=5)
    for (name, row), color in zip(found.items(), (GREY, *COLORS), strict=False):
        left.plot(range(1, epochs + 1), row["history"]["val_accuracy"], color=color, label=name)
    left.set(xlabel="epoch", ylabel="test accuracy")
    left.xaxis.get_major_locator().set_params(integer=True)
    lines, names = left.get_legend_handles_labels()
    figure.legend(lines, names, title="without", loc="outside lower left", ncols=3, frameon=False, fontsize=8)
    learned, new = ([row[part] for row in found.values()] for part in ("train", "test"))
    right.barh(range(len(found)), learned, color=PALE, label="training images")
    right.barh(range(len(found)), new, height=0.4, color=COLORS[0], label="test")
    right.axvline(new[0], color=GREY, linewidth=1)
    right.set_yticks(range(len(found)), list(found))
    right.set(xlabel="accuracy", xlim=(0, 1))
    right.invert_yaxis()
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=2, frameon=False)
    save(figure, out / "alexnet_ablations.png")
    return found


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
