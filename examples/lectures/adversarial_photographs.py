"""Photographs changed in four norms, and classes that noise or bounds prove.

Four norms measure a change: L0 counts the entries that change, L1 adds up their sizes, L2 is the Euclidean
length, L-infinity the largest entry. An untargeted attack wants any other class, a targeted attack a chosen
one. Projected gradients search a ball of changes. The attack of Carlini and Wagner searches for the shortest
change in L2.

Two defences prove their predictions. Interval bounds hold for a cube of inputs. Randomized smoothing takes
the class that wins under Gaussian noise. The more often it wins, the larger is the ball in L2 within which
no change can make another class win.

Source: N. Carlini, D. Wagner, "Towards evaluating the robustness of neural networks", 2017; J. Cohen,
E. Rosenfeld, Z. Kolter, "Certified adversarial robustness via randomized smoothing", 2019.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples.lectures._photographs import Pictures, pictures
from examples.lectures.adversarial import train
from examples.pictures import BLUE, GREEN, GREY, ORANGE, panels, save, tiles

Array = npt.NDArray[Any]
Balls = dict[str, tuple[float, tuple[float, ...]]]

ALPHA = 0.001


@dataclass(frozen=True)
class Setting:
    """How much is done, in which sizes.

    Attributes:
        balls: each norm, and the sizes of changes.
        sigma: the standard deviation of the noise.
        box: the half-width of the cubes in the certified training.
        epochs: of each training.
        attacked, proven: the numbers of images.
        lengths, widths: how many sizes are tried, for balls in L2 and for cubes.
        samples: noisy copies of each image.
    """

    balls: Balls
    sigma: float
    box: float
    epochs: int
    attacked: int
    proven: int
    lengths: int
    widths: int
    samples: int


FULL = Setting(
    {
        "L0": (0, (5, 15, 50, 150)),
        "L1": (1, (1, 3, 9, 27)),
        "L2": (2, (0.05, 0.15, 0.45, 1.35)),
        "L-infinity": (math.inf, (0.001, 0.003, 0.009, 0.027)),
    },
    *(0.25, 2 / 255),
    *(8, 60, 100, 12, 9, 1000),
)
QUICK = Setting(
    {
        "L0": (0, (4, 12, 36)),
        "L1": (1, (3, 9, 27)),
        "L2": (2, (0.4, 1.2, 3.6)),
        "L-infinity": (math.inf, (0.04, 0.12, 0.36)),
    },
    *(0.5, 0.02),
    *(6, 24, 60, 6, 5, 100),
)


def in_unit_range(data: Pictures) -> Pictures:
    """The images with entries from 0 to 1 again."""
    low, high = (edge(data.train[0], axis=(0, 2, 3), keepdims=True) for edge in (np.min, np.max))
    train, test = (
        (np.clip((X - low) / (high - low), 0, 1).astype(np.float32), y) for X, y in (data.train, data.test)
    )
    return dataclasses.replace(data, train=train, test=test)


def build(channels: int, size: int) -> nn.Sequential:
    """A small net of convolutions."""
    return nn.Sequential(
        *(nn.Conv2d(channels, 12, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(24, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * (size // 8) ** 2, 10)),
    )


def read(model: nn.Module, X: Array) -> Array:
    """The classes that a model gives."""
    with ag.no_grad():
        parts = [model(part).numpy().argmax(axis=1) for part in np.array_split(X, -(-len(X) // 500))]
    return np.concatenate(parts)


def fooled(model: nn.Module, X: Array, goals: tuple[Array, Array], norm: float, size: float) -> list[float]:
    """How many of 1 leave their class by changes of this size, and how many reach another one.

    Args:
        goals: the classes to leave, and those to reach.
    """
    left, reached = (
        read(model, nn.robust.pgd(model, X, y, size, steps=20, norm=norm, targeted=targeted)) == y
        for y, targeted in zip(goals, (False, True), strict=True)
    )
    return [float(1 - left.mean()), float(reached.mean())]


def length(change: Array) -> Array:
    """The Euclidean length of each."""
    lengths: Array = np.sqrt(np.square(change, dtype=float).sum(axis=(1, 2, 3)))
    return lengths


def shortest(model: nn.Module, X: Array, y: Array, sizes: Array) -> Array:
    """The least of these lengths by which projected gradients change the class; infinite if none does."""
    found = np.full(len(X), np.inf)
    for size in sizes[::-1]:
        moved = nn.robust.pgd(model, X, y, size, steps=20, norm=2)
        found = np.where(read(model, moved) != y, np.minimum(found, length(moved - X)), found)
    return found


def closest(model: nn.Module, X: Array, y: Array, targeted: bool) -> Array:
    """Changed by the attack of Carlini and Wagner."""
    return nn.robust.carlini_wagner(model, X, y, targeted, steps=60, searches=5)


def compare_lengths(model: nn.Module, X: Array, goals: tuple[Array, Array], sizes: Array) -> dict[str, Any]:
    """The median lengths of the changes that are enough, by projected gradients and by Carlini and Wagner."""
    found = {"PGD": float(np.median(shortest(model, X, goals[0], sizes)))}
    for name, y, targeted in zip(("CW", "CW targeted"), goals, (False, True), strict=True):
        moved = closest(model, X, y, targeted)
        done = (read(model, moved) == y) == targeted
        found[name] = float(np.median(np.where(done, length(moved - X), np.inf)))
        found[f"{name} done"] = float(done.mean())
    return found


def proofs(
    nets: dict[str, nn.Sequential], X: Array, y: Array, eps: Array, setting: Setting
) -> dict[str, Any]:
    """The part of the images with a proof against changes of each entry by up to `eps`.

    A cube of half-width eps lies in a ball of radius eps sqrt(entries), so smoothing proves it too.
    """
    found: dict[str, Any] = {}
    for kind in ("plain training", "training with noise"):
        classes, radii = nn.robust.certify(nets[kind], X, setting.sigma, setting.samples, alpha=ALPHA)
        found[f"smoothing, {kind}"] = radii = np.where(classes == y, radii, -1.0)
        found[f"cube, {kind}"] = [float(np.mean(radii >= e * math.sqrt(X[0].size))) for e in eps]
    for kind in ("plain training", "certified training"):
        found[f"bounds, {kind}"] = [nn.robust.certified_accuracy(nets[kind], X, y, e) for e in eps]
    return found


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train three nets, change photographs in every norm, and prove what can be proven."""
    data, setting = in_unit_range(pictures(quick)), QUICK if quick else FULL
    sizes = {"plain training": 0.0, "training with noise": setting.sigma, "certified training": setting.box}
    nets: dict[str, nn.Sequential] = {}
    accuracy = {}
    for kind, size in sizes.items():
        nn.manual_seed(seed)
        nets[kind] = train(kind, build(data.channels, data.size), data.dataset(), setting.epochs, size)
        accuracy[kind] = float(np.mean(read(nets[kind], data.test[0]) == data.test[1]))
        print(f"{kind:<20} accuracy {accuracy[kind]:.1%}")

    model, (X, y), balls = nets["plain training"], data.test, setting.balls
    right = np.flatnonzero(read(model, X) == y)[: setting.attacked]
    others = np.random.default_rng(seed).integers(1, 10, len(right))
    images, goals = X[right], (y[right], (y[right] + others) % 10)
    success = {
        name: [fooled(model, images, goals, norm, size) for size in steps]
        for name, (norm, steps) in balls.items()
    }
    for name, (_, steps) in balls.items():
        parts = (f"{s:g}: {a:.0%}, {b:.0%}" for s, (a, b) in zip(steps, success[name], strict=True))
        print(f"{name:<11}" + "   ".join(parts))
    largest = balls["L2"][1][-1]
    lengths = compare_lengths(model, images, goals, np.geomspace(largest / 50, largest, setting.lengths))
    print("enough in L2: " + ", ".join(f"{name} {value:.3g}" for name, value in lengths.items()))

    eps, few = np.linspace(0, 2 * setting.box, setting.widths), slice(setting.proven)
    proven = proofs(nets, X[few], y[few], eps, setting)
    for name in (name for name in proven if not name.startswith("smoothing")):
        print(f"{name:<28}" + " ".join(f"{value:4.0%}" for value in proven[name]))

    figure, axes = panels(2, 3, width=4.2, height=3)
    draw_success(axes.flat[:4], balls, success)
    draw_proofs(axes.flat[4], axes.flat[5], proven, eps, setting.sigma)
    save(figure, out / "adversarial_photographs.png")
    shown = np.sort(np.unique(goals[0], return_index=True)[1])[:3]  # of three classes
    draw_changes(model, data, images[shown], (goals[0][shown], goals[1][shown]), balls, out)
    return {"accuracy": accuracy, "success": success, "lengths": lengths, "proven": proven, "eps": eps}


