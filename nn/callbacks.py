"""What is told of a training run while it goes on: stops it, keeps it, writes it down, shows it."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.errors import DataError, FileError, MissingPackageError, OptionError
from autograd_lite.files import checked_path, write

from .options import check_number, check_whole
from .serialization import save

if TYPE_CHECKING:
    from .module import Module
    from .training import Trainer

__all__ = ["CSVLogger", "Callback", "EarlyStopping", "ModelCheckpoint", "TensorBoard"]

Logs = Mapping[str, float]

LINES = 10
"""About how many epochs are reported where there is no terminal."""

SMALLER = {"loss", "perplexity"}
LARGER = {"accuracy", "top_k_accuracy", "precision", "recall", "f1"}
"""Numbers of which it is known what is better."""


class Callback:
    """Base class of what is called while a model is trained; override what you need.

    Attributes:
        trainer: the Trainer; `self.trainer.stop_training = True` ends after this epoch.
    """

    trainer: Trainer

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


# -- what watches a number -------------------------------------------------------------------------


class _Best:
    """The best of a number so far.

    Args:
        who: what watches it, for messages.
        monitor: the name of the number.
        mode: "min", "max", or "auto", which knows of losses and of the metrics in `nn.metrics`.
        min_delta: what it has to be better by.
    """

    def __init__(self, who: str, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        self.call, self.monitor = f"{who}(monitor={monitor!r})", monitor
        name = monitor.removeprefix("val_").partition("(")[0]  # without the options of a metric
        if mode == "auto":
            mode = "min" if name in SMALLER else "max" if name in LARGER else "unknown"
        if mode not in ("min", "max"):
            raise OptionError(f'{self.call}: is a smaller or a larger one better? write mode="min" or "max"')
        check_number(who, "min_delta", min_delta, example=0.001)
        self.sign = 1.0 if mode == "max" else -1.0
        self.min_delta = min_delta
        self.begin()

    def begin(self) -> None:
        """Forget what was before."""
        self.value = -self.sign * math.inf

    def takes(self, logs: Logs) -> bool:
        """Whether the number of this epoch is the best so far; a NaN is never."""
        if self.monitor not in logs:
            more = ", or give fit(validation_data=...)" if self.monitor.startswith("val_") else ""
            raise OptionError(f"{self.call}: there is no such number; monitor one of {', '.join(logs)}{more}")
        better = self.sign * (logs[self.monitor] - self.value) > self.min_delta
        if better:
            self.value = float(logs[self.monitor])
        return better


def _check_best(who: str, state_dict: Mapping[str, Any], others: Sequence[str]) -> None:
    """Refuse a state without the best number and the others."""
    if lacking := [name for name in ("best", *others) if name not in state_dict]:
        raise DataError(f"{who}: the state has no {lacking[0]}: it is that of a callback with other options")
    best = state_dict["best"]
    if not isinstance(best, Real) or math.isnan(best):
        raise DataError(f"{who}: the best number in the state is {best!r}")


class EarlyStopping(Callback):
    """Ends the training when a number has not become better for a while.

    Args:
        monitor: which number: "val_loss", "loss", or "val_" and a metric.
        min_delta: a number is better if it is so by more than this.
        patience: how many epochs without a better number are waited for.
        mode: "min" if smaller is better, "max" if larger; "auto" knows losses and the metrics of nn.
        restore_best_weights: whether the model has the weights of its best epoch in the end, rather than
            those of its last.

    Attributes:
        best: the best number.
        best_epoch: when it was found, from 0; None before.
        stopped_epoch: after which epoch the training was ended, from 0; None if it was not.

    Raises:
        OptionError: an option that makes no sense, or a number that is not measured.

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
        self.watched = _Best("EarlyStopping", monitor, mode, min_delta)
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
                self.best_weights = self.trainer.model.state_dict()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.trainer.stop_training = True

    def on_train_end(self) -> None:
        # Not after an error, whose message speaks of the weights as they are.
        ended = self.trainer.stop_training or self.trainer.epoch >= self.epochs
        if ended and self.best_weights is not None:
            self.trainer.model.load_state_dict(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        """The best number and weights, and for how long there was no better one."""
        return {"best": self.best, **{name: getattr(self, name) for name in self.KEPT}}

    def check_state(self, state_dict: Mapping[str, Any], model: Module) -> None:
        """Refuse a state without its numbers, or with weights of another model."""
        _check_best("EarlyStopping", state_dict, self.KEPT)
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
            raise DataError("EarlyStopping: the best weights in the state are those of another model")

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on waiting."""
        self.watched.value = state_dict["best"]
        vars(self).update({name: state_dict[name] for name in self.KEPT})


# -- what writes -----------------------------------------------------------------------------------


class ModelCheckpoint(Callback):
    """Writes the run to a file after each epoch; `Trainer.resume` goes on from there.

    Args:
        filepath: the file. It may contain the epoch, from 1, and numbers of that epoch, in braces:
            "run-{epoch:02d}-{val_loss:.3f}.safetensors".
        monitor: the number that tells which epoch is the best, as in `EarlyStopping`.
        save_best_only: write only if the number is the best so far.
        save_weights_only: write the weights alone, for `nn.load`, in place of the whole run.
        mode: "min" if smaller is better, "max" if larger; "auto" knows losses and the metrics of nn.

    Raises:
        OptionError: an option that makes no sense, or a number that is not measured.
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

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
    ) -> None:
        self.filepath = str(checked_path("ModelCheckpoint", filepath))
        self.watched = _Best("ModelCheckpoint", monitor, mode) if save_best_only else None
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
        """Refuse a state without the best number, where it is watched."""
        if self.watched:
            _check_best("ModelCheckpoint", state_dict, ())

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from the best number."""
        if self.watched:
            self.watched.value = state_dict["best"]


class CSVLogger(Callback):
    """Writes a table with a row for each epoch; a resumed run has the rows from its beginning on.

    Args:
        filename: the file, which is written anew.
        separator: what stands between the columns "epoch" (from 0), "loss", ...

    Raises:
        FileError: the file cannot be written.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",") -> None:
        self.filename, self.separator = checked_path("CSVLogger", filename), separator

    def on_train_begin(self, epochs: int, steps: int) -> None:
        self.rows: list[list[Any]] = []
        self._write()
        history = self.trainer.history
        for epoch in range(self.trainer.epoch):
            self.on_epoch_end(epoch, {name: values[epoch] for name, values in history.items()})

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        titles = [["epoch", *logs]] if epoch == 0 else []
        self.rows += [*titles, [epoch, *logs.values()]]
        self._write()

    def _write(self) -> None:
        table = io.StringIO(newline="")
        csv.writer(table, delimiter=self.separator, lineterminator="\n").writerows(self.rows)
        try:
            write(self.filename, table.getvalue().encode())
        except OSError as error:
            raise FileError(f"CSVLogger: cannot write {self.filename}: {error.strerror}") from error


