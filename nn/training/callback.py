"""Callback: an object that a Trainer calls during training."""

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
from .place import Place

__all__ = ["Callback", "Training"]

Array = npt.NDArray[Any]


class Training(Protocol):
    """A Trainer as its callbacks see it."""

    model: Module
    loss: Loss
    optimizer: Optimizer
    metrics: dict[str, Metric]
    callbacks: list[Callback]
    scheduler: LRScheduler | None
    history: History
    stop_training: bool
    loader: DataLoader | None
    """The training batches of the current run."""
    place: Place | None
    """Where in its epoch the run is; None between epochs."""

    @property
    def distributed(self) -> bool:
        """Whether several processes train together."""

    @property
    def epoch(self) -> int:
        """The number of finished epochs of the current run."""

    def evaluate(
        self, X: npt.ArrayLike | Dataset | DataLoader, y: npt.ArrayLike | None = None, batch_size: int = 256
    ) -> dict[str, float]:
        """Loss and metrics on data, in evaluation mode."""

    def predict(self, X: npt.ArrayLike | Dataset | DataLoader, batch_size: int = 256) -> Array:
        """The outputs for inputs, in evaluation mode."""

    def measure_batch(self) -> dict[str, float]:
        """The metrics of the last training batch."""

    def state_dict(self) -> dict[str, Any]:
        """The state of the run, as `save` writes it."""

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> History:
        """Resume a run from a state; the next `fit` goes on."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to a file."""


class Callback:
    """Base class of callbacks: override the methods you need.

    Attributes:
        trainer: the Trainer; `self.trainer.stop_training = True` ends after this epoch.
        first_rank_only: True for a callback that shows or writes something. With several ranks, only rank 0
            calls it; it must not exchange anything with the other ranks.
    """

    trainer: Training
    first_rank_only = False

    def on_train_begin(self, epochs: int, steps: int) -> None:
        """Before the first epoch, or before a resumed run goes on.

        Args:
            epochs: the number of epochs.
            steps: the number of steps in each epoch; 0 if it is unknown.
        """

    def on_epoch_begin(self, epoch: int) -> None:
        """Before the batches of an epoch, or before those that a resumed run has left."""

    def on_batch_end(self, step: int, loss: float) -> None:
        """After each step of the optimizer; steps count from 0 in each epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After the validation; epochs count from 0."""

    def on_checkpoint(self, epoch: int, logs: Logs) -> None:
        """After `on_epoch_end` of all callbacks: the time to save the run."""

    def on_train_end(self) -> None:
        """After the last epoch, and when training ends with an error."""

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs: a dict of values that `nn.save` takes."""
        return {}

    def check_state(self, state_dict: Mapping[str, Any], model: Module) -> None:
        """Refuse a state that `load_state_dict` could not load; called before anything is resumed.

        Raises:
            DataError: the state does not fit.
        """

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a state; called after `on_train_begin`."""
