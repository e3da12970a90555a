"""Schedules that combine schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import autograd_lite as ag
from autograd_lite.errors import OptionError

from .schedule import Grouped, LRScheduler, State

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Several(LRScheduler):
    """A base class for schedules that combine schedules: their state."""

    _schedulers: list[LRScheduler]

    def state_dict(self) -> State:
        """The state of this schedule and of the schedules inside."""
        return {**super().state_dict(), "_schedulers": [each.state_dict() for each in self._schedulers]}

    def _twin(self, state_dict: State, optimizer: Grouped) -> LRScheduler:
        twin = super()._twin(state_dict, optimizer)
        assert isinstance(twin, _Several)
        pairs = zip(self._schedulers, state_dict["_schedulers"], strict=True)
        twin._schedulers = [each._twin(state, optimizer) for each, state in pairs]
        return twin

    def _stay(self) -> None:
        for each in self._schedulers:
            each._stay()

    def _take(self, state_dict: State) -> None:
        for each, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            each._take(state)
        super()._take({**state_dict, "_schedulers": self._schedulers})


class SequentialLR(_Several):
    """Run one schedule after another, each from its own beginning, e.g. a warm-up and then a decay.

    Args:
        optimizer: the optimizer whose learning rates change.
        schedulers: the schedules, all for this optimizer.
        milestones: the steps at which the second schedule begins, the third, ...
        last_epoch: the number of steps made before, less one; -1 starts the schedule.
    """

    def __init__(
        self,
        optimizer: Grouped,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        _check_optimizer("SequentialLR", optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise OptionError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} milestones, "
                f"got {len(milestones)}"
            )
        self._schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, last_epoch)

    def _stay(self) -> None:
        bisect_right(self.milestones, self.last_epoch)  # raises if a loaded value is not a number
        super()._stay()

    @ag.replayed(writes="nothing")
    def step(self, epoch: int | None = None) -> None:
        """One step of the current schedule."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        turn = bisect_right(self.milestones, self.last_epoch)
        begins = self.last_epoch == (self.milestones[turn - 1] if turn else 0)
        self._schedulers[turn].step(0 if begins else None)


class ChainedScheduler(_Several):
    """Run several schedules at once: their factors are multiplied.

    Args:
        schedulers: the schedules.
        optimizer: their optimizer; by default the optimizer of the first schedule.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Grouped | None = None) -> None:
        if not schedulers:
            raise OptionError("ChainedScheduler: expected at least one schedule")
        self.optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        _check_optimizer("ChainedScheduler", self.optimizer, schedulers)
        self._schedulers = list(schedulers)

    @ag.replayed(writes="nothing")
    def step(self, epoch: int | None = None) -> None:
        """One step of each schedule."""
        for each in self._schedulers:
            each.step(epoch)


def _check_optimizer(name: str, optimizer: Grouped, schedulers: Sequence[LRScheduler]) -> None:
    if any(schedule.optimizer is not optimizer for schedule in schedulers):
        raise OptionError(f"{name}: the schedules belong to different optimizers; make all with the same one")