class TensorBoard(Callback):
    """Writes curves for TensorBoard, which shows those of training and validation in one picture.

    `tensorboard --logdir logs` shows them. Needs tensorboardX: pip install tensorboardX.

    Args:
        log_dir: the folder; "train" and "validation" are made in it.

    Raises:
        MissingPackageError: tensorboardX is not installed.
    """

    def __init__(self, log_dir: str | os.PathLike[str] = "logs") -> None:
        try:
            import tensorboardX
        except ImportError as error:
            raise MissingPackageError(
                "TensorBoard needs tensorboardX, which is not installed: pip install tensorboardX"
            ) from error
        self.log_dir, self.open = log_dir, tensorboardX.SummaryWriter

    def on_train_begin(self, epochs: int, steps: int) -> None:
        self.writers: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        for name, value in logs.items():
            run = "validation" if name.startswith("val_") else "train"
            if run not in self.writers:
                # What an interrupted run has written of this epoch and later ones is left out.
                self.writers[run] = self.open(os.path.join(self.log_dir, run), purge_step=epoch)
            self.writers[run].add_scalar(name.removeprefix("val_"), value, epoch)
            self.writers[run].flush()

    def on_train_end(self) -> None:
        for writer in self.writers.values():
            writer.close()


# -- what is shown ---------------------------------------------------------------------------------


def progress() -> Callback:
    """A bar on a terminal, and a few lines elsewhere."""
    return _Bar() if sys.stderr.isatty() else _Lines()


class _Bar(Callback):
    """A bar for the steps of the running epoch, and a line for each that is done, for terminals."""

    def on_train_begin(self, epochs: int, steps: int) -> None:
        import tqdm  # here, so that `import nn` is fast

        self.epochs, self.steps, self.total = epochs, steps, 0.0
        self.start, self.done = time.perf_counter(), 0
        self.interval = tqdm.tqdm.format_interval
        self.bar = tqdm.tqdm(total=steps or None, unit="step", leave=False, dynamic_ncols=True)
        self._name(self.trainer.epoch)

    def on_batch_end(self, step: int, loss: float) -> None:
        self.total += loss if math.isfinite(loss) else 0.0  # of a batch of which no target counts
        self.done += 1
        if self.bar.update():  # it was drawn, which it is some ten times a second
            numbers = {"loss": self.total / (step + 1)}
            # A metric may be undefined on so few samples; what is shown must not end the training.
            with contextlib.suppress(Exception):
                numbers |= self.trainer.measure_batch()
            left = (self.epochs - self.trainer.epoch) * self.steps - step - 1
            seconds = (time.perf_counter() - self.start) / self.done * left
            ahead = f"  {self.interval(seconds)} to the end" if self.steps else ""
            self.bar.set_postfix_str(_numbers(numbers) + ahead, refresh=False)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.bar.clear()
        self.bar.write(_line(epoch + 1, self.epochs, logs))
        self.total = 0.0
        self.bar.reset()
        self._name(epoch + 1)

    def on_train_end(self) -> None:
        self.bar.close()

    def _name(self, epoch: int) -> None:
        self.bar.set_description_str(f"epoch {min(epoch + 1, self.epochs)}/{self.epochs}", refresh=False)


class _Lines(Callback):
    """A line for the first, the last, and some epochs between, with the minutes that are left."""

    def on_train_begin(self, epochs: int, steps: int) -> None:
        self.epochs = epochs
        self.start, self.done = time.perf_counter(), 0
        self.every = max(1, round(epochs / LINES))

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        number, stops = epoch + 1, self.trainer.stop_training
        self.done += 1
        if number in (1, self.epochs) or number % self.every == 0 or stops:
            left = (time.perf_counter() - self.start) / self.done * (self.epochs - number)
            ahead = f"  {left / 60:.0f} min to the end" if left >= 60 and not stops else ""
            print(_line(number, self.epochs, logs) + ahead, flush=True)


def _line(epoch: int, epochs: int, logs: Logs) -> str:
    return f"epoch {epoch:{len(str(epochs))}}/{epochs}  {_numbers(logs)}"


def _numbers(logs: Logs) -> str:
    """Six characters for each of usual size, those of a small learning rate too."""
    return "  ".join(
        f"{name} {value:.4f}" if value == 0 or abs(value) >= 1e-3 else f"{name} {value:6.0e}"
        for name, value in logs.items()
    )
