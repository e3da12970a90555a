"""A schedule that watches the loss or another metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, SupportsFloat

from autograd_lite.errors import OptionError

from .schedule import Grouped, LRScheduler, for_each, require_rates

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Performance scheduling: multiply the rate by `factor` when a metric has stopped improving.

    Args:
        optimizer: the optimizer whose learning rates change.
        mode: "min" for a loss, "max" for an accuracy.
        factor: the factor of the rate, below 1.
        patience: the number of steps without an improvement to wait for.
        threshold: the smallest change that counts as an improvement.
        threshold_mode: "rel" for a threshold relative to the best value, "abs" for an absolute one.
        cooldown: the number of steps after a change of the rate that are not counted.
        min_lr: the lowest rate, or a list with one rate for each group.
        eps: the smallest change of the rate; smaller changes are skipped.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
        >>> for loss in [3.0, 2.0, 2.0, 2.0]:
        ...     schedule.step(loss)
        >>> schedule.get_last_lr()
        [0.1]
    """

    names_of_pytorch: ClassVar[dict[str, str]] = {"factor": "decay"}

    def __init__(
        self,
        optimizer: Grouped,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs") or not factor < 1:
            raise OptionError(
                f"ReduceLROnPlateau(mode={mode!r}, factor={factor}, threshold_mode={threshold_mode!r}): "
                'expected "min" or "max", a factor below 1, and "rel" or "abs"'
            )
        require_rates("ReduceLROnPlateau", optimizer)
        self.optimizer = optimizer
        self.mode, self.decay, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.min_lrs = for_each(optimizer, min_lr, "min_lr")
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take the metric of one more epoch, and change the rate if it has stopped improving."""
        value = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                rate = max(group["lr"] * self.decay, least)
                if group["lr"] - rate > self.eps:
                    group["lr"] = rate
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _stay(self) -> None:
        self.step(1.0)

    def is_better(self, value: float) -> bool:
        """Whether a value is better than the best so far by more than the threshold."""
        sign = 1.0 if self.mode == "max" else -1.0
        if math.isinf(self.best):
            return sign * value > sign * self.best
        margin = self.threshold * (self.best if self.threshold_mode == "rel" else 1.0)
        return value > self.best + margin if self.mode == "max" else value < self.best - margin
