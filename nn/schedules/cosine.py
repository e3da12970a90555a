"""Schedules along a cosine."""

from __future__ import annotations

import math
from numbers import Real

from autograd_lite.errors import DataError, OptionError

from .schedule import Grouped, LRScheduler, positive

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (lr0 - eta_min) (1 + cos(pi t / T_max)) / 2.

    Args:
        optimizer: the optimizer whose learning rates change.
        T_max: half the period: the step with the lowest rate.
        eta_min: the lowest rate.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.

    Source:
        I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """

    def __init__(self, optimizer: Grouped, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = positive("CosineAnnealingLR", "T_max", T_max), eta_min
        self.floor = eta_min
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return 0.0 if t % (2 * self.T_max) == self.T_max else half_cosine(t / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from lr0 to eta_min in T_0 steps, then again in T_0 T_mult steps, and so on.

    Args:
        optimizer: the optimizer whose learning rates change.
        T_0: the number of steps before the first restart.
        T_mult: the factor from each period to the next.
        eta_min: the lowest rate.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.

    Source:
        I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """

    absolute = True

    def __init__(
        self, optimizer: Grouped, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0 = positive("CosineAnnealingWarmRestarts", "T_0", T_0)
        if not isinstance(T_mult, Real) or not T_mult >= 1:
            raise OptionError(
                f"CosineAnnealingWarmRestarts(T_mult={T_mult!r}): expected a number of at least 1, e.g. "
                "T_mult=2"
            )
        self.T_mult: int = T_mult
        self.eta_min = eta_min
        self.floor = eta_min
        super().__init__(optimizer, last_epoch)

    def factor(self, t: float, group: int) -> float:
        if not (self.T_0 > 0 and self.T_mult >= 1):  # from a loaded state: the loop would never reach t
            raise DataError(
                f"CosineAnnealingWarmRestarts: T_0={self.T_0} and T_mult={self.T_mult} make no cycles; "
                "expected T_0 above 0 and T_mult of at least 1"
            )
        if self.T_mult == 1:
            return half_cosine(t % self.T_0 / self.T_0)
        length = float(self.T_0)
        while t >= length:
            t -= length
            length *= self.T_mult
        return half_cosine(t / length)


def half_cosine(t: float) -> float:
    """Half a cosine, from 1 at t = 0 to 0 at t = 1."""
    return (1 + math.cos(math.pi * t)) / 2
