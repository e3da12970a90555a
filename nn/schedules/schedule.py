"""The base class of schedules: the rates after t steps, and the state."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from copy import copy
from numbers import Real
from typing import Any, ClassVar, Protocol, TypeVar, cast, runtime_checkable

import autograd_lite as ag
from autograd_lite.errors import AutogradLiteError, DataError, DTypeError, OptionError

from ..options import same_kind

__all__ = ["LRScheduler"]

T = TypeVar("T")
Group = dict[str, Any]
State = dict[str, Any]


@runtime_checkable
class Grouped(Protocol):
    """An optimizer as schedules see it: groups of parameters, each with a learning rate "lr"."""

    param_groups: list[Group]


def require_rates(name: str, optimizer: Grouped) -> None:
    """Refuse an optimizer without learning rates."""
    if any("lr" not in group for group in optimizer.param_groups):
        kind = type(optimizer).__name__
        raise OptionError(f"{name}: {kind} has no learning rate to schedule; leave the schedule out")


class LRScheduler:
    """Base class: after t steps, a schedule has multiplied the learning rates by `factor(t, group)`.

    Each step multiplies the current rate by factor(t) / factor(t - 1). So several schedules of one optimizer
    work together, and a rate that was set by hand stays in force.

    Args:
        optimizer: the optimizer; "lr" in its groups changes, and "initial_lr" keeps the first rate.
        last_epoch: the number of steps made before, less one; -1 starts the schedule.

    Attributes:
        base_lrs: the first rates of the groups.
        last_epoch: the number of calls of `step`.
    """

    __plan_outside__ = True
    """`ag.compile` replays `step` as it is."""

    floor = 0.0
    """The factor multiplies the part of the rate above this floor."""

    absolute = False
    """True if each step sets the rate from t alone, not from the current rate."""

    names_of_pytorch: ClassVar[dict[str, str]] = {}
    """Our names of the entries that have other names in the states of PyTorch's schedule."""

    interval = "epoch"
    """When `nn.Trainer` calls `step`: after each "epoch", or after each "step" of the optimizer."""

    def __init__(self, optimizer: Grouped, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Grouped):
            name, came = type(self).__name__, type(optimizer).__name__
            raise DTypeError(f"{name}: expected an optimizer, got a {came}; write {name}(optimizer, ...)")
        require_rates(type(self).__name__, optimizer)
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise DataError(
                    f"{type(self).__name__}(last_epoch={last_epoch}) needs an optimizer whose groups "
                    'have an "initial_lr"; load the state of the optimizer first, or write last_epoch=-1'
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.step()

    def factor(self, t: int, group: int) -> float:
        """The rate after t steps relative to the first rate, both above the floor.

        Args:
            t: the number of calls of `step`.
            group: the index of the parameter group.
        """
        raise NotImplementedError(f"{type(self).__name__} has no factor(t, group)")

    def ratio(self, t: int, group: int) -> float:
        """The factor after t steps relative to the factor one step before."""
        return self.factor(t, group) / (self.factor(t - 1, group) if t > 0 else 1.0)

    def rate(self, t: int, group: int) -> float:
        """The rate after t steps if nothing else changes it."""
        base = self.base_lrs[group]
        return self.floor + (base - self.floor) * self.factor(t, group)

    @ag.replayed(writes="nothing")
    def step(self, epoch: int | None = None) -> None:
        """Set the rates for the next step, or the rates after `epoch` steps."""
        before, self.last_epoch = self.last_epoch, self.last_epoch + 1 if epoch is None else epoch
        own = type(self).get_lr is not LRScheduler.get_lr
        groups = self.optimizer.param_groups
        try:
            rates = (
                self.get_lr() if own or epoch is None else [self.rate(epoch, i) for i in range(len(groups))]
            )
        except BaseException:  # a schedule at its end raises, and stays there
            self.last_epoch = before
            raise
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate

    def get_lr(self) -> list[float]:
        """The rates after `last_epoch` steps; a subclass may define this in place of `factor`."""
        return [self._next(i, group["lr"]) for i, group in enumerate(self.optimizer.param_groups)]

    def _next(self, i: int, rate: float) -> float:
        t = self.last_epoch
        if self.absolute or (t > 0 and self.factor(t - 1, i) == 0):
            return self.rate(t, i)
        return self.floor + (rate - self.floor) * self.ratio(t, i)

    def get_last_lr(self) -> list[float]:
        """The current rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> State:
        """The state of the schedule, without the optimizer and without functions."""
        return {k: v for k, v in vars(self).items() if k != "optimizer" and not _is_function(v)}

    def load_state_dict(self, state_dict: State) -> None:
        """Load a state of `state_dict`, also one of PyTorch's schedule of the same name.

        Raises:
            DataError: the state belongs to another schedule; nothing is loaded.
        """
        state_dict = self._translated(state_dict)
        rehearsal = copy(self.optimizer)
        rehearsal.param_groups = [dict(group) for group in self.optimizer.param_groups]
        name = type(self).__name__
        try:
            self._twin(state_dict, rehearsal)._stay()
        except DataError:
            raise
        except AutogradLiteError:  # a schedule at its end raises when it is stepped
            pass
        except Exception as error:
            raise DataError(f"{name}: a step from the state fails: {type(error).__name__} {error}") from error
        rates = [group["lr"] for group in rehearsal.param_groups]
        if not all(isinstance(rate, Real) and math.isfinite(rate) for rate in rates):
            raise DataError(f"{name}: a step from the state gives the rates {rates}")
        self._take(state_dict)

    def _translated(self, state_dict: State) -> State:
        """A state of PyTorch in our entries; the options that PyTorch does not store stay."""
        if not isinstance(state_dict, dict) or "_last_lr" not in state_dict:
            return state_dict
        given = {self.names_of_pytorch.get(name, name): value for name, value in state_dict.items()}
        values = {name: given.get(name, value) for name, value in self.state_dict().items()}
        return {k: sorted(v.elements()) if isinstance(v, Counter) else v for k, v in values.items()}

    def _twin(self, state_dict: State, optimizer: Grouped) -> LRScheduler:
        """A copy of this schedule with a loaded state; the state of another schedule is refused."""
        here = self.state_dict()
        if not isinstance(state_dict, dict):
            raise DataError(f"{type(self).__name__}: the state is a {type(state_dict).__name__}, not a dict")
        differ = here.keys() ^ state_dict.keys() or {k for k in here if not same_kind(here[k], state_dict[k])}
        if differ:
            raise DataError(
                f"{type(self).__name__}: the state belongs to another schedule: compare {min(differ)}"
            )
        twin = copy(self)
        vars(twin).update(state_dict, optimizer=optimizer)
        return twin

    def _stay(self) -> None:
        """Set the rates of the current step."""
        self.step(max(self.last_epoch, 0))

    def _take(self, state_dict: State) -> None:
        """Load a state that was checked before."""
        vars(self).update(state_dict)


def _is_function(value: object) -> bool:
    return callable(value) or (isinstance(value, list) and any(map(callable, value)))


def for_each(optimizer: Grouped, value: T | Sequence[T], what: str) -> list[T]:
    """A list with one value for each parameter group."""
    n = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [cast(T, value)] * n
    if len(values) != n:
        raise OptionError(f"{what} has {len(values)} values for {n} parameter groups")
    return values


def positive(name: str, option: str, value: T) -> T:
    """The value, if it is a number above 0; anything else is refused."""
    if not isinstance(value, Real) or not float(value) > 0:
        raise OptionError(f"{name}({option}={value!r}): expected a number above 0, e.g. {option}=10")
    return cast(T, value)
