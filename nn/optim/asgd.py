"""Averaged stochastic gradient descent."""

from __future__ import annotations

from dataclasses import KW_ONLY

import numpy as np

from .optimizer import Array, Optimizer, Options, Params
from .states import State

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """x <- (1 - lambd eta) x - eta g, where eta = lr / (1 + lambd lr t)^alpha after t steps.

    The state holds `ax`, the mean of x over the steps after `t0`.

    Args:
        params: the parameters, or groups of them.
        lr: the first value of eta.
        lambd: how fast x and eta decay.
        alpha: the power of the decay of eta.
        t0: the number of steps before the mean begins; until then `ax` is x.
        weight_decay: add weight_decay x to the gradient.
        foreach, capturable: as in PyTorch; without effect.
        maximize: maximize the loss instead of minimizing it.
        differentiable: False; steps are not recorded.

    Source:
        B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.ASGD([x], lr=0.1, lambd=0.0)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> x.item(), optimizer.state[x]["ax"].item()
        (0.8, 0.8)
    """

    params: Params
    lr: float = 1e-2
    lambd: float = 1e-4
    alpha: float = 0.75
    t0: float = 1e6
    weight_decay: float = 0
    _: KW_ONLY
    foreach: bool | None = None
    maximize: bool = False
    differentiable: bool = False
    capturable: bool = False

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; eta = lr, a mean of 0 that the first step replaces."""
        return {"step": 0, "eta": options["lr"], "mu": 1.0, "ax": np.zeros_like(x)}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of averaged gradient descent."""
        state["step"] = t = state["step"] + 1
        lr, decay, eta = options["lr"], options["lambd"], float(state["eta"])
        new: Array = x * (1 - decay * eta) - eta * g
        state["ax"] = state["ax"] + float(state["mu"]) * (new - state["ax"])
        state["eta"] = lr / (1 + decay * lr * t) ** options["alpha"]
        state["mu"] = 1 / max(1, t - options["t0"])
        return new
