"""A training step of the lecture's MLP on digits: 784-300-100-10, ReLU, batch 50, float32, cross-entropy.

With plain SGD and with Adam. The loss is compared after one step of each library. So it agrees only if all
gradients of the first step did.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload
from .cnn import trained

RATE = 0.05
RNG = np.random.default_rng(0)
X = RNG.uniform(0, 1, (50, 784)).astype(np.float32)
LABELS = RNG.integers(0, 10, 50)
SIZES = [784, 300, 100, 10]
PARAMETERS = [
    p
    for n, m in itertools.pairwise(SIZES)
    for p in (RNG.normal(0, (2 / n) ** 0.5, (m, n)).astype(np.float32), np.zeros(m, np.float32))
]


def sgd(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="mlp",
        does="training step: 784-300-100-10, ReLU, batch 50, float32, cross-entropy, SGD",
        contenders={
            OURS: lambda: ours("SGD", RATE),
            "pytorch": lambda: pytorch("SGD", RATE),
            "jax": jax,
            "autograd": autograd,
            "mygrad": mygrad,
            "numpy": by_hand,
        },
        goals={"pytorch": 1.2, "jax": 1.0, "autograd": 5.0, "mygrad": 1.5},
        rtol=1e-4,
    )


def adam(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="mlp-adam",
        does="training step: 784-300-100-10, ReLU, batch 50, float32, cross-entropy, Adam",
        contenders={OURS: lambda: ours("Adam", 1e-3), "pytorch": lambda: pytorch("Adam", 1e-3)},
        goals={"pytorch": 1.6},
        rtol=1e-4,
    )


def network(nn: Any) -> Any:
    """The model, of our layers or PyTorch's, which have the same names."""
    return nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))


def ours(optimizer: str, lr: float) -> Step:
    import nn

    model = network(nn)
    model.load_state_dict(dict(zip(model.state_dict(), PARAMETERS, strict=True)))
    rule = getattr(nn.optim, optimizer)(model.parameters(), lr=lr)
    return trained(model, rule, nn.functional.cross_entropy, X, LABELS)


def pytorch(optimizer: str, lr: float) -> Step:
    import torch

    model = network(torch.nn)
    model.load_state_dict(dict(zip(model.state_dict(), map(torch.tensor, PARAMETERS), strict=True)))
    rule = getattr(torch.optim, optimizer)(model.parameters(), lr=lr)
    return trained(model, rule, torch.nn.functional.cross_entropy, torch.tensor(X), torch.tensor(LABELS))


def jax() -> Step:
    import jax
    import jax.numpy as jnp

    def loss(parameters: list[Any], x: Any, labels: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = jax.nn.relu(jax.nn.relu(x @ w1.T + b1) @ w2.T + b2)
        log_p = jax.nn.log_softmax(h @ w3.T + b3)
        return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()

    def update(parameters: list[Any], x: Any, labels: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(parameters, x, labels)
        return value, [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]

    compiled = jax.jit(update)
    x, labels = jnp.asarray(X), jnp.asarray(LABELS)
    parameters = [jnp.asarray(p) for p in PARAMETERS]

    def step() -> list[Any]:
        nonlocal parameters
        value, parameters = jax.block_until_ready(compiled(parameters, x, labels))
        return [value]

    step()
    return step


def autograd() -> Step:
    import autograd.numpy as anp
    from autograd import value_and_grad

    def loss(parameters: list[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = anp.maximum(X @ w1.T + b1, 0)
        h = anp.maximum(h @ w2.T + b2, 0)
        y = h @ w3.T + b3
        shifted = y - anp.max(y, axis=1, keepdims=True)
        log_p = shifted - anp.log(anp.sum(anp.exp(shifted), axis=1, keepdims=True))
        return -anp.mean(log_p[anp.arange(len(LABELS)), LABELS])

    gradient = value_and_grad(loss)
    parameters = [p.copy() for p in PARAMETERS]

    def step() -> list[Any]:
        value, gradients = gradient(parameters)
        for p, g in zip(parameters, gradients, strict=True):
            p -= np.float32(RATE) * g
        return [value]

    step()
    return step


def mygrad() -> Step:
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    w1, b1, w2, b2, w3, b3 = parameters = [mg.tensor(p) for p in PARAMETERS]

    def step() -> list[Any]:
        h = relu(mg.matmul(X, w1.T) + b1)
        h = relu(mg.matmul(h, w2.T) + b2)
        loss = softmax_crossentropy(mg.matmul(h, w3.T) + b3, LABELS)
        loss.backward()
        for p in parameters:
            p.data -= RATE * p.grad
        return [loss]

    step()
    return step


def by_hand() -> Step:
    """The same in NumPy, each gradient written out."""
    w1, b1, w2, b2, w3, b3 = parameters = [p.copy() for p in PARAMETERS]
    rows = np.arange(len(LABELS))

    def step() -> list[Any]:
        h1 = np.maximum(X @ w1.T + b1, 0)
        h2 = np.maximum(h1 @ w2.T + b2, 0)
        y = h2 @ w3.T + b3
        y -= y.max(axis=1, keepdims=True)
        p = np.exp(y)
        total = p.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - y[rows, LABELS])
        p /= total
        p[rows, LABELS] -= 1
        g3 = p / np.float32(len(rows))
        g2 = (g3 @ w3) * (h2 > 0)
        g1 = (g2 @ w2) * (h1 > 0)
        gradients = [g1.T @ X, g1.sum(0), g2.T @ h1, g2.sum(0), g3.T @ h2, g3.sum(0)]
        for w, g in zip(parameters, gradients, strict=True):
            w -= np.float32(RATE) * g
        return [loss]

    step()
    return step
