"""Many derivatives at once: a Jacobian, and the gradient of each sample.

`jacobian` is all 200 x 200 partial derivatives of a network 200-200-200. `per-sample` is the gradient of an
MLP for each of 50 samples, 13 million numbers, which are mostly written to memory. `vmap` does both, in
PyTorch and JAX as here; JAX is compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload
from .mlp import LABELS, PARAMETERS, X

WIDTH = 200
RNG = np.random.default_rng(0)
POINT = RNG.normal(size=WIDTH)
W1, W2 = RNG.normal(0, WIDTH**-0.5, (2, WIDTH, WIDTH))


def jacobian(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="jacobian",
        does=f"all partial derivatives of a network {WIDTH}-{WIDTH}-{WIDTH}, tanh, float64",
        contenders={OURS: _jacobian, "pytorch": _jacobian_of_pytorch, "jax": _jacobian_of_jax},
        rtol=1e-8,
        atol=1e-12,
    )


def per_sample(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="per-sample",
        does="the gradient of each sample: MLP 784-300-100-10, ReLU, 50 samples, float32, cross-entropy",
        contenders={OURS: _per_sample, "pytorch": _per_sample_of_pytorch, "jax": _per_sample_of_jax},
        rtol=1e-3,
        atol=1e-5,
    )


# -- all partial derivatives -----------------------------------------------------------------------


def _jacobian() -> Step:
    import autograd_lite as ag

    partials, x = ag.jacobian(lambda x: np.tanh(W2 @ np.tanh(W1 @ x))), ag.Tensor(POINT)
    return lambda: [partials(x)]


def _jacobian_of_pytorch() -> Step:
    import torch

    w1, w2, x = map(torch.tensor, (W1, W2, POINT))
    partials = torch.func.jacrev(lambda x: torch.tanh(w2 @ torch.tanh(w1 @ x)))
    return lambda: [partials(x)]


def _jacobian_of_jax() -> Step:
    import jax
    import jax.numpy as jnp

    w1, w2, x = map(jnp.asarray, (W1, W2, POINT))
    partials = jax.jit(jax.jacrev(lambda x: jnp.tanh(w2 @ jnp.tanh(w1 @ x))))
    return lambda: [jax.block_until_ready(partials(x))]


# -- the gradient of each sample -------------------------------------------------------------------


def _per_sample() -> Step:
    import autograd_lite as ag
    import nn

    def loss(parameters: list[Any], x: Any, label: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = ag.relu(nn.functional.linear(x, w1, b1))
        h = ag.relu(nn.functional.linear(h, w2, b2))
        return nn.functional.cross_entropy(nn.functional.linear(h, w3, b3), label)

    gradients = ag.vmap(ag.grad(loss), (None, 0, 0))
    parameters, x = [ag.Tensor(p) for p in PARAMETERS], ag.Tensor(X)
    return lambda: gradients(parameters, x, LABELS)


def _per_sample_of_pytorch() -> Step:
    import torch
    from torch.nn import functional

    def loss(parameters: list[Any], x: Any, label: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = torch.relu(functional.linear(x, w1, b1))
        h = torch.relu(functional.linear(h, w2, b2))
        return functional.cross_entropy(functional.linear(h, w3, b3), label)

    gradients = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))
    parameters, x, labels = [*map(torch.tensor, PARAMETERS)], torch.tensor(X), torch.tensor(LABELS)
    return lambda: list(gradients(parameters, x, labels))


def _per_sample_of_jax() -> Step:
    import jax
    import jax.numpy as jnp

    def loss(parameters: list[Any], x: Any, label: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = jax.nn.relu(w2 @ jax.nn.relu(w1 @ x + b1) + b2)
        return -jax.nn.log_softmax(w3 @ h + b3)[label]

    gradients = jax.jit(jax.vmap(jax.grad(loss), (None, 0, 0)))
    parameters, x, labels = [*map(jnp.asarray, PARAMETERS)], jnp.asarray(X), jnp.asarray(LABELS)
    return lambda: list(jax.block_until_ready(gradients(parameters, x, labels)))
