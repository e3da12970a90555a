"""Muon: momentum whose matrices become orthogonal."""

from __future__ import annotations

import math
from dataclasses import field

import numpy as np

from autograd_lite.errors import OptionError

from ..kernels.optim import mean
from .means import zeros
from .optimizer import Array, Group, Optimizer, Options, Params
from .states import State

__all__ = ["Muon"]


class Muon(Optimizer):
    """x <- x - lr s O(m), for matrices: m is the momentum, and O(m) a nearby matrix with orthogonal rows.

    O is found by steps of a polynomial, m <- a m + (b (m m^T) + c (m m^T)^2) m, which moves singular values
    towards 1. PyTorch rounds these steps to bfloat16; here they have the dtype of the parameter, so the two
    agree to about two digits.

    Args:
        params: the parameters, all of them matrices, or groups of them.
        lr: the learning rate.
        weight_decay: multiply x by 1 - lr weight_decay.
        momentum: the decay rate of the mean m of g.
        nesterov: step along a mean of g and m, which looks one step ahead.
        ns_coefficients: the numbers a, b and c.
        eps: the least norm that m is divided by.
        ns_steps: the number of steps of the polynomial.
        adjust_lr_fn: the factor s: None or "original" for sqrt(max(1, rows / columns)); "match_rms_adamw" for
            0.2 sqrt(max(rows, columns)), which allows the rates of AdamW.

    Raises:
        OptionError: a parameter is no matrix, or an option has an invalid value.

    Source:
        K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn
        >>> x = ag.Tensor(np.eye(2), requires_grad=True)
        >>> optimizer = nn.optim.Muon([x], lr=0.1, weight_decay=0.0)
        >>> (x * x).sum().backward()
        >>> optimizer.step()
        >>> bool((np.diag(x.numpy()) < 1).all())
        True
    """

    params: Params
    lr: float = 1e-3
    weight_decay: float = 0.1
    momentum: float = 0.95
    nesterov: bool = True
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315)
    eps: float = 1e-7
    ns_steps: int = 5
    adjust_lr_fn: str | None = None
    decoupled_weight_decay: bool = field(default=True, init=False)

    def check(self, group: Group) -> None:
        """Refuse options with invalid values, and parameters that are no matrices."""
        super().check(group)
        scale = group["adjust_lr_fn"]
        if scale not in (None, "original", "match_rms_adamw"):
            raise OptionError(f'Muon(adjust_lr_fn={scale!r}): expected None, "original" or "match_rms_adamw"')
        if shapes := [p.shape for p in group["params"] if p.ndim != 2]:
            raise OptionError(
                f"Muon is for matrices, and a parameter has the shape {shapes[0]}; give biases, norms and "
                "embeddings to nn.optim.AdamW"
            )

    def begin(self, x: Array, options: Options) -> State:
        """A mean of 0."""
        return zeros(x, "momentum_buffer")

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of Muon."""
        beta, m = options["momentum"], state["momentum_buffer"]
        mean(m, g, beta)
        direction = g + beta * (m - g) if options["nesterov"] else m
        rows, columns = x.shape
        scale = math.sqrt(max(1, rows / columns))
        if options["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        step = orthogonal(direction, options["ns_coefficients"], options["ns_steps"], options["eps"])
        new: Array = x - options["lr"] * scale * step
        return new


def orthogonal(m: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """A matrix with the singular vectors of m, and singular values near 1.

    Example:
        >>> y = orthogonal(np.array([[3.0, 0.0], [0.0, 0.1]]), (3.4445, -4.775, 2.0315), 5, 1e-7)
        >>> bool(((0.6 < np.diag(y)) & (np.diag(y) < 1.3)).all())
        True
    """
    a, b, c = coefficients
    wide = m if m.shape[0] <= m.shape[1] else m.T
    y = wide / max(float(np.linalg.norm(wide)), eps)
    for _ in range(steps):
        square = y @ y.T
        y = a * y + (b * square + c * square @ square) @ y
    return np.asarray(y if m.shape[0] <= m.shape[1] else y.T, m.dtype)
