"""Elementwise work on large arrays, where memory decides.

`gelu` is written out with NumPy's functions, forward and backward. `gradients` compares a gradient with the
plain NumPy forward pass, over ten functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import DisagreementError, Step, Workload

SCALE = math.sqrt(2 / math.pi)


def numbers(quick: bool, dtype: Any) -> Any:
    """A million numbers, or few."""
    return np.random.default_rng(0).normal(size=1000 if quick else 1_000_000).astype(dtype)


def gelu(quick: bool) -> Workload:
    """GELU of a million float32 numbers, or of a thousand."""
    x = numbers(quick, np.float32)
    return Workload(
        name="gelu",
        does=f"GELU written out, {x.size:,} float32 numbers, forward and backward of the sum",
        contenders={
            OURS: lambda: ours(x),
            "pytorch": lambda: pytorch(x),
            "jax": lambda: jax(x),
            "autograd": lambda: autograd(x),
            "numpy": lambda: by_hand(x),
        },
        goals={"pytorch": 1.0, "autograd": 5.0},
        rtol=1e-3,
        atol=1e-5,  # 1 + tanh cancels where x is far below 0
    )


def written_out(x: Any, tanh: Callable[[Any], Any]) -> Any:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""
    return 0.5 * x * (1 + tanh(SCALE * (x + 0.044715 * x * x * x)))


def ours(x: Any) -> Step:
    import autograd_lite as ag

    leaf = ag.Tensor(x, requires_grad=True)

    def step() -> list[Any]:
        leaf.grad = None
        y = written_out(leaf, np.tanh).sum()
        y.backward()
        return [y, leaf.grad]

    return step


def pytorch(x: Any) -> Step:
    import torch

    leaf = torch.tensor(x, requires_grad=True)

    def step() -> list[Any]:
        leaf.grad = None
        y = written_out(leaf, torch.tanh).sum()
        y.backward()
        return [y, leaf.grad]

    return step


def jax(x: Any) -> Step:
    import jax
    import jax.numpy as jnp

    value_and_grad = jax.jit(jax.value_and_grad(lambda x: written_out(x, jnp.tanh).sum()))
    array = jnp.asarray(x)
    return lambda: list(jax.block_until_ready(value_and_grad(array)))


def autograd(x: Any) -> Step:
    import autograd.numpy as anp
    from autograd import value_and_grad

    both = value_and_grad(lambda x: anp.sum(written_out(x, anp.tanh)))
    return lambda: list(both(x))


def by_hand(x: Any) -> Step:
    """The same in NumPy, the gradient written out."""

    def step() -> list[Any]:
        t = np.tanh(SCALE * (x + 0.044715 * x * x * x))
        y = (0.5 * x * (1 + t)).sum()
        return [y, 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (SCALE * (1 + 3 * 0.044715 * x * x))]

    return step


FUNCTIONS: list[Callable[[Any], Any]] = [
    lambda x: np.sum(x * x),
    lambda x: np.sum(np.exp(-x * x / 2)),
    lambda x: np.sum(np.tanh(x)),
    lambda x: np.sum(np.sin(x) * np.cos(x)),
    lambda x: np.sum(np.log1p(x * x)),
    lambda x: np.sum(np.sqrt(1 + x * x)),
    lambda x: np.mean((x - np.mean(x)) ** 2),
    lambda x: np.sum(np.maximum(x, 0) * x),
    lambda x: np.sum(np.reshape(x, (100, -1)).T @ np.reshape(x, (100, -1))[:, :10]),
    lambda x: np.sum(np.cumsum(x) * x),
]


def gradients(quick: bool) -> Workload:
    """Ten functions of a million float64 numbers, or of a thousand."""
    import autograd_lite as ag

    x = numbers(quick, np.float64)
    whole = [ag.value_and_grad(f) for f in FUNCTIONS]

    def checked() -> Step:
        """Gradients are what is timed, and values what NumPy returns: they are held against it beforehand."""
        way = np.random.default_rng(1).normal(size=x.size)
        for f, both in zip(FUNCTIONS, whole, strict=True):
            slope, difference = both(x)[1] @ way, (f(x + 1e-6 * way) - f(x - 1e-6 * way)) / 2e-6
            if not np.isclose(slope, difference, rtol=1e-5):
                raise DisagreementError(f"gradients: the slope is {slope}, by differences {difference}")
        return lambda: [ag.Tensor(f(x)[0]) for f in whole]

    return Workload(
        name="gradients",
        does=f"value and gradient of ten functions of {x.size:,} numbers, beside NumPy's values alone",
        contenders={
            OURS: checked,
            "numpy": lambda: lambda: [f(x) for f in FUNCTIONS],
        },
        goals={"numpy": 1 / 3.5},
    )
