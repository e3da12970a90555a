"""Optimizers that divide each entry's step by the size of its past gradients."""

from __future__ import annotations

from dataclasses import KW_ONLY

import numpy as np

from ..kernels.optim import adadelta, adagrad, rmsprop
from .means import zeros
from .optimizer import Array, Optimizer, Options, Params
from .states import State

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


class Adagrad(Optimizer):
    """x <- x - lr g / (sqrt(s) + eps), where s is the sum of all past g^2.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        lr_decay: divide the rate of the k-th step by 1 + (k - 1) lr_decay.
        weight_decay: add weight_decay x to the gradient.
        initial_accumulator_value: the first value of s.
        eps: added to the denominator, against division by 0.
        maximize: maximize the loss instead of minimizing it.
        foreach, fused: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

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

    params: Params
    lr: float = 1e-2
    lr_decay: float = 0
    weight_decay: float = 0
    initial_accumulator_value: float = 0
    eps: float = 1e-10
    _: KW_ONLY
    maximize: bool = False
    foreach: bool | None = None
    differentiable: bool = False
    fused: bool | None = None

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; s = initial_accumulator_value."""
        return {"step": 0, "sum": np.full_like(x, options["initial_accumulator_value"])}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of Adagrad."""
        rate = options["lr"] / (1 + state["step"] * options["lr_decay"])
        state["step"] += 1
        return adagrad(x, g, state["sum"], eps=options["eps"], rate=rate)


class RMSprop(Optimizer):
    """x <- x - lr g / (sqrt(s) + eps), where s is a running mean of g^2.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        alpha: the decay rate of the running means.
        eps: added to the denominator, against division by 0.
        weight_decay: add weight_decay x to the gradient.
        momentum: the fraction of the momentum buffer that is kept in a step.
        centered: subtract the square of the mean gradient from s, which makes sqrt(s) a standard deviation.
        maximize: maximize the loss instead of minimizing it.
        capturable, foreach: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

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

    params: Params
    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0
    momentum: float = 0
    centered: bool = False
    _: KW_ONLY
    maximize: bool = False
    capturable: bool = False
    foreach: bool | None = None
    differentiable: bool = False

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; means of 0, and a momentum buffer of 0 if there is momentum."""
        momentum = zeros(x, "momentum_buffer") if options["momentum"] else {}
        centre = zeros(x, "grad_avg") if options["centered"] else {}
        return {"step": 0, **zeros(x, "square_avg"), **momentum, **centre}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of RMSprop."""
        state["step"] += 1
        return rmsprop(
            x,
            g,
            state["square_avg"],
            state["grad_avg"] if options["centered"] else None,
            state["momentum_buffer"] if options["momentum"] else None,
            alpha=options["alpha"],
            eps=options["eps"],
            rate=options["lr"],
            momentum=options["momentum"],
        )


class Adadelta(Optimizer):
    """x <- x - lr g sqrt(d + eps) / sqrt(s + eps), with running means s of g^2 and d of squared steps.

    Args:
        params: the parameters, or groups of them.
        lr: a factor of the steps, which have the unit of x already.
        rho: the decay rate of the running means.
        eps: sets the size of the first steps, and keeps the division finite.
        weight_decay: add weight_decay x to the gradient.
        maximize: maximize the loss instead of minimizing it.
        foreach, capturable: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

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

    params: Params
    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0
    _: KW_ONLY
    maximize: bool = False
    foreach: bool | None = None
    capturable: bool = False
    differentiable: bool = False

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; means of 0."""
        return {"step": 0, **zeros(x, "square_avg", "acc_delta")}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of Adadelta."""
        state["step"] += 1
        s, d = state["square_avg"], state["acc_delta"]
        return adadelta(x, g, s, d, rho=options["rho"], eps=options["eps"], rate=options["lr"])
