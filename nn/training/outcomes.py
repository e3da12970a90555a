"""Output, loss, gradients and metrics of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, ShapeError

from ..module import Module
from ..reductions import divided_by, reductions
from .measures import Metric
from .seen import Seen, joined

__all__ = [
    "Loss",
    "add_gradients",
    "average_gradients",
    "measured",
    "metrics_of",
    "number",
    "outcome",
    "output_of",
]

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]
"""A function of outputs and targets that gives a single number."""


def outcome(model: Module, loss: Loss, x: Array, t: Array) -> tuple[Tensor, Any, float | None]:
    """The output and the loss of a batch, and the divisor of the loss; None for a sum."""
    output = output_of(model, x)
    with reductions() as found:
        result = loss(output, Tensor(t))
    return output, result, divided_by(result, found, len(t))


def output_of(model: Module, x: Array) -> Tensor:
    """The output of a model; anything but one Tensor is refused."""
    output = model(Tensor(x))
    if isinstance(output, Tensor):
        return output
    name = type(model).__name__
    if output is None:
        raise DTypeError(f"{name} returned None: does its forward end with return ...?")
    raise DTypeError(
        f"{name} returned a {type(output).__name__}, a Trainer expects one Tensor; wrap it in a module "
        "whose forward returns the output alone"
    )


def number(loss: Any) -> float:
    """The value of a loss; anything but a single number is refused."""
    if np.ndim(loss.numpy() if isinstance(loss, Tensor) else loss):
        raise ShapeError(
            f"the loss has shape {loss.shape}; expected a single number: use reduction='mean' or loss.mean()"
        )
    return float(loss.item())


def add_gradients(loss: Tensor, sizes: list[float | None]) -> None:
    """Add the gradients of the last batch, weighted by its divisor relative to the first nonzero divisor.

    A batch in which no target counts adds nothing.
    """
    size, unit = sizes[-1], next(filter(None, sizes), None)
    if size is None or size == unit:
        loss.backward()
    elif size and unit:
        loss.backward(np.asarray(size / unit, loss.dtype))


def average_gradients(parameters: Iterable[Tensor], sizes: list[float | None]) -> None:
    """Divide the gradients by the total weight, as in one big batch; sums are not divided."""
    counted = list(filter(None, sizes))
    if len(counted) > 1:
        factor = counted[0] / sum(counted)
        with ag.no_grad():
            for p in parameters:
                if p.grad is not None:
                    p.grad = p.grad * factor


def measured(metrics: Mapping[str, Metric], seen: Seen) -> dict[str, float]:
    """Loss and metrics of all collected batches."""
    loss = seen.loss()
    return {"loss": loss, **(metrics_of(metrics, *joined(seen.outputs, seen.targets)) if metrics else {})}


def metrics_of(metrics: Mapping[str, Metric], outputs: Array, targets: Array) -> dict[str, float]:
    """The value of each metric; anything but a single number is refused."""
    numbers = {name: metric(outputs, targets) for name, metric in metrics.items()}
    for name, value in numbers.items():
        if np.ndim(value):
            raise ShapeError(
                f"the metric {name} has shape {np.shape(value)}, expected a single number; measure it "
                "after the training: metric(trainer.predict(X), y)"
            )
    return {name: float(value) for name, value in numbers.items()}
