"""Adversarial examples: changes that fool a net, training against them, and proofs.

FGSM moves every pixel by eps along the sign of the loss's gradient; PGD climbs in smaller steps. Training
on PGD's attacks gives robust accuracy, but only against the attacks that were tried. Interval bounds push a
whole cube of inputs through the net. Where the right class wins in the worst case, no attack of size eps
can succeed. Training on these bounds, with eps rising slowly from 0, gives nets with proven predictions.

Source: I. Goodfellow et al., "Explaining and harnessing adversarial examples", 2015; A. Madry et al.,
2018; S. Gowal et al., "On the effectiveness of interval bound propagation", 2018.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples import program
from examples.pictures import BLUE, GREEN, GREY, ORANGE, beside, save, tiles
from nn.random import generator

Array = npt.NDArray[Any]

EPS = 0.1


def robust_loss(kind: str, model: nn.Module, x: Array, y: Array, progress: float, size: float) -> Any:
    """The loss of a batch.

    Args:
        progress: from 0 to 1 in the course of the training.
        size: of the changes, or the deviation of the noise.
    """
    plain = nn.functional.cross_entropy
    if kind == "adversarial training":
        return plain(model(nn.robust.pgd(model, x, y, size, steps=5)), y)
    if kind == "training with noise":
        return plain(model(x + size * generator.standard_normal(x.shape, x.dtype)), y)
    if kind == "certified training":
        eps = size * min(1.0, 2 * progress)
        low, high = np.maximum(x - eps, 0), np.minimum(x + eps, 1)
        worst = plain(nn.robust.worst_logits(model, low, high, y), y)
        return (1 - 0.5 * progress) * plain(model(x), y) + 0.5 * progress * worst
    return plain(model(x), y)


def train(
    kind: str, model: nn.Sequential, data: nn.data.Dataset, epochs: int, size: float = EPS
) -> nn.Sequential:
    """The net, trained in the way that `robust_loss` calls by this name."""
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in program.shown(range(epochs), kind):
        for x, t in nn.DataLoader(data, 50, shuffle=True):
            optimizer.zero_grad()
            robust_loss(kind, model, x.numpy(), t.numpy(), epoch / max(1, epochs - 1), size).backward()
            optimizer.step()
    return model


def build(inputs: int) -> nn.Sequential:
    """A net with two hidden layers."""
    return nn.Sequential(
        *(nn.Linear(inputs, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU()), nn.Linear(50, 10)
    )


def accuracies(model: nn.Module, X: Array, y: Array) -> dict[str, float]:
    """Of clean and attacked inputs, and the share that is proven."""
    attacked = {
        "clean": X,
        "FGSM": nn.robust.fgsm(model, X, y, EPS),
        "PGD": nn.robust.pgd(model, X, y, EPS, steps=20),
    }
    found = {name: nn.metrics.accuracy(model(inputs), y) for name, inputs in attacked.items()}
    return found | {"certified": nn.robust.certified_accuracy(model, X, y, EPS)}


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train three nets, attack them, and prove what can be proven."""
    (X, y), where = program.rows_of_digits(quick)
    n = len(X) * 4 // 5
    test = X[n : n + 1000], y[n : n + 1000]
    print(f"{where}, changes of up to {EPS} per pixel:")
    found, nets = {}, {}
    for kind in ("plain training", "adversarial training", "certified training"):
        nn.manual_seed(seed)
        data = nn.TensorDataset(X[:n], y[:n])
        nets[kind] = train(kind, build(X.shape[1]), data, 12 if quick else 20)
        found[kind] = accuracies(nets[kind], *test)
        print(f"{kind:<21}" + "   ".join(f"{name} {value:.1%}" for name, value in found[kind].items()))

    figure, (bars, sheet) = beside(12, 4, 1, 1.6)
    left = bars.subplots()
    left.spines[["top", "right"]].set_visible(False)
    places = np.arange(3)
    for i, (name, color) in enumerate(
        zip(("clean", "FGSM", "PGD", "certified"), (GREY, ORANGE, BLUE, GREEN), strict=True)
    ):
        left.bar(places + 0.2 * i - 0.3, [f[name] for f in found.values()], 0.18, color=color, label=name)
    left.set_xticks(places, [kind.replace(" ", "\n") for kind in found])
    left.set_ylabel("test accuracy")
    left.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
    draw_attack(sheet, nets["plain training"], test[0][:8], test[1][:8])
    save(figure, out / "adversarial.png")
    return found


def draw_attack(sheet: Any, model: nn.Module, images: Array, labels: Array) -> None:
    """Images, what the attack adds to each, and the sums, with what the net reads in both.

    Args:
        sheet: a figure for three rows of images.
    """
    fooled = nn.robust.pgd(model, images, labels, EPS, steps=20)
    before, after = (model(x).numpy().argmax(axis=1) for x in (images, fooled))
    side = int(images.shape[1] ** 0.5)
    rows = (images, fooled - images, fooled)
    titles = ("as they are", f"the change, up to {EPS}", "changed")
    looks = ("gray_r", 0, 1), ("RdBu_r", -EPS, EPS), ("gray_r", 0, 1)
    panes = sheet.subplots(3, 1)
    for axes, row, title, (cmap, low, high) in zip(panes, rows, titles, looks, strict=True):
        said = {"as they are": before, "changed": after}.get(title)
        names = [""] * len(row) if said is None else [f"read as {k}" for k in said]
        tiles(axes, row.reshape(-1, side, side), len(row), title, cmap, names, vmin=low, vmax=high)
        axes.title.set_fontsize(10)


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
