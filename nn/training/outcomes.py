"""What a model makes of a batch: output, loss, gradients, metrics."""

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
"""From outputs and targets to a single number."""


def outcome(model: Module, loss: Loss, x: Array, t: Array) -> tuple[Tensor, Any, float | None]:
    """What the model makes of a batch, the loss of it, and what that was divided by; None for a sum."""
    output = output_of(model, x)
    with reductions() as found:
        result = loss(output, Tensor(t))
    return output, result, divided_by(result, found, len(t))


def output_of(model: Module, x: Array) -> Tensor:
    """The output of a model, which is refused unless it is one Tensor."""
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
    """The value of a loss, which is refused unless it is a single number."""
    if np.ndim(loss.numpy() if isinstance(loss, Tensor) else loss):
        raise ShapeError(
            f"the loss has shape {loss.shape}; expected a single number: use reduction='mean' or loss.mean()"
        )
    return float(loss.item())


def add_gradients(loss: Tensor, sizes: list[float | None]) -> None:
    """Those of the last batch, in units of the first one that counts; of none where no target counts."""
    size, unit = sizes[-1], next(filter(None, sizes), None)
    if size is None or size == unit:
        loss.backward()
    elif size and unit:
        loss.backward(np.asarray(size / unit, loss.dtype))


def average_gradients(parameters: Iterable[Tensor], sizes: list[float | None]) -> None:
    """Divide by all that was added up, as the loss of the one big batch does; not where it is a sum."""
    counted = list(filter(None, sizes))
    if len(counted) > 1:
        factor = counted[0] / sum(counted)
        with ag.no_grad():
            for p in parameters:
                if p.grad is not None:
                    p.grad = p.grad * factor


def measured(metrics: Mapping[str, Metric], seen: Seen) -> dict[str, float]:
    """Loss and metrics of all that was seen."""
    loss = seen.loss()
    return {"loss": loss, **(metrics_of(metrics, *joined(seen.outputs, seen.targets)) if metrics else {})}


def metrics_of(metrics: Mapping[str, Metric], outputs: Array, targets: Array) -> dict[str, float]:
    """Each metric of outputs and targets, which is refused unless it is a single number."""
    numbers = {name: metric(outputs, targets) for name, metric in metrics.items()}
    for name, value in numbers.items():
        if np.ndim(value):
            raise ShapeError(
                f"the metric {name} has shape {np.shape(value)}, expected a single number; measure it "
                "after the training: metric(trainer.predict(X), y)"
            )
    return {name: float(value) for name, value in numbers.items()}
