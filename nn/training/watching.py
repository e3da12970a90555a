"""Callbacks that watch a number: early stopping and checkpoints."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from numbers import Real
from typing import Any

import numpy as np

from autograd_lite.errors import DataError, OptionError
from autograd_lite.files import checked_path

from ..module import Module
from ..options import check_number, check_whole
from ..serialization import save
from .callback import Callback
from .history import Logs

__all__ = ["EarlyStopping", "ModelCheckpoint"]


SMALLER = {"loss", "perplexity"}
LARGER = {"accuracy", "top_k_accuracy", "precision", "recall", "f1"}
"""Metrics of `nn.metrics` for which larger is better."""


class Best:
    """The best value of a number so far.

    Args:
        who: the name of the callback, for messages.
        monitor: the name of the number.
        mode: "min", "max", or "auto", which knows losses and the metrics in `nn.metrics`.
        min_delta: the smallest improvement that counts.
    """

    def __init__(self, who: str, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        self.call, self.monitor = f"{who}(monitor={monitor!r})", monitor
        name = monitor.removeprefix("val_").partition("(")[0]  # without the options of a metric
        if mode == "auto":
            mode = "min" if name in SMALLER else "max" if name in LARGER else "unknown"
        if mode not in ("min", "max"):
            raise OptionError(f'{self.call}: is smaller or larger better? write mode="min" or "max"')
        check_number(who, "min_delta", min_delta, example=0.001)
        self.sign = 1.0 if mode == "max" else -1.0
        self.min_delta = min_delta
        self.begin()

    def begin(self) -> None:
        """Forget the best value."""
        self.value = -self.sign * math.inf

    def takes(self, logs: Logs) -> bool:
        """Whether the number of this epoch is the best so far; NaN never is."""
        if self.monitor not in logs:
            more = ", or give fit(validation_data=...)" if self.monitor.startswith("val_") else ""
            raise OptionError(f"{self.call}: there is no such number; monitor one of {', '.join(logs)}{more}")
        better = self.sign * (logs[self.monitor] - self.value) > self.min_delta
        if better:
            self.value = float(logs[self.monitor])
        return better


def check_best(who: str, state_dict: Mapping[str, Any], others: Sequence[str]) -> None:
    """Refuse a state without a best number or one of the `others`."""
    if lacking := [name for name in ("best", *others) if name not in state_dict]:
        raise DataError(f"{who}: the state has no {lacking[0]}: it belongs to a callback with other options")
    best = state_dict["best"]
    if not isinstance(best, Real) or math.isnan(best):
        raise DataError(f"{who}: the best number in the state is {best!r}")


class EarlyStopping(Callback):
    """Ends the training when a number has stopped improving.

    Args:
        monitor: the name of the number: "val_loss", "loss", or "val_" and a metric.
        min_delta: the smallest improvement that counts.
        patience: the number of epochs without an improvement to wait for.
        mode: "min" if smaller is better, "max" if larger is better; "auto" knows losses and the metrics
            of nn.
        restore_best_weights: load the weights of the best epoch at the end.

    Attributes:
        best: the best number.
        best_epoch: the epoch of the best number, from 0; None before.
        stopped_epoch: the epoch that ended the training, from 0; None if there was no early stop.

    Raises:
        OptionError: an option has an invalid value, or the number is not measured.

    Source:
        L. Prechelt, "Early stopping - but when?", 1998. Names as in Keras.

    Example:
        >>> import numpy as np, nn
        >>> nn.manual_seed(0)
        >>> model = nn.Linear(1, 1)
        >>> trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1),
        ...                      callbacks=nn.EarlyStopping(monitor="loss", patience=3, min_delta=1e-6))
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> history = trainer.fit(X, 2 * X, epochs=1000, verbose=False)
        >>> len(history["loss"]) < 200
        True
    """

    KEPT = ("wait", "best_epoch", "stopped_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = True,
    ) -> None:
        check_whole("EarlyStopping", "patience", patience, least=0, example=5)
        self.watched = Best("EarlyStopping", monitor, mode, min_delta)
        self.patience, self.restore_best_weights = patience, restore_best_weights
        self.on_train_begin(0, 0)

    @property
    def best(self) -> float:
        """The best number so far."""
        return self.watched.value

    def on_train_begin(self, epochs: int, steps: int) -> None:
        self.watched.begin()
        self.epochs, self.wait = epochs, 0
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self.best_weights: Mapping[str, Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.watched.takes(logs):
            self.wait, self.best_epoch = 0, epoch
            if self.restore_best_weights:
                self.best_weights = deepcopy(self.trainer.model.state_dict())
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.trainer.stop_training = True

    def on_train_end(self) -> None:
        # Not after an error: its message refers to the current weights.
        ended = self.trainer.stop_training or self.trainer.epoch >= self.epochs
        if ended and self.best_weights is not None:
            self.trainer.model.load_state_dict(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        """The best number and weights, and the number of epochs without an improvement."""
        return {"best": self.best, **{name: getattr(self, name) for name in self.KEPT}}

    def check_state(self, state_dict: Mapping[str, Any], model: Module) -> None:
        """Refuse a state with missing numbers, or with weights of another model."""
        check_best("EarlyStopping", state_dict, self.KEPT)
        for name in self.KEPT[:-1]:
            value = state_dict[name]
            if value is not None or name == "wait":
                check_whole("EarlyStopping", name, value, least=0)
        weights = state_dict["best_weights"]
        if weights is None:
            return
        shapes = [
            {name: np.shape(value) for name, value in dict(state).items()}
            for state in (weights, model.state_dict())
        ]
        if shapes[0] != shapes[1]:
            raise DataError("EarlyStopping: the best weights in the state belong to another model")

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the best number and weights, and go on waiting."""
        self.watched.value = state_dict["best"]
        vars(self).update({name: state_dict[name] for name in self.KEPT})


