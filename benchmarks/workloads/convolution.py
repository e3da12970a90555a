"""A convolution alone: 32 to 64 channels, 3x3, over a batch of 16 images of 28x28, forward and backward.

In float32, with the gradients of input, weights and bias. All numbers are positive: no sum cancels, and all
libraries agree to the digits of float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload

RNG = np.random.default_rng(0)
X, W, B, G = (
    RNG.uniform(0.5, 1.5, shape).astype(np.float32)
    for shape in [(16, 32, 28, 28), (64, 32, 3, 3), (64,), (16, 64, 28, 28)]
)


def workload(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="convolution",
        does="convolution 32 -> 64, 3x3, padding 1, of (16, 32, 28, 28) float32, forward and backward",
        contenders={OURS: ours, "pytorch": pytorch, "jax": jax, "mygrad": mygrad},
        goals={"pytorch": 1.1, "jax": 2.0},
        rtol=1e-4,
    )


def ours() -> Step:
    import autograd_lite as ag
    from nn.functional import conv2d

    x, w, b = (ag.Tensor(v, requires_grad=True) for v in (X, W, B))

    def step() -> list[Any]:
        x.grad = w.grad = b.grad = None
        y = conv2d(x, w, b, padding=1)
        y.backward(G)
        return [y, x.grad, w.grad, b.grad]

    return step


def pytorch() -> Step:
    import torch
    from torch.nn.functional import conv2d

    x, w, b = (torch.tensor(v, requires_grad=True) for v in (X, W, B))
    g = torch.tensor(G)

    def step() -> list[Any]:
        x.grad = w.grad = b.grad = None
        y = conv2d(x, w, b, padding=1)
        y.backward(g)
        return [y, x.grad, w.grad, b.grad]

    return step


def jax() -> Step:
    import jax
    import jax.numpy as jnp

    def convolution(x: Any, w: Any, b: Any) -> Any:
        return jax.lax.conv(x, w, (1, 1), "SAME") + b[:, None, None]

    def value_and_gradients(g: Any, *args: Any) -> Any:
        y, pull = jax.vjp(convolution, *args)
        return y, *pull(g)

    compiled = jax.jit(value_and_gradients)
    args = tuple(map(jnp.asarray, (G, X, W, B)))
    return lambda: list(jax.block_until_ready(compiled(*args)))


def mygrad() -> Step:
    import mygrad as mg
    from mygrad.nnet.layers import conv_nd

    x, w, b = (mg.tensor(v) for v in (X, W, B.reshape(1, -1, 1, 1)))

    def step() -> list[Any]:
        y = conv_nd(x, w, stride=1, padding=1) + b
        y.backward(G)
        return [y, x.grad, w.grad, b.grad.ravel()]

    return step
