"""A training step of the lecture's convolutional network on images of 28x28, batch 64, float32.

Convolution 20@5x5, 2x2 max pooling, convolution 40@5x5, pooling, dense 1000, dense 10, with ReLU between,
cross-entropy and plain SGD. The loss is compared after one step of each library. So it agrees only if all
gradients of the first step did.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload

RATE = 0.05
RNG = np.random.default_rng(0)
X = RNG.uniform(0, 1, (64, 1, 28, 28)).astype(np.float32)
LABELS = RNG.integers(0, 10, 64)
SHAPES = [(20, 1, 5, 5), (20,), (40, 20, 5, 5), (40,), (1000, 640), (1000,), (10, 1000), (10,)]
PARAMETERS = [
    RNG.uniform(-1, 1, shape).astype(np.float32) / np.sqrt(np.prod(SHAPES[i - i % 2][1:])).astype(np.float32)
    for i, shape in enumerate(SHAPES)
]


def workload(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="cnn",
        does="training step: conv 20@5x5, pool, conv 40@5x5, pool, dense 1000, 10; batch 64, float32, SGD",
        contenders={OURS: ours, "pytorch": pytorch, "jax": jax, "mygrad": mygrad},
        goals={"pytorch": 1.2, "jax": 2.5, "mygrad": 6.0},
        rtol=1e-4,
    )


def network(nn: Any) -> Any:
    """The model, of our layers or PyTorch's, which have the same names."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(20, 40, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(640, 1000), nn.ReLU(), nn.Linear(1000, 10),
    )  # fmt: skip


def trained(model: Any, optimizer: Any, cross_entropy: Any, x: Any, labels: Any) -> Step:
    """The step of libraries with modules and optimizers; one has been taken."""

    def step() -> list[Any]:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return [loss]

    step()
    return step


def ours() -> Step:
    import nn

    model = network(nn)
    model.load_state_dict(dict(zip(model.state_dict(), PARAMETERS, strict=True)))
    optimizer = nn.optim.SGD(model.parameters(), lr=RATE)
    return trained(model, optimizer, nn.functional.cross_entropy, X, LABELS)


def pytorch() -> Step:
    import torch

    model = network(torch.nn)
    model.load_state_dict(dict(zip(model.state_dict(), map(torch.tensor, PARAMETERS), strict=True)))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    return trained(model, optimizer, torch.nn.functional.cross_entropy, torch.tensor(X), torch.tensor(LABELS))


def jax() -> Step:
    import jax
    import jax.numpy as jnp

    def block(x: Any, w: Any, b: Any) -> Any:
        y = jax.lax.conv(x, w, (1, 1), "VALID") + b[:, None, None]
        pooled = jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        return jax.nn.relu(pooled)

    def loss(parameters: list[Any], x: Any, labels: Any) -> Any:
        w1, b1, w2, b2, w3, b3, w4, b4 = parameters
        h = block(block(x, w1, b1), w2, b2).reshape(len(x), -1)
        log_p = jax.nn.log_softmax(jax.nn.relu(h @ w3.T + b3) @ w4.T + b4)
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


def mygrad() -> Step:
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.layers import conv_nd, max_pool
    from mygrad.nnet.losses import softmax_crossentropy

    shapes = [(1, -1, 1, 1) if shape in [(20,), (40,)] else shape for shape in SHAPES]
    w1, b1, w2, b2, w3, b3, w4, b4 = parameters = [
        mg.tensor(p.reshape(shape)) for p, shape in zip(PARAMETERS, shapes, strict=True)
    ]

    def step() -> list[Any]:
        h = relu(max_pool(conv_nd(X, w1, stride=1) + b1, (2, 2), 2))
        h = relu(max_pool(conv_nd(h, w2, stride=1) + b2, (2, 2), 2))
        h = relu(mg.matmul(h.reshape(len(X), -1), w3.T) + b3)
        loss = softmax_crossentropy(mg.matmul(h, w4.T) + b4, LABELS)
        loss.backward()
        for p in parameters:
            p.data -= RATE * p.grad
        return [loss]

    step()
    return step
