"""Gradient descent."""

from __future__ import annotations

from dataclasses import KW_ONLY

import numpy as np

from autograd_lite.errors import OptionError

from ..kernels import optim as kernels
from .optimizer import Array, Group, Optimizer, Options, Params
from .states import State

__all__ = ["SGD"]


class SGD(Optimizer):
    """x <- x - lr v, where v = momentum v + (1 - dampening) g, and v = g without momentum.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        momentum: the fraction of the momentum buffer v that is kept in a step.
        dampening: the fraction of the gradient that does not enter v.
        weight_decay: add weight_decay x to the gradient.
        nesterov: step along g + momentum v, which looks one step ahead.
        maximize: maximize the loss instead of minimizing it.
        foreach, fused: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

    Source:
        I. Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.SGD([x], lr=0.1)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> x.item()
        0.8
    """

    takes_complex = True

    params: Params
    lr: float = 1e-3
    momentum: float = 0
    dampening: float = 0
    weight_decay: float = 0
    nesterov: bool = False
    _: KW_ONLY
    maximize: bool = False
    foreach: bool | None = None
    differentiable: bool = False
    fused: bool | None = None

    def check(self, group: Group) -> None:
        """Refuse options with invalid values."""
        super().check(group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise OptionError("SGD(nesterov=True) needs momentum > 0 and dampening=0, e.g. momentum=0.9")

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of gradient descent."""
        momentum = options["momentum"]
        if momentum:
            v = state.get("momentum_buffer")
            if v is None:
                v = state["momentum_buffer"] = np.array(g)
                return kernels.descend(x, g + momentum * v if options["nesterov"] else v, rate=options["lr"])
            part, nesterov = 1 - options["dampening"], options["nesterov"]
            return kernels.descend_with_momentum(
                x, g, v, momentum=momentum, part=part, rate=options["lr"], nesterov=nesterov
            )
        return kernels.descend(x, g, rate=options["lr"])