class ModelCheckpoint(Callback):
    """Writes the run to a file after each epoch; `Trainer.resume` resumes the run.

    Args:
        filepath: the path of the file. In braces, it may contain the epoch (from 1) and numbers of that
            epoch: "run-{epoch:02d}-{val_loss:.3f}.safetensors".
        monitor: the name of the number to watch, as in `EarlyStopping`.
        save_best_only: write only if the number is the best so far.
        save_weights_only: write only the weights, for `nn.load`, and not the whole run.
        mode: "min" if smaller is better, "max" if larger is better; "auto" knows losses and the metrics
            of nn.

    Raises:
        OptionError: an option has an invalid value, or the number is not measured.
        FileError: the file cannot be written.

    Example:
        >>> import os, tempfile, numpy as np, nn
        >>> model = nn.Linear(1, 1)
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "best-{epoch}.safetensors")
        ...     keep = nn.ModelCheckpoint(path, monitor="loss", save_best_only=True)
        ...     trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1),
        ...                          callbacks=[keep])
        ...     history = trainer.fit(X, 2 * X, epochs=3, verbose=False)
        ...     sorted(os.listdir(folder))
        ['best-1.safetensors', 'best-2.safetensors', 'best-3.safetensors']
    """

    first_rank_only = True

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
    ) -> None:
        self.filepath = str(checked_path("ModelCheckpoint", filepath))
        self.watched = Best("ModelCheckpoint", monitor, mode) if save_best_only else None
        self.save_weights_only = save_weights_only

    def on_train_begin(self, epochs: int, steps: int) -> None:
        if self.watched:
            self.watched.begin()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.due = self.watched is None or self.watched.takes(logs)

    def on_checkpoint(self, epoch: int, logs: Logs) -> None:
        if not self.due:
            return
        try:
            path = self.filepath.format(epoch=epoch + 1, **logs)
        except (LookupError, ValueError) as error:
            raise OptionError(
                f"ModelCheckpoint(filepath={self.filepath!r}): expected in braces one of epoch, "
                f"{', '.join(logs)}, e.g. {{epoch:02d}}"
            ) from error
        if self.save_weights_only:
            save(self.trainer.model.state_dict(), path)
        else:
            self.trainer.save(path)

    def state_dict(self) -> dict[str, Any]:
        """The best number."""
        return {"best": self.watched.value} if self.watched else {}

    def check_state(self, state_dict: Mapping[str, Any], model: Module) -> None:
        """Refuse a state without the best number, if the number is watched."""
        if self.watched:
            check_best("ModelCheckpoint", state_dict, ())

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the best number."""
        if self.watched:
            self.watched.value = state_dict["best"]