def draw_success(axes: Any, balls: Balls, success: dict[str, Any]) -> None:
    """How many photographs changes of each size fool, for each norm."""
    for one, (name, (_, steps)) in zip(axes, balls.items(), strict=True):
        for k, (label, color) in enumerate((("any other class", BLUE), ("a chosen class", ORANGE))):
            one.plot(steps, [100 * row[k] for row in success[name]], "o-", color=color, label=label)
        one.set(xscale="log", title=name, xticks=steps, xticklabels=[f"{step:g}" for step in steps])
        one.minorticks_off()
        one.set(xlabel="size of the change", ylabel="success, %", ylim=(-3, 103))
    axes[0].legend(frameon=False, fontsize=8)


def draw_proofs(ball: Any, cube: Any, proven: dict[str, Any], eps: Array, sigma: float) -> None:
    """The parts with a proof, by the radius in L2 and by the half-width of a cube."""
    radii = np.linspace(0, 3 * sigma, 100)
    for kind, color in (("training with noise", BLUE), ("plain training", GREY)):
        row = [100 * np.mean(proven[f"smoothing, {kind}"] >= max(r, 1e-9)) for r in radii]
        ball.plot(radii, row, color=color, label=f"smoothing, {kind}")
        cube.plot(255 * eps, 100 * np.array(proven[f"cube, {kind}"]), color=color, label=f"smoothing, {kind}")
    for kind, color in (("certified training", GREEN), ("plain training", ORANGE)):
        label = f"bounds, {kind}"
        cube.plot(255 * eps, 100 * np.array(proven[label]), color=color, label=label)
    ball.set(title="proven in a ball (L2)", xlabel="radius", ylabel="right and proven, %", ylim=(0, None))
    cube.set(title="proven in a cube (L-infinity)", xlabel="half-width, of 255", ylim=(0, None))
    for axes in (ball, cube):
        axes.legend(frameon=False, fontsize=8)


