"""Steps divided by how large the gradients of each entry have been."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Array, Group, Optimizer

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


class Adagrad(Optimizer):
    """x <- x - lr g / (sqrt(s) + eps), where s is the sum of all g^2 so far.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        lr_decay: the k-th step divides the rate by 1 + (k - 1) lr_decay.
        weight_decay: adds weight_decay x to the gradient.
        initial_accumulator_value: what s begins with.
        eps: keeps the division finite.
        maximize: go uphill.

    Source:
        J. Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", 2011.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.Adagrad([x], lr=0.1)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> round(x.item(), 6)
        0.9
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "maximize": maximize,
            },
        )

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """One step of Adagrad."""
        if not state:
            state.update(step=0, sum=np.full_like(x, group["initial_accumulator_value"]))
        rate = group["lr"] / (1 + state["step"] * group["lr_decay"])
        state["step"] += 1
        state["sum"] += g * g
        new: Array = x - rate * g / (np.sqrt(state["sum"]) + group["eps"])
        return new


class RMSprop(Optimizer):
    """x <- x - lr g / (sqrt(s) + eps), where s is a running mean of g^2.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        alpha: how much of the running means is kept in a step.
        eps: keeps the division finite.
        weight_decay: adds weight_decay x to the gradient.
        momentum: how much of the last step is kept.
        centered: divides by the standard deviation of the gradient: s minus the square of its mean.
        maximize: go uphill.

    Source:
        T. Tieleman, G. Hinton, "Lecture 6.5, rmsprop", 2012; centered: A. Graves, "Generating sequences with
        recurrent neural networks", 2013.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.RMSprop([x], lr=0.1, alpha=0.75)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> round(x.item(), 6)
        0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """One step of RMSprop."""
        alpha = group["alpha"]
        if not state:
            state.update(step=0, square_avg=np.zeros_like(x))
            if group["momentum"]:
                state["momentum_buffer"] = np.zeros_like(x)
            if group["centered"]:
                state["grad_avg"] = np.zeros_like(x)
        state["step"] += 1
        s = state["square_avg"]
        s *= alpha
        s += (1 - alpha) * (g * g)
        if group["centered"]:
            mean = state["grad_avg"]
            mean += (1 - alpha) * (g - mean)
            s = s - mean * mean
        direction = g / (np.sqrt(s) + group["eps"])
        if group["momentum"]:
            v = state["momentum_buffer"]
            v *= group["momentum"]
            v += direction
            direction = v
        new: Array = x - group["lr"] * direction
        return new


class Adadelta(Optimizer):
    """x <- x - lr g sqrt(d + eps) / sqrt(s + eps), with running means s of g^2 and d of the squared steps.

    Args:
        params: the parameters, or groups of them.
        lr: multiplies the steps, which have the unit of x by themselves.
        rho: how much of the running means is kept in a step.
        eps: keeps the division finite, and lets the first steps begin.
        weight_decay: adds weight_decay x to the gradient.
        maximize: go uphill.

    Source:
        M. Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.Adadelta([x], eps=1e-4)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> round(x.item(), 4)
        0.9684
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize},
        )

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """One step of Adadelta."""
        rho, eps = group["rho"], group["eps"]
        if not state:
            state.update(step=0, square_avg=np.zeros_like(x), acc_delta=np.zeros_like(x))
        state["step"] += 1
        s, d = state["square_avg"], state["acc_delta"]
        s *= rho
        s += (1 - rho) * (g * g)
        delta = np.sqrt(d + eps) / np.sqrt(s + eps) * g
        d *= rho
        d += (1 - rho) * (delta * delta)
        new: Array = x - group["lr"] * delta
        return new
