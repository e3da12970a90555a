"""Forward and backward through an LSTM: the layer over 50 steps at once, and its cell in a Python loop.

Batch 32, 64 inputs, 128 states, float32. The loss is the sum of all outputs times fixed weights. The loss
and the gradients are compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload

T, N, IN, H = 50, 32, 64, 128
RNG = np.random.default_rng(0)
X = RNG.normal(size=(T, N, IN)).astype(np.float32)
WEIGHTS = RNG.normal(size=(T, N, H)).astype(np.float32) / 100
PARAMETERS = [
    RNG.uniform(-1, 1, shape).astype(np.float32) / np.float32(H**0.5)
    for shape in ((4 * H, IN), (4 * H, H), (4 * H,), (4 * H,))
]


def layer(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="lstm",
        does="LSTM layer, T=50, batch 32, 64 -> 128, float32, forward and backward",
        contenders={OURS: ours, "pytorch": pytorch, "jax": jax, "numpy": by_hand},
        goals={"pytorch": 1.2, "jax": 2.0},
        rtol=2e-3,
    )


def cell(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="lstm-cell",
        does="LSTMCell in a Python loop of 50 steps, batch 32, 64 -> 128, float32, forward and backward",
        contenders={OURS: our_cell, "pytorch": pytorch_cell, "autograd": autograd},
        goals={"pytorch": 1.4, "autograd": 5.0},
        rtol=2e-3,
    )


def loaded(module: Any, tensor: Any) -> Any:
    """The module with the weights of the benchmark."""
    module.load_state_dict(dict(zip(module.state_dict(), map(tensor, PARAMETERS), strict=True)))
    return module


def played(forward: Any, parameters: list[Any]) -> Step:
    """The step of libraries with `backward()` and `grad`."""

    def step() -> list[Any]:
        for p in parameters:
            p.grad = None
        loss = forward()
        loss.backward()
        return [loss, *(p.grad.sum(1) if p.ndim == 2 else p.grad for p in parameters)]

    return step


def ours() -> Step:
    import nn

    lstm = loaded(nn.LSTM(IN, H), np.asarray)
    return played(lambda: (lstm(X)[0] * WEIGHTS).sum(), list(lstm.parameters()))


def pytorch() -> Step:
    import torch

    lstm = loaded(torch.nn.LSTM(IN, H), torch.tensor)
    x, weights = torch.tensor(X), torch.tensor(WEIGHTS)
    return played(lambda: (lstm(x)[0] * weights).sum(), list(lstm.parameters()))


def looped(cell: Any, xs: Any, weights: Any, zeros: Any) -> Any:
    """The loss of a cell that is called step by step."""
    h, c, loss = zeros, zeros, 0.0
    for x, w in zip(xs, weights, strict=True):
        h, c = cell(x, (h, c))
        loss = loss + (h * w).sum()
    return loss


def our_cell() -> Step:
    import nn

    cell = loaded(nn.LSTMCell(IN, H), np.asarray)
    zeros = np.zeros((N, H), np.float32)
    return played(lambda: looped(cell, X, WEIGHTS, zeros), list(cell.parameters()))


def pytorch_cell() -> Step:
    import torch

    cell = loaded(torch.nn.LSTMCell(IN, H), torch.tensor)
    xs, weights = torch.tensor(X), torch.tensor(WEIGHTS)
    return played(lambda: looped(cell, xs, weights, torch.zeros(N, H)), list(cell.parameters()))


def autograd() -> Step:
    import autograd.numpy as anp
    from autograd import value_and_grad

    def sigmoid(x: Any) -> Any:
        return (anp.tanh(x / 2) + 1) / 2

    def loss(parameters: list[Any]) -> Any:
        w, u, b, d = parameters

        def cell(x: Any, state: Any) -> Any:
            h, c = state
            gates = x @ w.T + h @ u.T + b + d
            i, f, g, o = (gates[:, k * H : (k + 1) * H] for k in range(4))
            c = sigmoid(f) * c + sigmoid(i) * anp.tanh(g)
            return sigmoid(o) * anp.tanh(c), c

        h = c = anp.zeros((N, H), np.float32)
        total = 0.0
        for t in range(T):
            h, c = cell(X[t], (h, c))
            total = total + anp.sum(h * WEIGHTS[t])
        return total

    gradient = value_and_grad(loss)

    def step() -> list[Any]:
        value, gradients = gradient(PARAMETERS)
        return [value, *(g.sum(1) if g.ndim == 2 else g for g in gradients)]

    return step


def jax() -> Step:
    import jax
    import jax.numpy as jnp

    x, weights = jnp.asarray(X), jnp.asarray(WEIGHTS)

    def loss(parameters: list[Any]) -> Any:
        w, u, b, d = parameters
        inputs = x @ w.T + (b + d)

        def one(state: Any, gates: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(gates + h @ u.T, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((N, H), jnp.float32)
        return (jax.lax.scan(one, (zeros, zeros), inputs)[1] * weights).sum()

    compiled = jax.jit(jax.value_and_grad(loss))
    parameters = [jnp.asarray(p) for p in PARAMETERS]

    def step() -> list[Any]:
        value, gradients = jax.block_until_ready(compiled(parameters))
        return [value, *(g.sum(1) if g.ndim == 2 else g for g in gradients)]

    return step


def by_hand() -> Step:
    """The same in NumPy, each gradient written out."""
    w, u, b, d = PARAMETERS

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    def step() -> list[Any]:
        h = c = np.zeros((N, H), np.float32)
        inputs = X @ w.T + (b + d)
        kept, loss = [], 0.0
        for t in range(T):
            gates = inputs[t] + h @ u.T
            i, f, o = (sigmoid(gates[:, k * H : (k + 1) * H]) for k in (0, 1, 3))
            g = np.tanh(gates[:, 2 * H : 3 * H])
            before, past = h, c
            c = f * c + i * g
            wide = np.tanh(c)
            h = o * wide
            loss += float((h * WEIGHTS[t]).sum())
            kept.append((before, past, i, f, g, o, wide))
        gh = gc = np.zeros((N, H), np.float32)
        ggates = np.empty((T, N, 4 * H), np.float32)
        for t in reversed(range(T)):
            before, past, i, f, g, o, wide = kept[t]
            gh = gh + WEIGHTS[t]
            gc = gc + gh * o * (1 - wide * wide)
            np.concatenate(
                [
                    gc * g * i * (1 - i),
                    gc * past * f * (1 - f),
                    gc * i * (1 - g * g),
                    gh * wide * o * (1 - o),
                ],
                axis=1,
                out=ggates[t],
            )
            gh, gc = ggates[t] @ u, gc * f
        flat = ggates.reshape(-1, 4 * H)
        gw = flat.T @ X.reshape(-1, IN)
        gu = flat.T @ np.stack([k[0] for k in kept]).reshape(-1, H)
        gb = flat.sum(0)
        return [loss, gw.sum(1), gu.sum(1), gb, gb]

    return step
