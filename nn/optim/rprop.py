"""Rprop: each entry adapts its own step size to the signs of its gradients."""

from __future__ import annotations

from dataclasses import KW_ONLY

import numpy as np

from .means import zeros
from .optimizer import Array, Optimizer, Options, Params
from .states import State

__all__ = ["Rprop"]


class Rprop(Optimizer):
    """x <- x - sign(g) d, where d grows while the sign of g stays, and shrinks when it changes.

    For full-batch training: in small batches the signs of gradients change by chance.

    Args:
        params: the parameters, or groups of them.
        lr: the first value of d.
        etas: the factors by which d shrinks and grows.
        step_sizes: the smallest and the largest d.
        maximize: maximize the loss instead of minimizing it.
        capturable, foreach: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

    Raises:
        OptionError: 0 < etas[0] < 1 < etas[1] does not hold.

    Source:
        M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
        algorithm", 1993; after a change of sign the entry waits, as in the variant iRprop-.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.Rprop([x], lr=0.25)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> x.item()
        0.75
    """

    params: Params
    lr: float = 1e-2
    etas: tuple[float, float] = (0.5, 1.2)
    step_sizes: tuple[float, float] = (1e-6, 50)
    _: KW_ONLY
    maximize: bool = False
    capturable: bool = False
    foreach: bool | None = None
    differentiable: bool = False

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; a gradient of 0, and d = lr."""
        return {"step": 0, **zeros(x, "prev"), "step_size": np.full_like(x, options["lr"])}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of Rprop."""
        shrink, grow = options["etas"]
        state["step"] += 1
        agreement = g * state["prev"]
        d = state["step_size"]
        d *= np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1)).astype(d.dtype)
        np.clip(d, *options["step_sizes"], out=d)
        g = state["prev"] = np.where(agreement < 0, 0, g)
        new: Array = x - np.sign(g) * d
        return new
