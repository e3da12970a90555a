"""Adaptive moments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite.errors import OptionError

from .optimizer import Array, Group, Optimizer

__all__ = ["Adam"]


class Adam(Optimizer):
    """x <- x - lr m / (sqrt(v) + eps), with running means m of g and v of g^2, freed of their bias.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate; about the size of a step in each entry.
        betas: how much of the means m and v is kept in a step.
        eps: keeps the division finite.
        weight_decay: adds weight_decay x to the gradient.
        amsgrad: divides by the largest v so far.
        maximize: go uphill.

    Source:
        D. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2015; S. Reddi et al., "On the
        convergence of Adam and beyond", 2018.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.Adam([x], lr=0.1)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> round(x.item(), 6)
        0.9
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        super().check(group)
        if not all(0 <= beta < 1 for beta in group["betas"]):
            raise OptionError(f"Adam: betas={group['betas']}; expected two numbers in [0, 1)")

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """One step of Adam."""
        beta1, beta2 = group["betas"]
        if group["weight_decay"]:
            g = g + group["weight_decay"] * x
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(x), exp_avg_sq=np.zeros_like(x))
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = np.zeros_like(x)
        state["step"] += 1
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        scale = np.sqrt(v)
        scale /= math.sqrt(1 - beta2 ** state["step"])
        scale += group["eps"]
        new: Array = x - (group["lr"] / (1 - beta1 ** state["step"])) * m / scale
        return new
