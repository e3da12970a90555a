"""Means of weights over the steps of training; named as in `torch.optim.swa_utils`.

>>> import numpy as np, nn
>>> model = nn.Linear(1, 1, bias=False)
>>> mean = AveragedModel(model)
>>> for value in (1.0, 2.0, 3.0):
...     model.weight.data[...] = value
...     mean.update_parameters(model)
>>> mean.module.weight.item(), int(mean.n_averaged)
(2.0, 3)
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import OptionError

from ..layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ..module import Module
from ..options import check_number, check_whole
from ..schedules.schedule import Grouped, LRScheduler, for_each

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Any, Any, int], Any]
"""A function of a mean, a new value, and the number of values in the mean; it returns the new mean."""
ManyAverages = Callable[[Sequence[Tensor], Sequence[Tensor], int], None]
"""The same for lists of means and values; it changes the means in place."""


class AveragedModel(Module):
    """A copy of a model whose parameters are means of the parameters at each `update_parameters`.

    Args:
        model: the model. It does not change.
        device: "cpu".
        avg_fn: a function (mean, value, number of values so far) to the new mean; the equal-weight mean by
            default.
        multi_avg_fn: a function of the lists of all means and values, and the number; it changes the means
            in place.
        use_buffers: average the buffers too; otherwise the buffers are those of the model.

    Raises:
        OptionError: both functions are given.

    Source:
        P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.
    """

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: ManyAverages | None = None,
        use_buffers: bool = False,
    ) -> None:
        if avg_fn and multi_avg_fn:
            raise OptionError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model).to(device or "cpu")
        self.register_buffer("n_averaged", np.zeros((), np.int64))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @ag.no_grad()
    def update_parameters(self, model: Module) -> None:
        """Include the current parameters of the model in the means.

        Args:
            model: the model that is trained.
        """
        count = int(self.n_averaged)
        pairs = list(zip(self.module.parameters(), model.parameters(), strict=True))
        means, values = ([p.detach().copy() for p in several] for several in zip(*pairs, strict=True))
        for (p, _), mean in zip(pairs, self._averaged(means, values, count), strict=True):
            p.data = mean.numpy()
        self._update_buffers(model, count)
        self._buffers["n_averaged"] = np.array(count + 1)

    def _averaged(self, means: list[Tensor], values: list[Tensor], count: int) -> list[Tensor]:
        """The new means; the first value is its own mean."""
        if count == 0:
            return values
        if self.multi_avg_fn:
            self.multi_avg_fn(means, values, count)
            return means
        average = self.avg_fn or get_swa_avg_fn()
        return [average(*pair, count) for pair in zip(means, values, strict=True)]

    def _update_buffers(self, model: Module, count: int) -> None:
        for own, other in zip(self.module.modules(), model.modules(), strict=True):
            for name, value in other._buffers.items():
                if value is None:
                    continue
                new = value.copy()
                if self.use_buffers and count and np.asarray(value).dtype.kind == "f":
                    mean = Tensor(own._buffers[name])
                    new = self._averaged([mean], [Tensor(new)], count)[0].numpy()
                own._buffers[name] = new


def get_swa_avg_fn() -> Average:
    """The equal-weight mean, as a function for `AveragedModel(avg_fn=)`."""
    return lambda mean, value, count: mean + (value - mean) / (count + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential mean decay mean + (1 - decay) value, as a function for `AveragedModel(avg_fn=)`.

    Raises:
        OptionError: the decay is not from 0 to 1.
    """
    check_number("get_ema_avg_fn", "decay", decay, most=1, example=0.999)
    return lambda mean, value, count: decay * mean + (1 - decay) * value


def _many(average: Average) -> ManyAverages:
    """The function that changes lists of means in place."""

    def update(means: Sequence[Tensor], values: Sequence[Tensor], count: int) -> None:
        for mean, value in zip(means, values, strict=True):
            mean.data = average(mean.numpy(), value.numpy(), count)

    return update


def get_swa_multi_avg_fn() -> ManyAverages:
    """The equal-weight mean, as a function for `AveragedModel(multi_avg_fn=)`."""
    return _many(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> ManyAverages:
    """The exponential mean decay mean + (1 - decay) value, for `AveragedModel(multi_avg_fn=)`.

    Raises:
        OptionError: the decay is not from 0 to 1.
    """
    return _many(get_ema_avg_fn(decay))


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running values of batch norm anew, from one pass over the data.

    Args:
        loader: batches; of a tuple or list, the first entry is the input.
        model: the model.
        device: "cpu".

    Example:
        >>> import nn
        >>> model = nn.Sequential(nn.BatchNorm1d(1))
        >>> update_bn([np.array([[1.0], [3.0]])], model)
        >>> model[0].running_mean.tolist(), model[0].running_var.tolist()
        ([2.0], [2.0])
    """
    kinds = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
    norms = {m: m.momentum for m in model.modules() if isinstance(m, kinds) and m.track_running_stats}
    if not norms:
        return
    training = model.training
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    try:
        model.train()
        with ag.no_grad():
            for batch in loader:
                model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    finally:
        for norm, momentum in norms.items():
            norm.momentum = momentum
        model.train(training)


class SWALR(LRScheduler):
    """Move the rate to a constant, `swa_lr`, in `anneal_epochs` steps.

    Args:
        optimizer: the optimizer.
        swa_lr: the last rate; a list for several groups.
        anneal_epochs: the number of steps until the rate is `swa_lr`.
        anneal_strategy: "cos" or "linear".
        last_epoch: the number of steps made before, less one.

    Raises:
        OptionError: an option has an invalid value.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0)
        >>> schedule = SWALR(optimizer, swa_lr=0.0, anneal_epochs=4, anneal_strategy="linear")
        >>> for _ in range(5):
        ...     print(schedule.get_last_lr(), end=" ")
        ...     optimizer.step()
        ...     schedule.step()
        [1.0] [0.75] [0.5] [0.25] [0.0]
    """

    def __init__(
        self,
        optimizer: Grouped,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise OptionError(f'SWALR(anneal_strategy={anneal_strategy!r}): expected "cos" or "linear"')
        check_whole("SWALR", "anneal_epochs", anneal_epochs, least=0, example=10)
        rates = for_each(optimizer, swa_lr, "swa_lr")
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            check_number("SWALR", "swa_lr", rate, example=0.05)
            group["swa_lr"] = rate
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def part(self, t: int) -> float:
        """The weight of `swa_lr` after t steps, from 0 to 1."""
        done = min(1.0, max(0, t) / self.anneal_epochs) if self.anneal_epochs else float(t >= 0)
        return (1 - math.cos(math.pi * done)) / 2 if self.anneal_strategy == "cos" else done

    def get_lr(self) -> list[float]:
        """The rates after the step `last_epoch`, nearer to `swa_lr`."""
        before, now = self.part(self.last_epoch - 1), self.part(self.last_epoch)
        rates = []
        for group in self.optimizer.param_groups:
            last = group["swa_lr"]
            first = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            rates.append(last * now + first * (1 - now))
        return rates
