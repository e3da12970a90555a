"""Training in practice: batches, saddles, depth, dying rectifiers, transfer, doubt.

- Batch size. The standard error of a batch's gradient falls as 1 / sqrt(m) with its size m. Larger batches
  need fewer steps to a loss, but more images. Which one takes less time depends on what a step costs.
- Saddle points. Newton's method finds points without a gradient. The Hessian's eigenvalues tell which they
  are.
- Depth. More hidden layers of the same width.
- Dying rectifiers. A rectifier that is 0 for all images has no gradient, and stays so. Its relatives have a
  slope there.
- Transfer. How many of the layers that know some digits help to learn others from few labels.
- Doubt. MC dropout takes the mean of many predictions with dropout turned on. It rejects digits of kinds that
  the net has not learned.

All use the digits of 8x8 that come with `nn`, but for the saddle points, whose net learns XOR.

Source: L. Bottou et al., "Optimization methods for large-scale machine learning", 2018; Y. Dauphin et al.,
"Identifying and attacking the saddle point problem", 2014; B. Xu et al., "Empirical evaluation of rectified
activations", 2015; J. Yosinski et al., "How transferable are features in deep neural networks?", 2014; Y.
Gal, Z. Ghahramani, "Dropout as a Bayesian approximation", 2016.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples.lectures.transfer import few
from examples.pictures import BLUE, COLORS, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]
Data = tuple[Array, Array]

PUSHED = -4.0
"""The biases after a step that was far too large: all inner potentials are negative."""

UNITS: dict[str, Callable[[], nn.Module]] = {
    "ReLU": nn.ReLU,
    "leaky ReLU": lambda: nn.LeakyReLU(0.1),
    "PReLU": nn.PReLU,
    "RReLU": nn.RReLU,
}
XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 0.0])


def perceptron(
    hidden: int, layers: int, unit: Callable[[], nn.Module] = nn.ReLU, drop: float = 0
) -> nn.Sequential:
    """Equal hidden layers; each layer with its unit is one child."""
    sizes = [64, *[hidden] * layers]
    body = [nn.Sequential(nn.Linear(a, b), unit(), nn.Dropout(drop)) for a, b in itertools.pairwise(sizes)]
    model = nn.Sequential(*body, nn.Linear(sizes[-1], 10))
    nn.init.by_activation_(model)
    return model


def fit(model: nn.Module, data: Data, epochs: int, rate: float, batch: int = 32) -> nn.Trainer:
    """Train by SGD with momentum what is not frozen."""
    optimizer = nn.optim.SGD([p for p in model.parameters() if p.requires_grad], rate, momentum=0.9)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy")
    trainer.fit(*data, epochs, batch, verbose=False)
    return trainer


# -- batch size ------------------------------------------------------------------------------------


def standard_errors(data: Data, sizes: list[int], rng: np.random.Generator) -> list[float]:
    """How far a batch's gradient is from that of all images (root mean square), of one linear layer."""
    X, y = data
    W = rng.normal(0, 0.1, (10, X.shape[1]))
    each = ag.vmap(
        ag.grad(lambda W, x, t: nn.functional.cross_entropy((W @ x)[None], t[None])), in_axes=(None, 0, 0)
    )(W, X.astype(float), y)
    each = each.reshape(len(X), -1)
    mean = each.mean(axis=0)
    draws = ([each[rng.integers(0, len(X), m)].mean(axis=0) - mean for _ in range(200)] for m in sizes)
    return [float(np.sqrt(np.mean(np.sum(np.square(d), axis=1)))) for d in draws]


def steps_to(loss: float, data: Data, size: int, rates: tuple[float, ...], most: int) -> tuple[int, float]:
    """The fewest steps at these rates, and their seconds, until the mean of 10 losses is so small."""
    X, y = data
    best, seconds = most, np.inf
    for rate in rates:
        nn.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        optimizer = nn.optim.SGD(model.parameters(), rate)
        rng, last, start = np.random.default_rng(0), [], time.perf_counter()
        for step in range(best):
            chosen = rng.integers(0, len(X), size)
            optimizer.zero_grad()
            value = nn.functional.cross_entropy(model(X[chosen]), y[chosen])
            value.backward()
            optimizer.step()
            last.append(value.item())
            if np.mean(last[-10:]) < loss and step > 10:
                best, seconds = step, time.perf_counter() - start
                break
    return best, seconds


# -- saddle points ---------------------------------------------------------------------------------


