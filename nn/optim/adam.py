"""Adam and its variants: steps from running means of g and g^2."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, field

from ..kernels.optim import adam, adamax, mean, mean_square, nadam
from .means import zeros
from .optimizer import Array, Optimizer, Options, Params
from .states import State

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"]


class _Moments(Optimizer):
    """The common base of Adam and its variants: the running means m of g and v of g^2."""

    params: Params
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; means of 0."""
        return {"step": 0, **zeros(x, "exp_avg", "exp_avg_sq")}


class Adam(_Moments):
    """x <- x - lr m / (sqrt(v) + eps), with bias-corrected running means m of g and v of g^2.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate, about the size of each entry's step.
        betas: the decay rates of the means m and v.
        eps: added to the denominator, against division by 0.
        weight_decay: add weight_decay x to the gradient.
        amsgrad: divide by the largest v so far.
        maximize: maximize the loss instead of minimizing it.
        foreach, capturable, fused: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.
        decoupled_weight_decay: multiply x by 1 - lr weight_decay instead of changing the gradient.

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

    amsgrad: bool = False
    _: KW_ONLY
    maximize: bool = False
    foreach: bool | None = None
    capturable: bool = False
    differentiable: bool = False
    fused: bool | None = None
    decoupled_weight_decay: bool = False

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; means of 0, and a largest v of 0 with amsgrad."""
        largest = zeros(x, "max_exp_avg_sq") if options["amsgrad"] else {}
        return {**super().begin(x, options), **largest}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of Adam."""
        beta1, beta2 = options["betas"]
        state["step"] = t = state["step"] + 1
        # lr m / (sqrt(v / bias) + eps), with the bias moved to the numbers, so that v stays as it is.
        bias = math.sqrt(1 - beta2**t)
        eps, rate = options["eps"] * bias, options["lr"] * bias / (1 - beta1**t)
        largest = state["max_exp_avg_sq"] if options["amsgrad"] else None
        m, v = state["exp_avg"], state["exp_avg_sq"]
        return adam(x, g, m, v, largest, betas=(beta1, beta2), eps=eps, rate=rate)


class AdamW(Adam):
    """Adam whose weight decay shrinks x itself: x <- (1 - lr weight_decay) x, then a step of Adam.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the means m and v.
        eps: added to the denominator, against division by 0.
        weight_decay: multiply x by 1 - lr weight_decay.
        amsgrad: divide by the largest v so far.
        maximize: maximize the loss instead of minimizing it.
        foreach, capturable, fused: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

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

    weight_decay: float = 1e-2
    decoupled_weight_decay: bool = field(default=True, init=False)


class NAdam(_Moments):
    """Adam with Nesterov momentum, which looks one step ahead.

    x <- x - lr [(1 - mu) g / (1 - p) + mu' m / (1 - p mu')] / (sqrt(v) + eps). From step to step, mu grows
    towards betas[0]; mu' is the next mu, and p is the product of all mu so far.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the means m and v.
        eps: added to the denominator, against division by 0.
        weight_decay: add weight_decay x to the gradient.
        momentum_decay: how fast mu approaches betas[0].
        decoupled_weight_decay: multiply x by 1 - lr weight_decay instead of changing the gradient.
        maximize: maximize the loss instead of minimizing it.
        foreach, capturable: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

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

    lr: float = 2e-3
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False
    _: KW_ONLY
    maximize: bool = False
    foreach: bool | None = None
    capturable: bool = False
    differentiable: bool = False

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; an empty product p = 1, and means of 0."""
        return {"step": 0, "mu_product": 1.0, **zeros(x, "exp_avg", "exp_avg_sq")}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of NAdam."""
        beta1, beta2 = options["betas"]
        state["step"] = t = state["step"] + 1
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * options["momentum_decay"])) for k in (t, t + 1))
        state["mu_product"] *= mu
        p = state["mu_product"]
        # lr / (sqrt(v / bias) + eps), with the bias moved to the numbers, so that v stays as it is.
        bias = math.sqrt(1 - beta2**t)
        rates = tuple(
            options["lr"] * bias * part for part in ((1 - mu) / (1 - p), mu_next / (1 - p * mu_next))
        )
        m, v, eps = state["exp_avg"], state["exp_avg_sq"], options["eps"] * bias
        return nadam(x, g, m, v, betas=(beta1, beta2), eps=eps, rates=rates)


class Adamax(_Moments):
    """x <- x - lr m / u, with u <- max(betas[1] u, |g| + eps), a decaying maximum of |g|.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the mean m and of u.
        eps: added to |g|, against division by 0.
        weight_decay: add weight_decay x to the gradient.
        maximize: maximize the loss instead of minimizing it.
        foreach, capturable: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

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

    lr: float = 2e-3
    _: KW_ONLY
    maximize: bool = False
    foreach: bool | None = None
    differentiable: bool = False
    capturable: bool = False

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; m = 0 and u = 0."""
        return {"step": 0, **zeros(x, "exp_avg", "exp_inf")}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of Adamax."""
        state["step"] += 1
        rate = options["lr"] / (1 - options["betas"][0] ** state["step"])
        m, u = state["exp_avg"], state["exp_inf"]
        return adamax(x, g, m, u, betas=options["betas"], eps=options["eps"], rate=rate)


class RAdam(_Moments):
    """Adam that divides by sqrt(v) only after enough gradients to estimate v reliably.

    After t steps v averages about rho = rho_inf - 2 t beta2^t / (1 - beta2^t) gradients. Up to rho = 5 the
    step is lr m; after that it is Adam's step times a factor that grows to 1.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the means m and v.
        eps: added to the denominator, against division by 0.
        weight_decay: add weight_decay x to the gradient.
        decoupled_weight_decay: multiply x by 1 - lr weight_decay instead of changing the gradient.
        maximize: maximize the loss instead of minimizing it.
        foreach, capturable: as in PyTorch; without effect.
        differentiable: False; steps are not recorded.

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

    decoupled_weight_decay: bool = False
    _: KW_ONLY
    maximize: bool = False
    foreach: bool | None = None
    capturable: bool = False
    differentiable: bool = False

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of RAdam."""
        beta1, beta2 = options["betas"]
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"] + 1
        state["step"] = t
        rate = options["lr"] / (1 - beta1**t)
        left = 1 - beta2**t
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / left
        if rho <= 5:
            mean_square(v, g, beta2)
            new: Array = x - rate * mean(m, g, beta1)
            return new
        trust = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
        rate *= math.sqrt(left * trust)
        return adam(x, g, m, v, betas=(beta1, beta2), eps=options["eps"], rate=rate)
