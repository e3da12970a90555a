"""Adafactor: a second moment that takes little memory."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, field
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import OptionError

from .optimizer import Array, Group, Optimizer, Options, Params
from .states import State

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """x <- x - a u / max(1, rms(u) / d), where u = g / sqrt(v).

    In step t, a = max(eps[1], rms(x)) min(lr, 1 / sqrt(t)). The running mean v of g^2 of a matrix is the
    product of its means over rows and over columns, so the state has a row and a column in place of a matrix.

    Args:
        params: the parameters, or groups of them.
        lr: the largest relative step.
        beta2_decay: in step t the newest g^2 has the weight t^beta2_decay in v.
        eps: the least v is eps[0]^2, by default the smallest difference of the dtype; and the least rms(x).
        d: the largest rms(u).
        weight_decay: multiply x by 1 - lr weight_decay.
        foreach: as in PyTorch; without effect.
        maximize: maximize the loss instead of minimizing it.

    Source:
        N. Shazeer, M. Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = nn.optim.Adafactor([x], lr=0.1)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> round(x.item(), 6)
        0.9
    """

    params: Params
    lr: float = 1e-2
    beta2_decay: float = -0.8
    eps: tuple[float | None, float] = (None, 1e-3)
    d: float = 1.0
    weight_decay: float = 0.0
    _: KW_ONLY
    foreach: bool | None = None
    maximize: bool = False
    decoupled_weight_decay: bool = field(default=True, init=False)

    def check(self, group: Group) -> None:
        """Refuse options with invalid values."""
        super().check({key: value for key, value in group.items() if key != "eps"})
        if group["beta2_decay"] > 0 or group["d"] < 1:
            raise OptionError("Adafactor: expected beta2_decay <= 0 and d >= 1, e.g. beta2_decay=-0.8, d=1.0")

    def fitted(self, value: Array, p: Tensor) -> Array | None:
        """A loaded mean of the shape of its parameter, or of its rows or columns, else None."""
        shapes = (p.shape, (*p.shape[:-1], 1), (*p.shape[:-2], 1, *p.shape[-1:]))
        return value.astype(p.dtype, copy=False) if value.shape in shapes else None

    def begin(self, x: Array, options: Options) -> State:
        """No steps yet; means of 0."""
        if x.ndim < 2:
            return {"step": 0, "variance": np.zeros_like(x)}
        rows, columns = (np.zeros_like(x.sum(axis, keepdims=True)) for axis in (-1, -2))
        return {"step": 0, "row_var": rows, "col_var": columns}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """One step of Adafactor."""
        state["step"] = t = state["step"] + 1
        weight = t ** options["beta2_decay"]
        least, smallest = options["eps"]
        least = float(np.finfo(x.dtype).eps) if least is None else least
        before = 1 - options["lr"] * options["weight_decay"]  # the rms of x is that before the decay
        rate = min(options["lr"], 1 / math.sqrt(t)) * max(smallest, _rms(x) / (before or 1.0))
        if x.ndim < 2:
            v = _moved(state, "variance", g * g, weight)
        else:
            rows = _moved(state, "row_var", (g * g).mean(-1, keepdims=True), weight)
            columns = _moved(state, "col_var", (g * g).mean(-2, keepdims=True), weight)
            v = rows * columns / np.maximum(rows.mean(-2, keepdims=True), least)
        u = g / np.sqrt(np.maximum(v, least * least))
        new: Array = x - rate / max(1.0, _rms(u) / options["d"]) * u
        return new


def _rms(x: Array) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(x * x))) if x.size else 0.0


def _moved(state: State, name: str, value: Array, weight: float) -> Any:
    """A running mean after it moved towards a value."""
    state[name] = state[name] + weight * (value - state[name])
    return state[name]
