"""Cyclic schedules of the rate and, in the opposite direction, of the momentum; one step for each batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import autograd_lite as ag
from autograd_lite.errors import OptionError

from .cosine import half_cosine
from .schedule import Group, Grouped, LRScheduler, for_each, positive

__all__ = ["CyclicLR", "OneCycleLR"]

Corner = tuple[float, Sequence[float], Sequence[float]]
"""A step of a cycle, with the rates and the momenta of the groups at this step."""


class _Cycle(LRScheduler):
    """A base class for schedules that set the rate, and the momentum in the opposite direction."""

    cycle_momentum: bool
    interval = "step"

    def __init__(self, optimizer: Grouped, first: Sequence[float], last_epoch: int) -> None:
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, first, strict=True):
                group["initial_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def momentum(self, t: int, group: int) -> float:
        """The momentum after t steps."""
        raise NotImplementedError

    @ag.replayed(writes="nothing")
    def step(self, epoch: int | None = None) -> None:
        """Set the rate and the momentum for the next step."""
        t = self.last_epoch + 1 if epoch is None else epoch
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = self.rate(t, i)
            if self.cycle_momentum:
                _set_momentum(group, self.momentum(t, i), type(self).__name__)
        self.last_epoch = t


def _set_momentum(group: Group, momentum: float, name: str) -> None:
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    elif "momentum" in group:
        group["momentum"] = momentum
    else:
        raise OptionError(f"{name}: the optimizer has no momentum; write {name}(..., cycle_momentum=False)")


class OneCycleLR(_Cycle):
    """The 1cycle policy: the rate rises to max_lr, then falls to almost 0; the momentum falls, then rises.

    Args:
        optimizer: the optimizer whose rates and momenta change; call `step` after every batch.
        max_lr: the highest rate, or a list with one rate for each group.
        total_steps: the length of the cycle; by default epochs times steps_per_epoch.
        epochs, steps_per_epoch: see total_steps.
        pct_start: the fraction of the cycle in which the rate rises.
        anneal_strategy: the shape of the curves, "cos" or "linear".
        cycle_momentum: change the momentum too.
        base_momentum: the lowest momentum, at the highest rate.
        max_momentum: the highest momentum.
        div_factor: the first rate is max_lr / div_factor.
        final_div_factor: the last rate is the first rate / final_div_factor.
        three_phase: fall to the first rate as slowly as the rate rose, and only then to the last rate.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.

    Raises:
        OptionError: the length is not given, or the cycle is over.

    Source:
        L. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning
        rates", 2018.
    """

    def __init__(
        self,
        optimizer: Grouped,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise OptionError(
                    "OneCycleLR: how long is the cycle? write total_steps=..., or epochs=... and "
                    "steps_per_epoch=len(loader)"
                )
            total_steps = epochs * steps_per_epoch
        if anneal_strategy not in ("cos", "linear"):
            raise OptionError(f'OneCycleLR(anneal_strategy={anneal_strategy!r}): expected "cos" or "linear"')
        self.total_steps = positive("OneCycleLR", "total_steps", total_steps)
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        top = for_each(optimizer, max_lr, "max_lr")
        low = for_each(optimizer, base_momentum, "base_momentum")
        high = for_each(optimizer, max_momentum, "max_momentum")
        first = [rate / div_factor for rate in top]
        last = [rate / final_div_factor for rate in first]
        peak, end = pct_start * total_steps - 1, float(total_steps - 1)
        self.corners: list[Corner] = [(0.0, first, high), (peak, top, low), (end, last, high)]
        if three_phase:
            down = 2 * pct_start * total_steps - 2
            self.corners = [*self.corners[:2], (down, first, high), (end, last, high)]
        super().__init__(optimizer, first, last_epoch)

    def _between(self, t: int, group: int, what: Literal[1, 2]) -> float:
        """The rate (1) or the momentum (2) between the two corners around t."""
        if t > self.total_steps:  # t = total_steps is allowed: a loop calls `step` after the last batch too
            raise OptionError(
                f"OneCycleLR: the cycle of {self.total_steps} steps is over; make total_steps larger"
            )
        phase = next(
            (i for i, corner in enumerate(self.corners[1:]) if t <= corner[0]), len(self.corners) - 2
        )
        before, after = self.corners[phase : phase + 2]
        gone = (t - before[0]) / (after[0] - before[0])
        share = 1 - half_cosine(gone) if self.anneal_strategy == "cos" else gone
        a, b = before[what][group], after[what][group]
        return float(a + (b - a) * share)

    def rate(self, t: int, group: int) -> float:
        return self._between(t, group, 1)

    def momentum(self, t: int, group: int) -> float:
        """The momentum after t steps."""
        return self._between(t, group, 2)


class CyclicLR(_Cycle):
    """The rate rises and falls between base_lr and max_lr, again and again.

    Args:
        optimizer: the optimizer whose rates and momenta change; call `step` after every batch.
        base_lr: the lowest rate, or a list with one rate for each group.
        max_lr: the highest rate, or a list with one rate for each group.
        step_size_up: the number of steps from the lowest to the highest rate.
        step_size_down: the number of steps back to the lowest rate; by default step_size_up.
        mode: "triangular" keeps the height of the cycles, "triangular2" halves the height with each cycle,
            and "exp_range" multiplies the height by gamma^t.
        gamma: the factor of "exp_range".
        scale_fn: a function that gives the height of the cycles, in place of a mode.
        scale_mode: the argument of scale_fn: "cycle" for the number of the cycle, "iterations" for t.
        cycle_momentum: change the momentum too, in the opposite direction.
        base_momentum: the lowest momentum.
        max_momentum: the highest momentum.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.

    Source:
        L. Smith, "Cyclical learning rates for training neural networks", 2017.
    """

    def __init__(
        self,
        optimizer: Grouped,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        modes: dict[str, tuple[Callable[[float], float], str]] = {
            "triangular": (lambda cycle: 1.0, "cycle"),
            "triangular2": (lambda cycle: 0.5 ** (cycle - 1), "cycle"),
            "exp_range": (lambda t: gamma**t, "iterations"),
        }
        if scale_fn is None and mode not in modes:
            raise OptionError(f"CyclicLR(mode={mode!r}): expected one of {', '.join(modes)}, or a scale_fn")
        self.up: int = positive("CyclicLR", "step_size_up", step_size_up)
        down = step_size_up if step_size_down is None else step_size_down
        self.down = down
        self.scale_fn, self.scale_mode = modes[mode] if scale_fn is None else (scale_fn, scale_mode)
        self.cycle_momentum = cycle_momentum
        self.max_lrs = for_each(optimizer, max_lr, "max_lr")
        self.base_momenta = for_each(optimizer, base_momentum, "base_momentum")
        self.max_momenta = for_each(optimizer, max_momentum, "max_momentum")
        super().__init__(optimizer, for_each(optimizer, base_lr, "base_lr"), last_epoch)

    def _height(self, t: int) -> float:
        """The position between the lowest (0) and the highest (1) rate, times the height of the cycle."""
        cycle, place = divmod(t, self.up + self.down)
        gone = place / self.up if place <= self.up else (self.up + self.down - place) / self.down
        return gone * self.scale_fn(cycle + 1 if self.scale_mode == "cycle" else t)

    def rate(self, t: int, group: int) -> float:
        low = self.base_lrs[group]
        return float(low + (self.max_lrs[group] - low) * self._height(t))

    def momentum(self, t: int, group: int) -> float:
        """The momentum after t steps."""
        high = self.max_momenta[group]
        return float(high - (high - self.base_momenta[group]) * self._height(t))