def xor_loss(w: Array) -> Any:
    """Of a 2-2-1 net of tanh with 9 weights, and a small penalty that keeps the points near."""
    X, d = XOR
    hidden = np.tanh(X @ w[:4].reshape(2, 2) + w[4:6])
    return np.mean((hidden @ w[6:8] + w[8] - d) ** 2) + 1e-3 * np.sum(w**2)


def critical_points(starts: int, rng: np.random.Generator) -> list[tuple[float, int]]:
    """Loss and number of negative eigenvalues, where a damped Newton's method on the gradient has ended."""
    gradient, curvature = ag.compile(ag.grad(xor_loss)), ag.compile(ag.hessian(xor_loss))
    found = []
    for _ in range(starts):
        w, damp = rng.normal(0, 1.5, 9), 1.0
        for _ in range(200):
            g, H = gradient(w), curvature(w)
            step = np.linalg.solve(H @ H + damp * np.eye(9), H @ g)
            better = np.linalg.norm(gradient(w - step)) < np.linalg.norm(g)
            w, damp = (w - step, damp / 4) if better else (w, damp * 4)
            if np.linalg.norm(g) < 1e-10:
                below = int(np.sum(np.linalg.eigvalsh(curvature(w)) < -1e-9))
                found.append((float(xor_loss(w)), below))
                break
    return found


# -- rectifiers, transfer, doubt -------------------------------------------------------------------


def first(model: Any) -> nn.Linear:
    """The first layer of weights."""
    layer: nn.Linear = model[0][0]
    return layer


def silent(model: nn.Sequential, X: Array) -> float:
    """The fraction of neurons of the first layer whose inner potential is negative for all images."""
    with ag.no_grad():
        return float(np.mean((first(model)(X).numpy() <= 0).all(axis=0)))


def rectifiers(train: Data, test: Data, epochs: int, seed: int) -> dict[str, tuple[float, float]]:
    """By unit, the test accuracy and the fraction of silent neurons, after a step too large."""
    found = {}
    for name, unit in UNITS.items():
        nn.manual_seed(seed)
        model = perceptron(40, 1, unit)
        bias = first(model).bias
        bias.data = np.full_like(bias.data, PUSHED)
        trainer = fit(model, train, epochs, 0.02)
        found[name] = trainer.evaluate(*test)["accuracy"], silent(model, train[0])
    return found


def transferred(train: Data, test: Data, epochs: int, seed: int, frozen: bool) -> list[float]:
    """By the number of layers taken from a net that knows 0 to 4, the accuracy on 5 to 9, mean of 3 draws.

    There are 5 labels for each digit. The layers taken are frozen, or learn with the others.
    """
    low, high = train[1] < 5, train[1] >= 5
    new = test[0][test[1] >= 5], test[1][test[1] >= 5]
    nn.manual_seed(seed)
    known = perceptron(40, 4)
    fit(known, (train[0][low], train[1][low]), epochs, 0.02)
    accuracies = []
    for layers in range(5):
        found = []
        for i in range(3):
            nn.manual_seed(i)
            model = perceptron(40, 4)
            for mine, its in zip(model[:layers], known[:layers], strict=True):
                mine.load_state_dict(its.state_dict())
                mine.requires_grad_(not frozen)
            chosen = few(train[0][high], train[1][high], 5, np.random.default_rng([seed, i]))
            found.append(fit(model, chosen, 60, 0.02, 10).evaluate(*new)["accuracy"])
        accuracies.append(float(np.mean(found)))
    return accuracies


def doubts(train: Data, test: Data, epochs: int, seed: int) -> tuple[Array, Array]:
    """The entropy of predictions for test digits 0 to 7, which were learned, and for the others."""
    nn.manual_seed(seed)
    model = perceptron(100, 2, drop=0.5)
    fit(model, (train[0][train[1] < 8], train[1][train[1] < 8]), epochs, 0.02)
    entropy = nn.mc_dropout(model.eval(), test[0], 50, nn.Softmax(dim=-1)).entropy
    return entropy[test[1] < 8], entropy[test[1] >= 8]


# -- all -------------------------------------------------------------------------------------------


