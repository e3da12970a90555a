"""A restricted Boltzmann machine learns to draw digits; two are a deep belief net.

Visible and hidden neurons are 0 or 1. An image v has the free energy

    F(v) = -b v - sum_j softplus(c_j + (v W)_j),        p(v) = exp(-F(v)) / Z

The gradient of the log-likelihood is that of the mean free energy of samples less that of data. The samples
are Markov chains that go on from batch to batch (persistent contrastive divergence), and the tape
differentiates F. With 12 hidden neurons Z is a sum over 2^12 states: the likelihood is exact. It stands
beside that of independent pixels.

In the deep belief net a second machine learns from the hidden neurons of the first. Then both are the layers
of a logistic net, which learns from few labels, beside the same net from scratch. All images are the digits
of 8x8 that come with `nn`, black and white.

Source: G. Hinton, "Training products of experts by minimizing contrastive divergence", 2002; T. Tieleman,
"Training restricted Boltzmann machines using approximations to the likelihood gradient", 2008; G. Hinton et
al., "A fast learning algorithm for deep belief nets", 2006.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples.lectures.transfer import few, fit
from examples.pictures import BLUE, GREY, panels, save, tiles

Array = npt.NDArray[Any]
Weights = tuple[Array, Array, Array]

COUNTED = 12
"""How many hidden neurons the machine has whose likelihood is counted out."""


def free_energy(weights: Any, v: Array) -> Any:
    """F of images (n, visible), as (n,)."""
    W, b, c = weights
    return -(v @ b) - np.sum(ag.softplus(v @ W + c), axis=1)


def log_likelihood(weights: Weights, v: Array) -> float:
    """The exact mean, in nats; every state of the hidden neurons is counted."""
    W, b, c = weights
    states = np.array(list(itertools.product((0.0, 1.0), repeat=len(c))))
    log_z = ag.logsumexp(states @ c + np.logaddexp(0, states @ W.T + b).sum(axis=1))
    return float(np.mean(-free_energy(weights, v)) - log_z)


def draw_hidden(weights: Weights, v: Array, rng: np.random.Generator) -> Array:
    """Hidden neurons for visible ones, at random."""
    p = ag.sigmoid(v @ weights[0] + weights[2])
    return np.asarray((rng.random(p.shape) < p) * 1.0)


def draw_visible(weights: Weights, h: Array, rng: np.random.Generator) -> Array:
    """Visible neurons for hidden ones, at random."""
    p = ag.sigmoid(h @ weights[0].T + weights[1])
    return np.asarray((rng.random(p.shape) < p) * 1.0)


def learn(v: Array, hidden: int, epochs: int, rng: np.random.Generator) -> Weights:
    """Persistent contrastive divergence, with as many chains as images in a batch; the rate falls to 0."""
    shares = v.mean(axis=0).clip(0.02, 0.98)
    weights: Weights = (
        rng.normal(0, 0.05, (v.shape[1], hidden)),
        np.log(shares / (1 - shares)),
        np.zeros(hidden),
    )
    gradient = ag.compile(
        ag.grad(lambda w, data, sample: np.mean(free_energy(w, data)) - np.mean(free_energy(w, sample)))
    )
    chain, batch = v[:50], 50
    for epoch in range(epochs):
        rate, order = 0.1 * (1 - epoch / epochs), rng.permutation(len(v))
        for start in range(0, len(v) - batch + 1, batch):
            chain = draw_visible(weights, draw_hidden(weights, chain, rng), rng)
            slopes = gradient(weights, v[order[start : start + batch]], chain)
            W, b, c = (w - rate * s for w, s in zip(weights, slopes, strict=True))
            weights = W, b, c
    return weights


def belief_net(machines: list[Weights]) -> nn.Sequential:
    """The machines as layers of logistic neurons."""
    layers = []
    for W, _, c in machines:
        layer = nn.Linear(*W.shape)
        layer.load_state_dict({"weight": W.T.astype(np.float32), "bias": c.astype(np.float32)})
        layers.append(nn.Sequential(layer, nn.Sigmoid()))
    return nn.Sequential(*layers)


def scratch() -> nn.Sequential:
    """The same net with random weights."""
    return nn.Sequential(nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 48), nn.Sigmoid())


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn a small machine and count its likelihood, then stack two and learn from few labels."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (X, y), (X_test, y_test) = nn.datasets.load_digits("train"), nn.datasets.load_digits("test")
    v, test = (X > 0.5) * 1.0, (X_test > 0.5) * 1.0
    epochs, draws = (60, 2) if quick else (400, 6)
    shares = v.mean(axis=0).clip(0.5 / len(v), 1 - 0.5 / len(v))
    independent = float(np.mean(np.log(np.where(test == 1, shares, 1 - shares)).sum(axis=1)))
    small = learn(v, COUNTED, epochs, rng)
    likelihood = log_likelihood(small, test)
    print(f"log-likelihood of test digits: {likelihood:.2f} nats; independent pixels: {independent:.2f}")

    first = learn(v, 64, epochs, rng)
    codes = ag.sigmoid(v @ first[0] + first[2])
    second = learn(codes, 48, epochs, rng)
    accuracies: dict[str, list[float]] = {"deep belief net": [], "from scratch": []}
    rows, test_rows = v.astype(np.float32), test.astype(np.float32)
    for i in range(draws):
        chosen = few(rows, y, 5, np.random.default_rng([seed, i]))
        for name, body in (("deep belief net", belief_net([first, second])), ("from scratch", scratch())):
            trainer = fit(body, nn.Linear(48, 10), *chosen)
            accuracies[name].append(trainer.evaluate(test_rows, y_test)["accuracy"])
    means = {name: float(np.mean(found)) for name, found in accuracies.items()}
    print("5 labels for each digit: " + ", ".join(f"{name} {mean:.1%}" for name, mean in means.items()))

    figure, (left, middle, right) = panels(1, 3)
    tiles(left, first[0].T[:32].reshape(-1, 8, 8), 8, "weights of 32 hidden neurons", "RdBu_r")
    chain = v[rng.permutation(len(v))[:32]]
    for _ in range(100):
        chain = draw_visible(first, draw_hidden(first, chain, rng), rng)
    dreamt = ag.sigmoid(draw_hidden(first, chain, rng) @ first[0].T + first[1])
    tiles(middle, dreamt.reshape(-1, 8, 8), 8, "after 100 steps of a Markov chain")
    right.bar(list(means), list(means.values()), color=(BLUE, GREY))
    right.set(ylabel="test accuracy, 5 labels for each digit", ylim=(0, 1))
    save(figure, out / "rbm.png")
    return means | {"likelihood": likelihood, "independent": independent}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
