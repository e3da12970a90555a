"""Adam for parameters of which few rows get a gradient, e.g. the rows of an embedding."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY

import numpy as np

from ..kernels.optim import adam
from .means import zeros
from .optimizer import Array, Optimizer, Options, Params
from .states import State

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam in which only rows with a gradient change: their values, and their running means m and v.

    Gradients here are dense arrays. A row whose gradient is 0 in all entries counts as a row without one.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the means m of g and v of g^2.
        eps: added to sqrt(v), against division by 0.
        maximize: maximize the loss instead of minimizing it.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn
        >>> x = ag.Tensor(np.ones((3, 1)), requires_grad=True)
        >>> optimizer = nn.optim.SparseAdam([x], lr=0.25)
        >>> x[1].sum().backward()
        >>> optimizer.step()
        >>> x.numpy().ravel().round(6).tolist()
        [1.0, 0.75, 1.0]
    """

    params: Params
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    _: KW_ONLY
    maximize: bool = False

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; means of 0."""
        return {"step": 0, **zeros(x, "exp_avg", "exp_avg_sq")}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of Adam in the rows that have a gradient."""
        beta1, beta2 = options["betas"]
        state["step"] = t = state["step"] + 1
        rows = np.any(g != 0, axis=tuple(range(1, g.ndim)))
        m, v = state["exp_avg"][rows], state["exp_avg_sq"][rows]
        rate = options["lr"] * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        new = np.array(x)
        new[rows] = adam(x[rows], g[rows], m, v, betas=(beta1, beta2), eps=options["eps"], rate=rate)
        state["exp_avg"][rows], state["exp_avg_sq"][rows] = m, v
        return new
