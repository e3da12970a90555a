"""Regularization: what helps where weights are many, and examples few and noisy.

A net of some 17,000 weights learns 300 digits by heart, of which every tenth has a wrong label. Each remedy
is compared with none, by the mean test error over several seeds. L1 and L2 are penalties on the weights;
max-norm bounds the length of each neuron's weights. Dropout leaves out neurons; MC dropout also takes the
mean of many predictions with dropout turned on. Early stopping ends when the error on held-out digits
grows. Augmentation adds turned and shifted copies. Bagging is a committee of nets, each trained on its own
bootstrap sample. The strengths of L1, L2 and max-norm are those with the least error on digits that neither
training nor the test has.

Source: I. Goodfellow et al., "Deep learning", chapter 7, 2016; A. Geron, "Hands-on machine learning",
chapter 11.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, GREY, panels, save

Array = npt.NDArray[Any]
Net = Callable[[Array], Array]

SAMPLES, WRONG, HIDDEN = 300, 0.1, 100
STRENGTHS: dict[str, tuple[float, ...]] = {
    "l1": (3e-4, 1e-3, 3e-3),
    "decay": (3e-3, 1e-2, 3e-2),
    "max_norm": (0.5, 1.0, 2.0),
}
"""What is tried of each, on validation data."""


def build(dropout: float = 0.0) -> nn.Sequential:
    """Two wide hidden layers."""
    return nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(dropout)),
        nn.Linear(HIDDEN, 10),
    )


def train(
    X: Array,
    y: Array,
    epochs: int,
    dropout: float = 0.0,
    decay: float = 0.0,
    l1: float = 0.0,
    max_norm: float | None = None,
    held_out: tuple[Array, Array] | None = None,
    augment: bool = False,
) -> nn.Module:
    """A trained net, with the remedies that are asked for."""
    model = build(dropout)
    weights = [p for p in model.parameters() if p.ndim > 1]
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3, weight_decay=decay)

    def loss(output: Any, target: Any) -> Any:
        value = nn.functional.cross_entropy(output, target)
        return value + nn.utils.l1_penalty(weights, l1) if l1 else value

    callbacks: list[nn.Callback] = [nn.MaxNorm(weights, max_norm)] if max_norm else []
    if held_out:
        callbacks.append(nn.EarlyStopping(patience=10, restore_best_weights=True))
    data: Any = nn.TensorDataset(X, y)
    if augment:
        warp = nn.transforms.RandomAffine(10, (0.1, 0.1), interpolation="bilinear")
        data = nn.data.Augmented(data, warp)
    trainer = nn.Trainer(model, loss, optimizer, callbacks=callbacks)
    loader = nn.DataLoader(data, batch_size=25, shuffle=True)
    trainer.fit(loader, epochs=epochs, validation_data=held_out, verbose=False)
    return model.eval()


def choose(X: Array, y: Array, validation: tuple[Array, Array], epochs: int) -> dict[str, float]:
    """Of each kind of strength the one with the least error on validation data."""

    def error(kind: str, strength: float) -> float:
        net = scores(train(X, y, epochs, **{kind: strength}))  # type: ignore[arg-type]
        return 1 - nn.metrics.accuracy(net(validation[0]), validation[1])

    return {kind: min(tried, key=lambda s, k=kind: error(k, s)) for kind, tried in STRENGTHS.items()}  # type: ignore[misc]


def remedies(
    X: Array, y: Array, epochs: int, members: int, strengths: dict[str, Any]
) -> dict[str, Callable[[], Net]]:
    """By name, what trains a net and returns its scores; early stopping holds a fifth of the data out."""

    def plain(**options: Any) -> Callable[[], Net]:
        return lambda: scores(train(X, y, epochs, **options))

    def mc_dropout() -> Net:
        model = train(X, y, epochs, dropout=0.5)
        return lambda Z: nn.mc_dropout(model, Z, 50, nn.Softmax(dim=-1)).mean

    n = len(X) * 4 // 5
    return {
        "none": plain(),
        "L1": plain(l1=strengths["l1"]),
        "L2": plain(decay=strengths["decay"]),
        "max-norm": plain(max_norm=strengths["max_norm"]),
        "dropout": plain(dropout=0.5),
        "MC dropout": mc_dropout,
        "early stopping": lambda: scores(train(X[:n], y[:n], epochs, held_out=(X[n:], y[n:]))),
        "augmentation": plain(augment=True),
        "bagging": lambda: scores(nn.bagging(lambda A, b: train(A, b, epochs), X, y, members)),
    }


def scores(model: nn.Module) -> Net:
    """The outputs of a module as arrays."""
    return lambda Z: np.asarray(model(Z).numpy())


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train with each remedy, for several seeds."""
    X, y = nn.datasets.load_digits("train")
    test, labels = nn.datasets.load_digits("test")
    X, test = X.reshape(-1, 1, 8, 8), test.reshape(-1, 1, 8, 8)
    epochs, seeds, members = (60, 2, 8) if quick else (60, 5, 10)
    errors: dict[str, list[float]] = {}
    for i in range(seeds):
        rng = np.random.default_rng([seed, i])
        chosen, held = np.split(rng.permutation(len(X)), [SAMPLES])
        wrong = rng.permutation(SAMPLES) < WRONG * SAMPLES
        noisy = (y[chosen] + wrong * rng.integers(1, 10, SAMPLES)) % 10
        if i == 0:
            nn.manual_seed(seeds * seed)
            strengths = choose(X[chosen], noisy, (X[held], y[held]), epochs)
            print(f"chosen on {len(held):,} digits for validation: {strengths}")
        for name, make in remedies(X[chosen], noisy, epochs, members, strengths).items():
            nn.manual_seed(seeds * seed + i)
            error = 1 - nn.metrics.accuracy(make()(test), labels)
            errors.setdefault(name, []).append(error)
    means = {name: float(np.mean(found)) for name, found in errors.items()}
    for name, found in errors.items():
        print(f"{name:<15}test error {means[name]:.1%}   " + " ".join(f"{e:.1%}" for e in found))

    figure, axes = panels(width=5)
    axes.barh(list(means), list(means.values()), color=[GREY, *[BLUE] * (len(means) - 1)], alpha=0.6)
    for i, found in enumerate(errors.values()):
        axes.plot(found, [i] * len(found), ".k", markersize=4)
    axes.invert_yaxis()
    axes.axvline(means["none"], color=GREY, linewidth=1)
    axes.set(xlabel="test error; a point for each seed")
    save(figure, out / "regularization.png")
    return means


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
