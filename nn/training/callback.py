"""Callback: what is told of a training run while the run goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

import numpy.typing as npt

from ..data import DataLoader, Dataset
from ..module import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .history import History, Logs
from .measures import Metric
from .outcomes import Loss

__all__ = ["Callback", "Training"]

Array = npt.NDArray[Any]


class Training(Protocol):
    """What a callback sees of the Trainer that calls it."""

    model: Module
    loss: Loss
    optimizer: Optimizer
    metrics: dict[str, Metric]
    callbacks: list[Callback]
    scheduler: LRScheduler | None
    history: History
    stop_training: bool

    @property
    def epoch(self) -> int:
        """How many epochs of the present run are done."""

    def evaluate(
        self, X: npt.ArrayLike | Dataset | DataLoader, y: npt.ArrayLike | None = None, batch_size: int = 256
    ) -> dict[str, float]:
        """Loss and metrics on data, in evaluation mode."""

    def predict(self, X: npt.ArrayLike | Dataset | DataLoader, batch_size: int = 256) -> Array:
        """The outputs for inputs, in evaluation mode."""

    def measure_batch(self) -> dict[str, float]:
        """The metrics of the batch that the model was trained on last."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to a file."""


class Callback:
    """Base class of what is called while a model is trained; override what you need.

    Attributes:
        trainer: the Trainer; `self.trainer.stop_training = True` ends after this epoch.
    """

    trainer: Training

    def on_train_begin(self, epochs: int, steps: int) -> None:
        """Before the first of `epochs` epochs of `steps` steps each, 0 if that is not known.

        Of a resumed run, before it goes on.
        """

    def on_batch_end(self, step: int, loss: float) -> None:
        """After the parameters were changed; steps count from 0 in each epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After the validation; epochs count from 0."""

    def on_checkpoint(self, epoch: int, logs: Logs) -> None:
        """After all callbacks were told of the end of the epoch: the time to save the run."""

    def on_train_end(self) -> None:
        """After the last epoch, and when training ends with an error."""

    def state_dict(self) -> dict[str, Any]:
        """What a run that is resumed from a checkpoint has to know; anything that `nn.save` takes."""
        return {}

    def check_state(self, state_dict: Mapping[str, Any], model: Module) -> None:
        """Refuse a state that `load_state_dict` could not go on from; called before anything is resumed.

        Raises:
            DataError: it does not fit.
        """

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state; called after `on_train_begin`."""
