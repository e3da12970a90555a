"""Schedules given by the user's functions of the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .schedule import Grouped, LRScheduler, for_each

__all__ = ["LambdaLR", "MultiplicativeLR"]


class LambdaLR(LRScheduler):
    """lr = lr0 f(t).

    Args:
        optimizer: the optimizer whose learning rates change.
        lr_lambda: f, or a list with one for each group.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    absolute = True

    def __init__(
        self,
        optimizer: Grouped,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = for_each(optimizer, lr_lambda, "lr_lambda")
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float(self.lr_lambdas[group](t))


class MultiplicativeLR(LambdaLR):
    """lr = lr0 f(1) f(2) ... f(t).

    Args:
        optimizer: the optimizer whose learning rates change.
        lr_lambda: f, or a list with one for each group.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    absolute = False

    def factor(self, t: int, group: int) -> float:
        return math.prod(float(self.lr_lambdas[group](k)) for k in range(1, t + 1))

    def ratio(self, t: int, group: int) -> float:
        return float(self.lr_lambdas[group](t)) if t > 0 else 1.0
