"""Callbacks that write the numbers of each epoch to files."""

from __future__ import annotations

import csv
import io
import os
from typing import Any

from autograd_lite.errors import FileError, MissingPackageError
from autograd_lite.files import checked_path, write

from .callback import Callback
from .history import Logs

__all__ = ["CSVLogger", "TensorBoard"]


class CSVLogger(Callback):
    """Writes a table with a row for each epoch; a resumed run writes its earlier rows too.

    Args:
        filename: the path of the file, which is overwritten.
        separator: the text between the columns "epoch" (from 0), "loss", ...

    Raises:
        FileError: the file cannot be written.
    """

    first_rank_only = True

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
    """Writes curves for TensorBoard, which shows training and validation in one plot.

    `tensorboard --logdir logs` shows them. Needs tensorboardX: pip install tensorboardX.

    Args:
        log_dir: the folder, with the subfolders "train" and "validation".

    Raises:
        MissingPackageError: tensorboardX is not installed.
    """

    first_rank_only = True

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
                # Drop what an interrupted run has written for this epoch and later ones.
                self.writers[run] = self.open(os.path.join(self.log_dir, run), purge_step=epoch)
            self.writers[run].add_scalar(name.removeprefix("val_"), value, epoch)
            self.writers[run].flush()

    def on_train_end(self) -> None:
        for writer in self.writers.values():
            writer.close()
