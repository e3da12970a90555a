"""The progress of a training run: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Iterable
from typing import Any

from ..data import DataLoader
from .batches import length
from .callback import Callback
from .history import Logs

__all__ = ["progress", "waiting"]

LINES = 10
"""The approximate number of epochs to report without a terminal."""


def progress() -> Callback:
    """A callback that shows a bar on a terminal, and a few lines elsewhere."""
    return _Bar() if sys.stderr.isatty() else _Lines()


def waiting(loader: DataLoader, title: str) -> Iterable[Any]:
    """The batches one by one, with a bar on a terminal if they take more than a second."""
    import tqdm  # here, so that `import nn` is fast

    bar: Iterable[Any] = tqdm.tqdm(loader, title, length(loader), leave=False, disable=None, delay=1)
    return bar


class _Bar(Callback):
    """For terminals: a bar for the steps of the current epoch, and a line for each finished epoch."""

    first_rank_only = True

    def on_train_begin(self, epochs: int, steps: int) -> None:
        import tqdm  # here, to keep `import nn` fast

        self.epochs, self.steps, self.total = epochs, steps, 0.0
        self.start, self.done = time.perf_counter(), 0
        self.interval = tqdm.tqdm.format_interval
        self.bar = tqdm.tqdm(total=steps or None, unit="step", leave=False, dynamic_ncols=True)
        self._name(self.trainer.epoch)

    def on_batch_end(self, step: int, loss: float) -> None:
        self.total += loss if math.isfinite(loss) else 0.0  # NaN: no target counts
        self.done += 1
        if self.bar.update():  # True if the bar was drawn, some ten times a second
            numbers = {"loss": self.total / (step + 1)}
            # A metric may be undefined on so few samples; the display must not end the training.
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
    """A line for the first, the last, and some epochs between, with the remaining minutes."""

    first_rank_only = True

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
    """The numbers as text, six characters each at usual sizes, small learning rates included."""
    return "  ".join(
        f"{name} {value:.4f}" if value == 0 or abs(value) >= 1e-3 else f"{name} {value:6.0e}"
        for name, value in logs.items()
    )
