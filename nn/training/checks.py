"""Checks of a Trainer's arguments; the messages say what to write instead."""

from __future__ import annotations

from copy import copy
from typing import Any

from autograd_lite.errors import DTypeError, OptionError

from ..module import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from .alone import Alone
from .callback import Callback

__all__ = ["check_callbacks", "check_parts", "check_schedule", "ranks_of"]

PARAMETERS = "model.parameters()"
"""The argument of an optimizer, for messages."""


def check_parts(model: Any, loss: Any, optimizer: Any) -> None:
    """Refuse a model, loss or optimizer of a wrong type."""
    for part, value, of in (("model", model, ""), ("loss", loss, ""), ("optimizer", optimizer, PARAMETERS)):
        if isinstance(value, type):
            name = value.__name__
            raise DTypeError(f"Trainer: the {part} is the class {name}; write {name}({of})")
    if not isinstance(model, Module):
        raise DTypeError(
            f"Trainer: the model is {_shown(model)}; expected an nn.Module, e.g. nn.Sequential(...)"
        )
    if not callable(loss):
        raise DTypeError(
            f"Trainer: the loss is {_shown(loss)}; expected a function, e.g. nn.CrossEntropyLoss()"
        )
    if not isinstance(optimizer, Optimizer):
        raise DTypeError(
            f"Trainer: the optimizer is {_shown(optimizer)}; write nn.optim.Adam({PARAMETERS}, lr=...)"
        )
    if optimizer.needs_tape:
        raise OptionError(
            f"Trainer: {type(optimizer).__name__} differentiates the recorded loss itself, which the Trainer "
            "does not hand out; write the loop: for x, y in loader: optimizer.step(lambda: loss(model(x), y))"
        )
    own = {id(p) for p in model.parameters()}
    given = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if own and not own & given:
        raise OptionError(
            "Trainer: the optimizer has none of this model's parameters, so nothing would be trained; "
            f"write nn.optim.{type(optimizer).__name__}({PARAMETERS}, ...)"
        )


def check_schedule(scheduler: Any, optimizer: Optimizer, interval: Any) -> None:
    """Refuse objects that are not schedules, and schedules of another optimizer."""
    if scheduler is not None and not isinstance(scheduler, LRScheduler):
        raise DTypeError(
            f"Trainer: the scheduler is {_shown(scheduler)}; write "
            "nn.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9), or another schedule"
        )
    if scheduler is not None and scheduler.optimizer is not optimizer:
        raise OptionError("Trainer: the scheduler belongs to another optimizer; make it with the same one")
    if interval not in (None, "epoch", "step"):
        raise OptionError(f'Trainer(scheduler_interval={interval!r}): expected "epoch" or "step"')
    if interval == "step" and isinstance(scheduler, ReduceLROnPlateau):
        raise OptionError('Trainer: a ReduceLROnPlateau watches epochs; write scheduler_interval="epoch"')


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) or value is None else f"of type {type(value).__name__}"


def check_callbacks(callbacks: list[Any]) -> None:
    """Refuse objects that are not callbacks."""
    for callback in callbacks:
        if isinstance(callback, type):
            raise DTypeError(
                f"Trainer: {callback.__name__} in callbacks is a class; write {callback.__name__}()"
            )
        if not isinstance(callback, Callback):
            raise DTypeError(
                f"Trainer: {callback!r} in callbacks is no nn.Callback; inherit from it, and override e.g. "
                "on_epoch_end(self, epoch, logs)"
            )


def ranks_of(distributed: Any) -> Alone:
    """The processes of a run: one, or several with `distributed=True` or options."""
    if distributed is False or distributed is None:
        return Alone()
    from ..distributed import Ranks  # needs MPI

    if distributed is not True and not isinstance(distributed, Ranks):
        raise DTypeError(
            f"Trainer(distributed=...): expected True or nn.distributed.Ranks(...), got {_shown(distributed)}"
        )
    return Ranks() if distributed is True else copy(distributed)  # options may serve several Trainers
