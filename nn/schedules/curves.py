"""Schedules along a monotonic curve."""

from __future__ import annotations

from autograd_lite.errors import OptionError

from ..options import check_number
from .schedule import Grouped, LRScheduler, positive

__all__ = ["ExponentialLR", "LinearLR", "PolynomialLR", "PowerLR"]


class ExponentialLR(LRScheduler):
    """lr = lr0 gamma^t.

    Args:
        optimizer: the optimizer whose learning rates change.
        gamma: the factor in each step.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    def __init__(self, optimizer: Grouped, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float(self.gamma**t)


class PowerLR(LRScheduler):
    """lr = lr0 / (1 + t / s)^c: the rate falls fast at first, then more and more slowly.

    Args:
        optimizer: the optimizer whose learning rates change.
        s: the rate is lr0 / 2^c after s steps, and lr0 / 3^c after 2 s steps.
        c: the power, usually 1.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.

    Source:
        L. Bottou, "Online learning and stochastic approximations", 1998; the lectures' power scheduling.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.optim.lr_scheduler.PowerLR(optimizer, s=1)
        >>> [(schedule.get_last_lr()[0], schedule.step())[0] for _ in range(4)]
        [1.0, 0.5, 0.3333333333333333, 0.25]
    """

    def __init__(self, optimizer: Grouped, s: float, c: float = 1.0, last_epoch: int = -1) -> None:
        self.s, self.c = positive("PowerLR", "s", s), c
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float((1 + t / self.s) ** -self.c)


class LinearLR(LRScheduler):
    """Warm-up: the factor goes linearly from `start_factor` to `end_factor`, and stays there.

    Args:
        optimizer: the optimizer whose learning rates change.
        start_factor: the factor at t = 0.
        end_factor: the factor from t = total_iters on.
        total_iters: the number of steps from one to the other.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    def __init__(
        self,
        optimizer: Grouped,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise OptionError(f"LinearLR(start_factor={start_factor}): expected a number above 0, at most 1")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters: int = positive("LinearLR", "total_iters", total_iters)
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        gone = min(1.0, t / self.total_iters)
        return self.start_factor + (self.end_factor - self.start_factor) * gone


class PolynomialLR(LRScheduler):
    """lr = lr0 (1 - t / total_iters)^power, and 0 from then on.

    Args:
        optimizer: the optimizer whose learning rates change.
        total_iters: the step at which the rate reaches 0.
        power: the power of the polynomial.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    def __init__(
        self, optimizer: Grouped, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        check_number("PolynomialLR", "power", power, example=1.0)
        self.total_iters: int = positive("PolynomialLR", "total_iters", total_iters)
        self.power = power
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float((1 - min(t, self.total_iters) / self.total_iters) ** self.power)
