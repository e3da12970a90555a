"""Products of the Hessian with a vector, from a gradient that is recorded or compiled once.

PyTorch keeps the graph of the gradient and goes through it backwards for each product, as we do. JAX compiles
forward mode over reverse mode.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload
from .mlp import LABELS, PARAMETERS, X

RNG = np.random.default_rng(0)
VECTORS = [RNG.normal(size=p.shape).astype(p.dtype) for p in PARAMETERS]


def workload(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="hessian",
        does="a Hessian-vector product: MLP 784-300-100-10, tanh, 50 samples, float32, cross-entropy",
        contenders={OURS: _operator, "pytorch": _product_of_pytorch, "jax": _product_of_jax},
        unit="product",
        rtol=1e-3,
        atol=1e-5,
    )


def _operator() -> Step:
    import autograd_lite as ag
    import nn

    def loss(parameters: list[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = np.tanh(nn.functional.linear(ag.Tensor(X), w1, b1))
        h = np.tanh(nn.functional.linear(h, w2, b2))
        return nn.functional.cross_entropy(nn.functional.linear(h, w3, b3), LABELS)

    hessian = ag.curvature.hessian(loss, PARAMETERS)
    vector = hessian.ravel(VECTORS)
    return lambda: [hessian @ vector]


def _product_of_pytorch() -> Step:
    import torch
    from torch.nn import functional

    parameters = [torch.tensor(p, requires_grad=True) for p in PARAMETERS]
    w1, b1, w2, b2, w3, b3 = parameters
    h = torch.tanh(functional.linear(torch.tensor(X), w1, b1))
    h = torch.tanh(functional.linear(h, w2, b2))
    loss = functional.cross_entropy(functional.linear(h, w3, b3), torch.tensor(LABELS))
    gradient = torch.autograd.grad(loss, parameters, create_graph=True)
    vectors = [torch.tensor(v) for v in VECTORS]

    def step() -> list[Any]:
        products = torch.autograd.grad(gradient, parameters, vectors, retain_graph=True)
        return [torch.cat([p.reshape(-1) for p in products])]

    return step


def _product_of_jax() -> Step:
    import jax
    import jax.numpy as jnp

    x, labels = jnp.asarray(X), jnp.asarray(LABELS)

    def loss(parameters: list[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = jnp.tanh(x @ w1.T + b1)
        h = jnp.tanh(h @ w2.T + b2)
        scores = jax.nn.log_softmax(h @ w3.T + b3)
        return -jnp.mean(scores[jnp.arange(len(labels)), labels])

    parameters, vectors = ([*map(jnp.asarray, each)] for each in (PARAMETERS, VECTORS))

    def product(vectors: list[Any]) -> Any:
        products = jax.jvp(jax.grad(loss), (parameters,), (vectors,))[1]
        return jnp.concatenate([p.reshape(-1) for p in products])

    compiled = jax.jit(product)
    return lambda: [jax.block_until_ready(compiled(vectors))]
