"""Runs that are saved and resumed: the part of a Trainer for that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from autograd_lite.errors import DataError
from autograd_lite.words.names import Hinted

from ..checkpoint import checkpoint_of, is_checkpoint, load_checkpoint, restored
from ..module import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from ..random import generator
from ..serialization import save
from .alone import Alone
from .callback import Callback, Training
from .history import History
from .measures import Metric
from .place import Place
from .run import Run

__all__ = ["Resumable"]


class Resumable(Hinted):
    """A run whose state goes to a file or into memory, and comes back from there."""

    model: Module
    optimizer: Optimizer
    scheduler: LRScheduler | None
    metrics: dict[str, Metric]
    callbacks: list[Callback]
    stop_training: bool
    _ranks: Alone

    def _begin(self) -> None:
        self.history = History()
        self.place: Place | None = None
        self._run: Run | None = None
        self._generators: list[np.random.Generator] = []

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to a file for `resume`. The callback `ModelCheckpoint` does so after each epoch.

        Args:
            path: the path of the file, usually `name.safetensors`.

        Raises:
            FileError: the file cannot be written.
        """
        if self._ranks.first:
            save(self.state_dict(), path)

    def state_dict(self) -> dict[str, Any]:
        """The state of the run, as `save` writes it: nested dicts of arrays, numbers and strings.

        As in a module, the arrays may be those that training goes on to change: copy what you keep. Asked for
        by a callback after a step, the state is that between two steps of an epoch.
        """
        states = [(type(callback).__name__, callback.state_dict()) for callback in self.callbacks]
        orders = [order.bit_generator.state for order in self._generators]
        run = Run(self.history, self.stop_training, states, orders, self._schedule_class, self.place)
        return checkpoint_of(self.model, self.optimizer, self.scheduler, run=run)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> History:
        """Resume a run from a state of `state_dict`, as `resume` does from a file.

        Returns:
            The history so far.

        Raises:
            DataError: the state belongs to a run of other objects; nothing is changed.
        """
        if not isinstance(state_dict, Mapping) or not is_checkpoint(state_dict):
            raise DataError(
                "Trainer.load_state_dict: expected what trainer.state_dict() gives; for the weights of a "
                "model write model.load_state_dict(state)"
            )
        run = Run(schedule=self._schedule_class, trainer=cast(Training, self))
        restored(
            "load_state_dict", "the state", state_dict, self.model, self.optimizer, self.scheduler, run=run
        )
        return self._resumed(run)

    def resume(self, path: str | os.PathLike[str]) -> History:
        """Resume a run from a file, as if it had not been interrupted.

        The next `fit` runs the remaining epochs. With the same data and options, its results equal those of
        an uninterrupted run to the bit.

        Args:
            path: a file of `save` or of a `ModelCheckpoint`.

        Returns:
            The history so far.

        Raises:
            FileError: the file cannot be read.
            DataError: the file is damaged, or belongs to a run of other objects; nothing is changed.

        Example:
            >>> import os, tempfile, numpy as np, nn
            >>> X = np.linspace(-1, 1, 20)[:, None]
            >>> def trainer():
            ...     model = nn.Linear(1, 1)
            ...     return nn.Trainer(model, nn.MSELoss(), nn.optim.Adam(model.parameters()))
            >>> first, second = trainer(), trainer()
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = os.path.join(folder, "run.safetensors")
            ...     _ = first.fit(X, 2 * X, epochs=2, verbose=False)
            ...     first.save(path)
            ...     _ = second.resume(path)
            >>> len(second.fit(X, 2 * X, epochs=5, verbose=False)["loss"])     # two of these were before
            5
        """
        run = Run(schedule=self._schedule_class, trainer=cast(Training, self))
        load_checkpoint(path, self.model, self.optimizer, self.scheduler, run=run)
        return self._resumed(run)

    def _resumed(self, run: Run) -> History:
        """Let the next `fit` go on from a loaded state."""
        run.trainer = None
        run.random = generator.bit_generator.state
        self._run, self.history, self.stop_training = run, run.history, run.stopped
        return self.history

    @property
    def _schedule_class(self) -> str | None:
        return None if self.scheduler is None else type(self.scheduler).__name__
