"""The passes of a Trainer over a batch: op by op, or as plans of `ag.compile`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor

from ..module import Module
from .outcomes import Loss, add_gradients, outcome, output_of

__all__ = ["Passes"]

Array = npt.NDArray[Any]
Sizes = list[float | None]
Learned = tuple[Array, Any, float | None, Callable[[], None]]
"""The output, the loss, its divisor, and a function that adds the gradients."""


class Passes:
    """The passes of a batch.

    Args:
        compiled: replay a pass from the third batch of a shape on; the numbers are the same.
    """

    def __init__(self, compiled: bool) -> None:
        kept: Any = [ag.compile(f) for f in (outcome, output_of, learned)] if compiled else []
        self._compiled = kept
        self.outcome: Callable[..., tuple[Tensor, Any, float | None]] = kept[0] if compiled else outcome
        self.output_of: Callable[..., Tensor] = kept[1] if compiled else output_of
        self._learned: Callable[..., tuple[Array, Any, float | None]] | None = kept[2] if compiled else None

    @property
    def signatures(self) -> list[str]:
        """What is compiled, one line for each pass and shape."""
        return [f"{f.__name__} {line}" for f in self._compiled for line in f.signatures]

    def learn(
        self, model: Module, loss: Loss, x: Array, t: Array, sizes: Sizes, params: Sequence[Tensor]
    ) -> Learned:
        """The forward pass of a batch, and the backward pass as a function to call.

        A plan runs both passes at once. So its gradients are taken away, and come back with that call.

        Args:
            sizes: the divisors of the earlier batches of the step.
            params: the Tensors whose gradients the step needs.
        """
        if self._learned is None:
            output, result, size = outcome(model, loss, x, t)
            return output.numpy(), result, size, lambda: add_gradients(result, [*sizes, size])
        before = [p.grad for p in params]
        values, result, size = self._learned(model, loss, x, t, next(filter(None, sizes), None))
        size = float(size) if isinstance(size, np.floating) else size  # which would promote float32
        after = [p.grad for p in params]
        _set(params, before)
        return values, result, size, lambda: _set(params, before if size == 0 else after)


def learned(
    model: Module, loss: Loss, x: Array, t: Array, unit: float | None
) -> tuple[Array, Any, float | None]:
    """The output, the loss and its divisor; the gradients are added, weighted as `add_gradients` does.

    Args:
        unit: the first nonzero divisor of the step; None for the first batch.
    """
    output, result, size = outcome(model, loss, x, t)
    if unit is None or size is None:
        result.backward()
    else:
        result.backward(np.multiply(size / unit, np.ones(())).astype(result.dtype))
    return output.numpy(), result, size


def _set(params: Sequence[Tensor], gradients: Sequence[Any]) -> None:
    for p, g in zip(params, gradients, strict=True):
        p.grad = g
