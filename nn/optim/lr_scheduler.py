"""Schedules: the learning rate as a function of how often `step` was called.

>>> import autograd_lite as ag, nn
>>> optimizer = nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0)
>>> schedule = nn.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
>>> for epoch in range(5):
...     rates = schedule.get_last_lr()
...     optimizer.step()
...     schedule.step()
...     print(round(rates[0], 4), end=" ")
1.0 1.0 0.1 0.1 0.01
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from numbers import Real
from typing import TYPE_CHECKING, Any

from autograd_lite.errors import AutogradLiteError, DataError, DTypeError, OptionError

from ..names import hints_of as _hints_of
from ..options import check_number, same_kind
from .optimizer import Group, Optimizer

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "PowerLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]


class LRScheduler:
    """Base class: a schedule is its `factor`, by which it multiplies the learning rates after t steps.

    Steps multiply the present rate by factor(t) / factor(t - 1), so several schedules of one optimizer
    work together, and a rate that was set by hand stays in force.

    Args:
        optimizer: its groups' "lr" is what changes; "initial_lr" keeps what it was.
        last_epoch: how many steps have been made before, less one; -1 to begin.

    Attributes:
        base_lrs: the rates of the groups at the beginning.
        last_epoch: how often `step` was called.
    """

    floor = 0.0
    """What the factor is applied to is the part of the rate above this."""

    absolute = False
    """Whether each step sets the rate anew, whatever it is now."""

    interval = "epoch"
    """How often `nn.Trainer` calls `step`: after each "epoch", or after each "step" of the optimizer."""

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            name, came = type(self).__name__, type(optimizer).__name__
            raise DTypeError(f"{name}: expected an optimizer, got a {came}; write {name}(optimizer, ...)")
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise DataError(
                    f"{type(self).__name__}(last_epoch={last_epoch}) goes on from an optimizer whose groups "
                    'have an "initial_lr"; load its state first, or begin with last_epoch=-1'
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.step()

    def factor(self, t: int, group: int) -> float:
        """The rate after t steps, above the floor, relative to that at the beginning.

        Args:
            t: how often `step` was called.
            group: the number of the parameter group.
        """
        raise NotImplementedError(f"{type(self).__name__} has no factor(t, group)")

    def ratio(self, t: int, group: int) -> float:
        """The factor after t steps relative to that one step before."""
        return self.factor(t, group) / (self.factor(t - 1, group) if t > 0 else 1.0)

    def rate(self, t: int, group: int) -> float:
        """The rate after t steps if nothing else changes it."""
        base = self.base_lrs[group]
        return self.floor + (base - self.floor) * self.factor(t, group)

    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next step, or those after `epoch` steps."""
        t = self.last_epoch + 1 if epoch is None else epoch
        for i, group in enumerate(self.optimizer.param_groups):
            if self.absolute or epoch is not None or (t > 0 and self.factor(t - 1, i) == 0):
                group["lr"] = self.rate(t, i)
            else:
                group["lr"] = self.floor + (group["lr"] - self.floor) * self.ratio(t, i)
        self.last_epoch = t

    def get_last_lr(self) -> list[float]:
        """The present rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is, without the optimizer and without functions."""
        return {k: v for k, v in vars(self).items() if k != "optimizer" and not _is_function(v)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` gave.

        Raises:
            DataError: it is that of another schedule; nothing is loaded then.
        """
        rehearsal = copy(self.optimizer)
        rehearsal.param_groups = [dict(group) for group in self.optimizer.param_groups]
        name = type(self).__name__
        try:
            self._twin(state_dict, rehearsal)._stay()
        except DataError:
            raise
        except AutogradLiteError:  # a schedule at its end, which says so when it is asked for more
            pass
        except Exception as error:
            raise DataError(f"{name}: the state leads to {type(error).__name__}: {error}") from error
        rates = [group["lr"] for group in rehearsal.param_groups]
        if not all(isinstance(rate, Real) and math.isfinite(rate) for rate in rates):
            raise DataError(f"{name}: the state leads to the rates {rates}")
        self._take(state_dict)

    def _twin(self, state_dict: dict[str, Any], optimizer: Optimizer) -> LRScheduler:
        """A copy of this schedule that is where the state says; refuses the state of another one."""
        here = self.state_dict()
        if not isinstance(state_dict, dict):
            raise DataError(f"{type(self).__name__}: the state is a {type(state_dict).__name__}, no dict")
        differ = here.keys() ^ state_dict.keys() or {k for k in here if not same_kind(here[k], state_dict[k])}
        if differ:
            raise DataError(
                f"{type(self).__name__}: the state is that of another schedule: see {min(differ)}"
            )
        twin = copy(self)
        vars(twin).update(state_dict, optimizer=optimizer)
        return twin

    def _stay(self) -> None:
        """Set the rates of the present step."""
        self.step(max(self.last_epoch, 0))

    def _take(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state that was found to fit."""
        vars(self).update(state_dict)


def _is_function(value: Any) -> bool:
    return callable(value) or (isinstance(value, list) and any(map(callable, value)))


# -- schedules that are a formula ------------------------------------------------------------------


class LambdaLR(LRScheduler):
    """lr = lr0 f(t).

    Args:
        optimizer: whose rates change.
        lr_lambda: f, or a list with one for each group.
        last_epoch: -1 to begin.
    """

    absolute = True

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = _for_each(optimizer, lr_lambda, "lr_lambda")
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float(self.lr_lambdas[group](t))


class MultiplicativeLR(LambdaLR):
    """lr = lr0 f(1) f(2) ... f(t).

    Args:
        optimizer: whose rates change.
        lr_lambda: f, or a list with one for each group.
        last_epoch: -1 to begin.
    """

    absolute = False

    def factor(self, t: int, group: int) -> float:
        return math.prod(float(self.lr_lambdas[group](k)) for k in range(1, t + 1))

    def ratio(self, t: int, group: int) -> float:
        return float(self.lr_lambdas[group](t)) if t > 0 else 1.0


class StepLR(LRScheduler):
    """lr = lr0 gamma^floor(t / step_size).

    Args:
        optimizer: whose rates change.
        step_size: how many steps a rate lasts.
        gamma: the factor from one to the next.
        last_epoch: -1 to begin.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size, self.gamma = _positive("StepLR", "step_size", step_size), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float(self.gamma ** (t // self.step_size))


class MultiStepLR(LRScheduler):
    """Piecewise constant: lr = lr0 gamma^(how many milestones are reached).

    Args:
        optimizer: whose rates change.
        milestones: the steps at which the rate changes.
        gamma: the factor from one rate to the next.
        last_epoch: -1 to begin.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float(self.gamma ** bisect_right(self.milestones, t))


class ExponentialLR(LRScheduler):
    """lr = lr0 gamma^t.

    Args:
        optimizer: whose rates change.
        gamma: the factor in each step.
        last_epoch: -1 to begin.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float(self.gamma**t)


class PowerLR(LRScheduler):
    """lr = lr0 / (1 + t / s)^c: fast at first, then ever slower.

    Args:
        optimizer: whose rates change.
        s: after s steps the rate is lr0 / 2^c, after s more lr0 / 3^c.
        c: the power, usually 1.
        last_epoch: -1 to begin.

    Source:
        L. Bottou, "Online learning and stochastic approximations", 1998; the lectures' power scheduling.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.optim.lr_scheduler.PowerLR(optimizer, s=1)
        >>> [(schedule.get_last_lr()[0], schedule.step())[0] for _ in range(4)]
        [1.0, 0.5, 0.3333333333333333, 0.25]
    """

    def __init__(self, optimizer: Optimizer, s: float, c: float = 1.0, last_epoch: int = -1) -> None:
        self.s, self.c = _positive("PowerLR", "s", s), c
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float((1 + t / self.s) ** -self.c)


class ConstantLR(LRScheduler):
    """lr = lr0 factor for the first `total_iters` steps, then lr0.

    Args:
        optimizer: whose rates change.
        factor: of the first steps.
        total_iters: how many these are.
        last_epoch: -1 to begin.
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.first, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return self.first if t < self.total_iters else 1.0


class LinearLR(LRScheduler):
    """Warm-up: the factor goes in a straight line from one to another, and stays there.

    Args:
        optimizer: whose rates change.
        start_factor: at t = 0.
        end_factor: from t = total_iters on.
        total_iters: how long the line is.
        last_epoch: -1 to begin.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise OptionError(f"LinearLR(start_factor={start_factor}): expected a number above 0, at most 1")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters: int = _positive("LinearLR", "total_iters", total_iters)
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        gone = min(1.0, t / self.total_iters)
        return self.start_factor + (self.end_factor - self.start_factor) * gone


class PolynomialLR(LRScheduler):
    """lr = lr0 (1 - t / total_iters)^power, and 0 from then on.

    Args:
        optimizer: whose rates change.
        total_iters: when the rate is 0.
        power: of the polynomial.
        last_epoch: -1 to begin.
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        check_number("PolynomialLR", "power", power, example=1.0)
        self.total_iters: int = _positive("PolynomialLR", "total_iters", total_iters)
        self.power = power
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return float((1 - min(t, self.total_iters) / self.total_iters) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (lr0 - eta_min) (1 + cos(pi t / T_max)) / 2.

    Args:
        optimizer: whose rates change.
        T_max: half the period: when the rate is lowest.
        eta_min: the lowest rate.
        last_epoch: -1 to begin.

    Source:
        I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = _positive("CosineAnnealingLR", "T_max", T_max), eta_min
        self.floor = eta_min
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int, group: int) -> float:
        return 0.0 if t % (2 * self.T_max) == self.T_max else _half_cosine(t / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from lr0 to eta_min in T_0 steps, and again in T_0 T_mult steps, and so on.

    Args:
        optimizer: whose rates change.
        T_0: the steps to the first restart.
        T_mult: by how much longer each period is than the last.
        eta_min: the lowest rate.
        last_epoch: -1 to begin.

    Source:
        I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """

    absolute = True

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0 = _positive("CosineAnnealingWarmRestarts", "T_0", T_0)
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
        if not (self.T_0 > 0 and self.T_mult >= 1):  # of a loaded state: the cycles would never reach t
            raise DataError(
                f"CosineAnnealingWarmRestarts: T_0={self.T_0} and T_mult={self.T_mult} make no cycles; "
                "expected T_0 above 0 and T_mult of at least 1"
            )
        if self.T_mult == 1:
            return _half_cosine(t % self.T_0 / self.T_0)
        length = float(self.T_0)
        while t >= length:
            t -= length
            length *= self.T_mult
        return _half_cosine(t / length)


def _half_cosine(t: float) -> float:
    """From 1 at t = 0 to 0 at t = 1."""
    return (1 + math.cos(math.pi * t)) / 2


# -- schedules of the rate and the momentum --------------------------------------------------------


class _Cycle(LRScheduler):
    """What schedules share that set the rate itself, and the momentum against it."""

    cycle_momentum: bool
    interval = "step"

    def momentum(self, t: int, group: int) -> float:
        """The momentum after t steps."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Set rate and momentum of the next step."""
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
    """1cycle: the rate goes up to max_lr and then down to almost nothing, the momentum down and up.

    Args:
        optimizer: whose rates and momenta change; `step` is called after every batch.
        max_lr: the highest rate, or a list with one for each group.
        total_steps: the length of the cycle; or epochs times steps_per_epoch.
        epochs, steps_per_epoch: see total_steps.
        pct_start: the share of the cycle in which the rate goes up.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether the momentum changes too.
        base_momentum: the lowest momentum, where the rate is highest.
        max_momentum: the highest.
        div_factor: the first rate is max_lr / div_factor.
        final_div_factor: the last is the first / final_div_factor.
        three_phase: down to the first rate as long as up, and only then to the last.
        last_epoch: -1 to begin.

    Raises:
        OptionError: the length is not given, or the cycle is over.

    Source:
        L. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning
        rates", 2018.
    """

    def __init__(
        self,
        optimizer: Optimizer,
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
        self.total_steps = _positive("OneCycleLR", "total_steps", total_steps)
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        top = _for_each(optimizer, max_lr, "max_lr")
        low = _for_each(optimizer, base_momentum, "base_momentum")
        high = _for_each(optimizer, max_momentum, "max_momentum")
        first = [rate / div_factor for rate in top]
        last = [rate / final_div_factor for rate in first]
        peak, end = pct_start * total_steps - 1, float(total_steps - 1)
        # The corners of the cycle: when, and the rates and momenta of the groups there.
        self.corners: list[tuple[Any, ...]] = [(0.0, first, high), (peak, top, low), (end, last, high)]
        if three_phase:
            down = 2 * pct_start * total_steps - 2
            self.corners = [*self.corners[:2], (down, first, high), (end, last, high)]
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, first, strict=True):
                group["initial_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def _between(self, t: int, group: int, what: int) -> float:
        if t > self.total_steps:  # a loop calls it after the last step as well
            raise OptionError(
                f"OneCycleLR: the cycle of {self.total_steps} steps is over; make total_steps larger"
            )
        phase = next(
            (i for i, corner in enumerate(self.corners[1:]) if t <= corner[0]), len(self.corners) - 2
        )
        before, after = self.corners[phase : phase + 2]
        gone = (t - before[0]) / (after[0] - before[0])
        share = 1 - _half_cosine(gone) if self.anneal_strategy == "cos" else gone
        a, b = before[what][group], after[what][group]
        return float(a + (b - a) * share)

    def rate(self, t: int, group: int) -> float:
        return self._between(t, group, 1)

    def momentum(self, t: int, group: int) -> float:
        """The momentum after t steps."""
        return self._between(t, group, 2)


class CyclicLR(_Cycle):
    """The rate goes up and down between base_lr and max_lr, over and over.

    Args:
        optimizer: whose rates and momenta change; `step` is called after every batch.
        base_lr: the lowest rate, or a list with one for each group.
        max_lr: the highest.
        step_size_up: the steps from the lowest to the highest.
        step_size_down: and back; by default as many.
        mode: "triangular"; "triangular2", where each cycle is half as high as the last; or "exp_range", where
            the height is multiplied by gamma^t.
        gamma: of "exp_range".
        scale_fn: the height of the cycles, in place of a mode.
        scale_mode: whether scale_fn gets the number of the "cycle" or of the "iterations".
        cycle_momentum: whether the momentum changes too, against the rate.
        base_momentum: the lowest momentum.
        max_momentum: the highest.
        last_epoch: -1 to begin.

    Source:
        L. Smith, "Cyclical learning rates for training neural networks", 2017.
    """

    def __init__(
        self,
        optimizer: Optimizer,
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
        self.up: int = _positive("CyclicLR", "step_size_up", step_size_up)
        down = step_size_up if step_size_down is None else step_size_down
        self.down = down
        self.scale_fn, self.scale_mode = modes[mode] if scale_fn is None else (scale_fn, scale_mode)
        self.cycle_momentum = cycle_momentum
        self.max_lrs = _for_each(optimizer, max_lr, "max_lr")
        self.base_momenta = _for_each(optimizer, base_momentum, "base_momentum")
        self.max_momenta = _for_each(optimizer, max_momentum, "max_momentum")
        if last_epoch == -1:
            lowest = _for_each(optimizer, base_lr, "base_lr")
            for group, rate in zip(optimizer.param_groups, lowest, strict=True):
                group["initial_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def _height(self, t: int) -> float:
        """Where between the lowest and the highest, times the height of the cycle."""
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


# -- schedules that watch the loss -----------------------------------------------------------------


class ReduceLROnPlateau(LRScheduler):
    """Performance scheduling: the rate is multiplied by `factor` when a number has stopped getting better.

    Args:
        optimizer: whose rates change.
        mode: "min" for a loss, "max" for an accuracy.
        factor: below 1.
        patience: how many steps without an improvement are waited for.
        threshold: what counts as an improvement ...
        threshold_mode: ... "rel" of the best number, or "abs".
        cooldown: how many steps after a change nothing is counted.
        min_lr: the lowest rate, or a list with one for each group.
        eps: a change smaller than this is not made.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
        >>> for loss in [3.0, 2.0, 2.0, 2.0]:
        ...     schedule.step(loss)
        >>> schedule.get_last_lr()
        [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
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
        self.optimizer = optimizer
        self.mode, self.decay, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.min_lrs = _for_each(optimizer, min_lr, "min_lr")
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at the number of one more epoch."""
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
        """Whether a number is better than the best so far by more than the threshold."""
        sign = 1.0 if self.mode == "max" else -1.0
        if math.isinf(self.best):
            return sign * value > sign * self.best
        margin = self.threshold * (self.best if self.threshold_mode == "rel" else 1.0)
        return value > self.best + margin if self.mode == "max" else value < self.best - margin


# -- schedules of schedules ------------------------------------------------------------------------


class _Several(LRScheduler):
    """What schedules made of schedules share: their state."""

    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Where this schedule and those in it are."""
        return {**super().state_dict(), "_schedulers": [each.state_dict() for each in self._schedulers]}

    def _twin(self, state_dict: dict[str, Any], optimizer: Optimizer) -> LRScheduler:
        twin = super()._twin(state_dict, optimizer)
        assert isinstance(twin, _Several)
        pairs = zip(self._schedulers, state_dict["_schedulers"], strict=True)
        twin._schedulers = [each._twin(state, optimizer) for each, state in pairs]
        return twin

    def _stay(self) -> None:
        for each in self._schedulers:
            each._stay()

    def _take(self, state_dict: dict[str, Any]) -> None:
        for each, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            each._take(state)
        super()._take({**state_dict, "_schedulers": self._schedulers})


class SequentialLR(_Several):
    """One schedule after another, each from its own beginning: a warm-up and then a decay, say.

    Args:
        optimizer: whose rates change.
        schedulers: the schedules, all of this optimizer.
        milestones: when the second begins, the third, ...
        last_epoch: -1 to begin.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        _check_optimizer("SequentialLR", optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise OptionError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} milestones, "
                f"{len(milestones)} came"
            )
        self._schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, last_epoch)

    def _stay(self) -> None:
        bisect_right(self.milestones, self.last_epoch)  # of numbers both
        super()._stay()

    def step(self, epoch: int | None = None) -> None:
        """One step of the schedule whose turn it is."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        turn = bisect_right(self.milestones, self.last_epoch)
        begins = self.last_epoch == (self.milestones[turn - 1] if turn else 0)
        self._schedulers[turn].step(0 if begins else None)


class ChainedScheduler(_Several):
    """Several schedules at once: their factors are multiplied.

    Args:
        schedulers: the schedules.
        optimizer: theirs; by default that of the first.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if not schedulers:
            raise OptionError("ChainedScheduler: expected at least one schedule")
        self.optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        _check_optimizer("ChainedScheduler", self.optimizer, schedulers)
        self._schedulers = list(schedulers)

    def step(self, epoch: int | None = None) -> None:
        """One step of each."""
        for each in self._schedulers:
            each.step(epoch)


def _check_optimizer(name: str, optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> None:
    if any(schedule.optimizer is not optimizer for schedule in schedulers):
        raise OptionError(f"{name}: all schedules are of one optimizer; make each with the same")


def _for_each(optimizer: Optimizer, value: Any, what: str) -> list[Any]:
    """One value for each parameter group."""
    n = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * n
    if len(values) != n:
        raise OptionError(f"{what} has {len(values)} values for {n} parameter groups")
    return values


def _positive(name: str, option: str, value: Any) -> Any:
    if not isinstance(value, Real) or not float(value) > 0:
        raise OptionError(f"{name}({option}={value!r}): expected a number above 0, e.g. {option}=10")
    return value


if not TYPE_CHECKING:  # type checkers shall find a name that is misspelt
    __getattr__ = _hints_of(__name__)
