"""Adaptive moments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Array, Group, Optimizer

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"]


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
        decoupled_weight_decay: shrinks x by lr weight_decay instead of changing the gradient.

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
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """One step of Adam."""
        beta1, beta2 = group["betas"]
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(x), exp_avg_sq=np.zeros_like(x))
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = np.zeros_like(x)
        state["step"] += 1
        m, v = _means(g, state, beta1, beta2)
        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        # The bias of v is divided out of the numbers around it: lr m / (sqrt(v / bias) + eps).
        bias = math.sqrt(1 - beta2 ** state["step"])
        new = np.sqrt(v, out=np.empty_like(v))
        new += group["eps"] * bias
        np.divide(m, new, out=new)
        new *= -group["lr"] * bias / (1 - beta1 ** state["step"])
        new += x
        return new


class AdamW(Adam):
    """Adam whose weight decay shrinks x itself: x <- (1 - lr weight_decay) x, then a step of Adam.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: how much of the means m and v is kept in a step.
        eps: keeps the division finite.
        weight_decay: the share of x that is taken away, times lr.
        amsgrad: divides by the largest v so far.
        maximize: go uphill.

    Source:
        I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2019.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.AdamW([x], lr=0.1, weight_decay=0.5)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> round(x.item(), 6)
        0.85
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
        )


class NAdam(Optimizer):
    """Adam that looks one step ahead, as Nesterov's momentum does.

    x <- x - lr [(1 - mu) g / (1 - p) + mu' m / (1 - p mu')] / (sqrt(v) + eps), where mu grows from step to
    step towards betas[0], mu' is the next one and p is the product of all so far.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: how much of the means m and v is kept in a step.
        eps: keeps the division finite.
        weight_decay: adds weight_decay x to the gradient.
        momentum_decay: how fast mu comes near betas[0].
        decoupled_weight_decay: shrinks x by lr weight_decay instead of changing the gradient.
        maximize: go uphill.

    Source:
        T. Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.NAdam([x], lr=0.1)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> x.item() < 1
        True
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """One step of NAdam."""
        beta1, beta2 = group["betas"]
        if not state:
            state.update(step=0, mu_product=1.0, exp_avg=np.zeros_like(x), exp_avg_sq=np.zeros_like(x))
        state["step"] += 1
        t = state["step"]
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
        state["mu_product"] *= mu
        p = state["mu_product"]
        m, v = _means(g, state, beta1, beta2)
        scale = np.sqrt(v / (1 - beta2**t)) + group["eps"]
        ahead = (1 - mu) / (1 - p) * g + mu_next / (1 - p * mu_next) * m
        new: Array = x - group["lr"] * ahead / scale
        return new


class Adamax(Optimizer):
    """x <- x - lr m / u, where u is the largest |g| so far, which fades by betas[1] in a step.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: how much of the mean m and of u is kept in a step.
        eps: added to |g|, which keeps the division finite.
        weight_decay: adds weight_decay x to the gradient.
        maximize: go uphill.

    Source:
        D. Kingma, J. Ba, "Adam: a method for stochastic optimization", section 7.1, 2015.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.Adamax([x], lr=0.1)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> round(x.item(), 6)
        0.9
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize},
        )

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """One step of Adamax."""
        beta1, beta2 = group["betas"]
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(x), exp_inf=np.zeros_like(x))
        state["step"] += 1
        m, u = state["exp_avg"], state["exp_inf"]
        m += (1 - beta1) * (g - m)
        np.maximum(beta2 * u, np.abs(g) + group["eps"], out=u)
        new: Array = x - group["lr"] / (1 - beta1 ** state["step"]) * m / u
        return new


class RAdam(Optimizer):
    """Adam that waits to divide by sqrt(v) until it has seen enough gradients to trust v.

    After t steps v is worth rho gradients, rho = rho_inf - 2 t beta2^t / (1 - beta2^t). Up to rho = 5 the
    step is lr m, and from then on that of Adam times a factor that grows to 1.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: how much of the means m and v is kept in a step.
        eps: keeps the division finite.
        weight_decay: adds weight_decay x to the gradient.
        decoupled_weight_decay: shrinks x by lr weight_decay instead of changing the gradient.
        maximize: go uphill.

    Source:
        L. Liu et al., "On the variance of the adaptive learning rate and beyond", 2020.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.RAdam([x], lr=0.1)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> round(x.item(), 6)
        0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """One step of RAdam."""
        beta1, beta2 = group["betas"]
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(x), exp_avg_sq=np.zeros_like(x))
        state["step"] += 1
        t = state["step"]
        m, v = _means(g, state, beta1, beta2)
        rate = group["lr"] / (1 - beta1**t)
        left = 1 - beta2**t
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / left
        new: Array
        if rho <= 5:
            new = x - rate * m
            return new
        trust = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
        new = x - rate * math.sqrt(left * trust) * m / (np.sqrt(v) + group["eps"])
        return new


def _means(g: Array, state: dict[str, Any], beta1: float, beta2: float) -> tuple[Array, Array]:
    """The running means of g and g^2, one step on."""
    m, v = state["exp_avg"], state["exp_avg_sq"]
    part = np.subtract(g, m, out=np.empty_like(m))  # all that is needed beside the state
    part *= 1 - beta1
    m += part
    np.multiply(g, g, out=part)
    part *= 1 - beta2
    v *= beta2
    v += part
    return m, v
