"""What a Trainer asks about the other processes of its run; here there are none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..data import DataLoader
from ..module import Module
from .passes import Passes
from .seen import Seen

__all__ = ["Alone"]


class Alone:
    """A run in one process. `nn.distributed.Ranks` has the same methods for several.

    Attributes:
        first: whether this process shows the progress and writes files.
        passes: the passes over a batch.
    """

    first = True
    passes: Passes

    def join(self, model: Module, compile: bool) -> None:
        """Prepare to train a model."""
        self.passes = Passes(compile)

    def parted(self, loader: DataLoader) -> DataLoader:
        """A loader of the samples of this process."""
        return loader

    def begin(self, loader: DataLoader, epoch: int) -> None:
        """Before an epoch."""

    def end(self) -> None:
        """After the last epoch."""

    def in_step(self, batches: Iterable[Any]) -> Iterable[Any]:
        """The batches of an epoch, as many in all processes."""
        return batches

    def gathered(self, seen: Seen, losses: bool) -> Seen:
        """The outputs and targets of all processes, and the losses if they are those of one process."""
        return seen

    def agreed(self, stop: bool) -> bool:
        """Whether a process wants to stop; the end of an epoch."""
        return stop
