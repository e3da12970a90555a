"""Schedules with piecewise constant rates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import ClassVar

from .schedule import Grouped, LRScheduler, positive

__all__ = ["ConstantLR", "MultiStepLR", "StepLR"]


class StepLR(LRScheduler):
    """lr = lr0 gamma^floor(t / step_size).

    Args:
        optimizer: the optimizer whose learning rates change.
        step_size: the number of steps with the same rate.
        gamma: the factor from one rate to the next.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    def __init__(self, optimizer: Grouped, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = positive("StepLR", "step_size", step_size), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float(self.gamma ** (t // self.step_size))


class MultiStepLR(LRScheduler):
    """lr = lr0 gamma^(number of milestones reached).

    Args:
        optimizer: the optimizer whose learning rates change.
        milestones: the steps at which the rate changes.
        gamma: the factor from one rate to the next.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    def __init__(
        self, optimizer: Grouped, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float(self.gamma ** bisect_right(self.milestones, t))


class ConstantLR(LRScheduler):
    """lr = lr0 factor for the first `total_iters` steps, then lr0.

    Args:
        optimizer: the optimizer whose learning rates change.
        factor: the factor of the first steps.
        total_iters: the number of first steps.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    names_of_pytorch: ClassVar[dict[str, str]] = {"factor": "first"}

    def __init__(
        self, optimizer: Grouped, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.first, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return self.first if t < self.total_iters else 1.0
