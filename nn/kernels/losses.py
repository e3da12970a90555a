"""The negative log of the target's softmax entry, as one kernel.

The target's entry is summed apart from the others, so that 1 - p is a sum and not a difference. A confident
and correct network so gets a small loss and small gradients with all their digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.sums import narrowed, total, widened

from .native import rows as native
from .native import twin
from .windows import Array

__all__ = ["target_losses", "target_losses_backward"]


@twin(native.target_losses)
def target_losses(x: Array, targets: Array) -> tuple[Array, Any]:
    """log(sum exp(x)) - x[target] for each row of x, and the residuals for the backward pass."""
    scores = x if x.dtype.kind == "f" else x.astype(float)
    x = widened(scores)
    rows = np.arange(len(x))
    top = x.max(axis=1, keepdims=True, initial=-np.inf)
    shifted = x - np.where(top == -np.inf, 0, top)  # an entry of inf gives inf - inf: the loss is NaN
    e = np.exp(shifted)
    own = e[rows, targets]
    e[rows, targets] = 0
    others = total(e, 1)
    whole = others + own
    sure = own > others
    small = np.log1p(np.divide(others, own, out=np.zeros_like(own), where=sure))
    losses = np.where(sure, small, np.log(whole) - shifted[rows, targets])
    return narrowed(losses, scores), (e, others, whole, rows, targets)


@twin(native.target_losses_backward)
def target_losses_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, None]:
    """g (p - 1) for the target, g p for the other classes."""
    if not needs[0]:
        return None, None
    e, others, whole, rows, targets = residuals
    part = g / whole
    gx = e * part[:, None]
    gx[rows, targets] = -others * part
    return gx, None
