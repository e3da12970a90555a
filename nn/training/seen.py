"""Losses, outputs and targets of the batches of an epoch, combined over all samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, ShapeError

__all__ = ["Seen", "joined", "loss_of_all"]

Array = npt.NDArray[Any]


def loss_of_all(losses: Sequence[float], sizes: Sequence[float | None]) -> float:
    """The loss over all batches, from the loss and the divisor of each batch; None for sums.

    A batch with the divisor 0, in which no target counts, is left out.

    Example:
        >>> loss_of_all([1.0, 4.0], [2, 1]), loss_of_all([1.0, 4.0], [None, None])
        (2.0, 5.0)
    """
    if None in sizes:
        return math.fsum(losses)
    counted = [(loss, size) for loss, size in zip(losses, sizes, strict=True) if size]
    if not counted:
        return math.nan
    values, weights = zip(*counted, strict=True)
    return float(np.average(values, weights=weights))


@dataclass
class Seen:
    """Losses and, if metrics need them, outputs and targets of the batches of an epoch."""

    keep: bool
    losses: list[float] = field(default_factory=list)
    sizes: list[float | None] = field(default_factory=list)
    """The divisor of each loss."""
    outputs: list[Array] = field(default_factory=list)
    targets: list[Array] = field(default_factory=list)

    def add(self, loss: float, size: float | None, output: Array, target: Array) -> None:
        """Add a batch."""
        self.losses.append(loss)
        self.sizes.append(size)
        if self.keep:
            self.outputs.append(output)
            self.targets.append(target)

    def loss(self) -> float:
        """The loss over all batches."""
        if not self.losses:
            raise DataError("there are no batches in the data")
        return loss_of_all(self.losses, self.sizes)


def joined(outputs: Sequence[Array], targets: Sequence[Array]) -> tuple[Array, Array]:
    """The outputs and targets of all batches, for a metric.

    Batches of sequences may differ in length. Then each entry counts as a sample. Outputs (N, C, T) or
    (N, T, C) with targets (N, T) become (M, C) with (M,); arrays of equal shapes become (M,) with (M,).

    Raises:
        ShapeError: the shapes differ otherwise.

    Example:
        >>> x, t = joined([np.zeros((2, 3, 5)), np.zeros((2, 3, 4))], [np.zeros((2, 5)), np.zeros((2, 4))])
        >>> x.shape, t.shape
        ((18, 3), (18,))
    """
    if len({x.shape[1:] for x in outputs}) == 1 and len({t.shape[1:] for t in targets}) == 1:
        return np.concatenate(outputs), np.concatenate(targets)
    rows: list[Array] = []
    pairs = list(zip(outputs, targets, strict=True))
    if all(x.shape == t.shape for x, t in pairs):
        rows = [x.reshape(-1) for x in outputs]
    elif all(x.ndim > 1 and x.shape[:1] + x.shape[2:] == t.shape for x, t in pairs):
        rows = [np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]) for x in outputs]
    elif all(x.ndim > 1 and x.shape[:-1] == t.shape for x, t in pairs):
        rows = [x.reshape(-1, x.shape[-1]) for x in outputs]
    if len({row.shape[1:] for row in rows}) != 1:
        shapes = sorted({f"{x.shape} with {t.shape}" for x, t in pairs})
        raise ShapeError(
            f"metrics: outputs and targets of the batches have the shapes {', '.join(shapes)}, which do not "
            "fit into one array; bring the samples to one length, e.g. with nn.utils.rnn.pad_sequence"
        )
    return np.concatenate(rows), np.concatenate([t.reshape(-1) for t in targets])