def draw(found: dict[str, Any], out: Path) -> None:
    """A panel for each."""
    figure, axes = panels(2, 3)
    one = iter(axes.flat)
    sizes = np.array(list(found["errors"]))
    law = next(one)
    law.loglog(sizes, list(found["errors"].values()), "o-", color=BLUE)
    law.loglog(sizes, found["errors"][1] / np.sqrt(sizes), color=GREY, label="1 / sqrt(m)")
    law.set(xlabel="batch size m", title="standard error of the gradient")
    law.legend(frameon=False)
    steps = next(one)
    steps.loglog(list(found["steps"]), list(found["steps"].values()), "o-", color=BLUE, label="steps")
    images = [m * n for m, n in found["steps"].items()]
    steps.loglog(list(found["steps"]), images, "o-", color=ORANGE, label="images")
    steps.set(xlabel="batch size", title="steps and images to a loss of 0.3")
    steps.legend(frameon=False)
    saddles = next(one)
    saddles.plot(*np.transpose(found["saddles"]), "o", color=BLUE, alpha=0.4)
    saddles.set(xlabel="loss", ylabel="negative eigenvalues", title="points without a gradient (XOR)")
    depth = next(one)
    depth.plot(list(found["depth"]), list(found["depth"].values()), "o-", color=BLUE, label="hidden layers")
    for color, (name, accuracies) in zip((ORANGE, GREY), found["transfer"].items(), strict=True):
        depth.plot(accuracies, "o-", color=color, label=f"layers transferred, {name}")
    depth.set(xlabel="layers", ylabel="test accuracy", title="depth, and transfer")
    depth.legend(frameon=False, fontsize=8, loc=(0.5, 0.3))
    units = next(one)
    for i, (name, (accuracy, dead)) in enumerate(found["units"].items()):
        units.plot(dead, accuracy, "o", color=COLORS[i], label=name)
    units.set(xlabel="fraction of silent neurons", ylabel="test accuracy", title="dying rectifiers")
    units.legend(frameon=False)
    doubt = next(one)
    doubt.hist(
        found["doubts"], 20, label=("0 to 7, learned", "8 and 9, not"), color=(BLUE, ORANGE), density=True
    )
    doubt.set(xlabel="entropy of MC dropout, nats", title="doubt")
    doubt.legend(frameon=False)
    save(figure, out / "training_practice.png")


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Measure each, say it, and draw it."""
    rng = np.random.default_rng(seed)
    train, test = nn.datasets.load_digits("train"), nn.datasets.load_digits("test")
    epochs, starts = (15, 15) if quick else (40, 200)
    sizes = [1, 4, 16, 64, 256]
    found: dict[str, Any] = {"errors": dict(zip(sizes, standard_errors(train, sizes, rng), strict=True))}
    exponent = np.polyfit(np.log(sizes), np.log(list(found["errors"].values())), 1)[0]
    print(f"standard error of the gradient: m to the power of {exponent:.3f}")
    rates = (0.1, 0.3) if quick else (0.03, 0.1, 0.3, 1.0)
    found["steps"] = {}
    for m in (4, 16, 64, 256):
        found["steps"][m], seconds = steps_to(0.3, train, m, rates, 2000)
        said = f"{found['steps'][m]:>4} steps, {m * found['steps'][m]:>6,} images"
        print(f"batches of {m:>3}: a loss of 0.3 after {said}, {seconds:.3f} s")
    found["saddles"] = critical_points(starts, rng)
    for below in sorted({below for _, below in found["saddles"]}):
        losses = [loss for loss, b in found["saddles"] if b == below]
        print(
            f"{len(losses):>3} points with {below} negative eigenvalues, "
            f"losses of {min(losses):.3f} to {max(losses):.3f}"
        )
    found["depth"] = {}
    for layers in (0, 1, 2, 4, 8):
        nn.manual_seed(seed)
        found["depth"][layers] = fit(perceptron(40, layers), train, epochs, 0.02).evaluate(*test)["accuracy"]
        print(f"{layers} hidden layers of 40: {found['depth'][layers]:.1%}")
    found["units"] = rectifiers(train, test, epochs, seed)
    for name, (accuracy, dead) in found["units"].items():
        print(f"{name:<11}{accuracy:.1%}, {dead:.0%} of the hidden neurons silent")
    found["transfer"] = {}
    for frozen, name in ((True, "frozen"), (False, "tuned")):
        found["transfer"][name] = transferred(train, test, epochs, seed, frozen)
        accuracies = " ".join(f"{accuracy:.1%}" for accuracy in found["transfer"][name])
        print(f"5 to 9, with 0 to 4 layers from 0 to 4, {name}: {accuracies}")
    known, unknown = found["doubts"] = doubts(train, test, epochs, seed)
    found["rejected"] = float(np.mean(unknown > np.quantile(known, 0.9)))
    print(f"of digits 8 and 9, not learned, {found['rejected']:.0%} are rejected, with 10% of the others")
    draw(found, out)
    return found | {"exponent": float(exponent)}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
