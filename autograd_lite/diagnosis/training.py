"""A few training steps, and what they changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..anomaly import detect_anomaly
from ..errors import AnomalyError
from ..recording import enable_grad
from ..tape import listening
from ..tensor import Tensor
from .passes import Subject, line_of, rms
from .thresholds import UNIT

__all__ = ["Training", "first_anomaly", "rates_times", "train"]


@dataclass
class Training:
    """What some steps did.

    Attributes:
        losses: the loss of each step.
        moved: for each parameter its change, relative to its size; 0 if no entry changed.
        kept_gradients: in how many steps the first gradient of a parameter met an old one.
        steps: how many steps ran to their end.
        broken: the first step after which a loss or a parameter was not finite; None if all were.
        error: what the step raised, and its line.
    """

    losses: list[float] = field(default_factory=list)
    moved: dict[str, float] = field(default_factory=dict)
    kept_gradients: int = 0
    steps: int = 0
    broken: int | None = None
    error: tuple[Exception, str] | None = None


def train(subject: Subject, steps: int) -> Training:
    """Run steps of the program, or of the optimizer, or plain ones; the caller restores what they change."""
    done, step = Training(), _step_of(subject)
    before = {name: np.array(p._data) for name, p in subject.parameters.items()}
    with enable_grad(), listening(_ignored):  # with a listener a compiled step runs its own code
        for i in range(steps):
            handles, met = _watched(subject)
            try:
                value = step(*subject.batch(i))
            except Exception as error:
                done.error = error, line_of(error.__traceback__)
                break
            finally:
                for handle in handles:
                    handle.remove()
            done.kept_gradients += bool(met)
            done.steps += 1
            if (number := _number(value)) is not None:
                done.losses.append(number)
            if not (number is None or np.isfinite(number)) or not _finite(subject):
                done.broken = i
                break
    done.moved = {name: _change(p._data, before[name]) for name, p in subject.parameters.items()}
    return done


def _ignored(node: Any) -> None:
    """Hears of each step, and does nothing."""


def _watched(subject: Subject) -> tuple[list[Any], list[str]]:
    """Hooks that note whose first gradient in a step meets a gradient from before the step."""
    met: list[str] = []
    handles = []
    for name, p in subject.parameters.items():
        if p.node is None:
            continue

        handles.append(p.register_hook(_meets(p, name, met)))
    return handles, met


def _meets(p: Tensor, name: str, met: list[str]) -> Callable[[Any], None]:
    """A hook that adds a name if the first gradient that arrives finds another one."""
    arrived = False

    def note(g: Any) -> None:
        nonlocal arrived
        if not arrived and p.grad is not None and np.any(p.grad._data):
            met.append(name)
        arrived = True

    return note


def _number(value: Any) -> float | None:
    """A loss that a step returned; None if the step returned something else."""
    value = value.numpy() if isinstance(value, Tensor) else value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _finite(subject: Subject) -> bool:
    return all(np.all(np.isfinite(p._data)) for p in subject.parameters.values())


def _change(now: Any, before: Any) -> float:
    return rms(now - before) / (rms(before) or 1.0) if np.any(now != before) else 0.0


# -- what a step is --------------------------------------------------------------------------------


def _step_of(subject: Subject) -> Callable[..., Any]:
    if subject.step is not None:
        return lambda inputs, y: subject.step(*inputs, *(() if y is None else (y,)))
    return _by_optimizer(subject) if subject.optimizer is not None else _plain(subject)


def _by_optimizer(subject: Subject) -> Callable[..., Any]:
    def step(inputs: Any, y: Any) -> Any:
        def closure() -> Any:
            subject.optimizer.zero_grad()
            value = subject.loss_of(subject.model(*inputs), y)
            value.backward()
            return value

        return subject.optimizer.step(closure)

    return step


def _plain(subject: Subject) -> Callable[..., Any]:
    """Steps without an optimizer: each parameter moves by a fraction of its size along its gradient."""

    def step(inputs: Any, y: Any) -> Any:
        parameters = [p for p in subject.parameters.values() if p.node is not None]
        for p in parameters:
            p.grad = None
        value = subject.loss_of(subject.model(*inputs), y)
        value.backward()
        for p in parameters:
            if p.grad is not None and (size := rms(p.grad)):
                step = UNIT * max(rms(p), UNIT) / size
                p.data = (p._data - step * p.grad._data).astype(p.dtype)
        return value

    return step


def rates_times(subject: Subject, factor: float) -> None:
    """Multiply the rates of the optimizers."""
    for optimizer in subject.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * factor


def first_anomaly(subject: Subject, steps: int) -> str | None:
    """The first op that made NaN or inf, and its line: the steps run again, and each result is checked."""
    with detect_anomaly():
        done = train(subject, steps)
    found = done.error[0] if done.error is not None else None
    return str(found) if isinstance(found, AnomalyError) else None