def draw_changes(
    model: nn.Module, data: Pictures, X: Array, goals: tuple[Array, Array], balls: Balls, out: Path
) -> None:
    """Photographs, what each attack adds, and what the net reads then."""
    attacks = {
        f"{name}, {steps[-2]:g}": nn.robust.pgd(model, X, goals[0], steps[-2], steps=20, norm=norm)
        for name, (norm, steps) in balls.items()
    }
    attacks["L2, Carlini-Wagner"] = closest(model, X, goals[0], False)
    attacks["to a chosen class"] = closest(model, X, goals[1], True)
    figure, axes = panels(1, 1 + len(attacks), width=1.5, height=3.2 * len(X))
    grey = np.full_like(X, 0.5)
    for one, (name, moved) in zip(axes, {"as they are": X, **attacks}.items(), strict=True):
        change = moved - X
        scale = np.abs(change).max(axis=(1, 2, 3), keepdims=True)
        shown = np.stack([moved, grey + change / np.where(scale > 0, 2 * scale, 1)], axis=1)
        rows = np.moveaxis(shown.reshape(-1, *X.shape[1:]), 1, -1)
        labels = [f"{data.kinds[k]}" for k in read(model, moved)]
        sizes = [f"up to {value:.2g}" if value else "" for value in scale.ravel()]
        names = [text for pair in zip(labels, sizes, strict=True) for text in pair]
        tiles(one, rows if rows.shape[-1] == 3 else rows[..., 0], 1, name, "gray", names, vmin=0, vmax=1)
        one.title.set_fontsize(10)
    save(figure, out / "adversarial_photographs-changes.png")


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
