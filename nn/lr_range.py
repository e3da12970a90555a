"""Find a learning rate: one short run tries many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import AnomalyError, OptionError

from .callbacks import Callback
from .data import DataLoader, Dataset
from .module import Module
from .optim import Optimizer
from .options import check_number, check_whole
from .random import generator
from .training import Loss, Trainer
from .undo import undone

__all__ = ["LearningRateCurve", "lr_range_test"]

Array = npt.NDArray[Any]

SPAN = 0.05
"""The fraction of the rates that a loss is averaged over. Each loss comes from a different batch."""


class LearningRateCurve(NamedTuple):
    """The learning rates that were tried, and the loss at each, both of shape (n,)."""

    rates: Array
    losses: Array

    @property
    def smooth(self) -> Array:
        """The bias-corrected exponential moving average of the losses, of shape (n,)."""
        n = len(self.losses)
        weights = (1 - 1 / max(1.0, SPAN * n)) ** np.arange(n)
        return np.convolve(self.losses, weights)[:n] / np.cumsum(weights)

    @property
    def suggestion(self) -> float:
        """A learning rate to begin with: a tenth of the rate with the lowest smoothed loss."""
        return float(self.rates[np.argmin(self.smooth)]) / 10


def lr_range_test(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    X: npt.ArrayLike | Dataset | DataLoader,
    y: npt.ArrayLike | None = None,
    *,
    lr_min: float = 1e-6,
    lr_max: float = 10.0,
    steps: int = 200,
    batch_size: int = 32,
    diverged: float = 4.0,
) -> LearningRateCurve:
    """Train for some steps, each with a larger learning rate, to see which rates reduce the loss.

    Afterwards model, optimizer and nn's random numbers are as before; gradients are removed.

    Args:
        model: a newly initialized model.
        loss: as in `Trainer`.
        optimizer: an optimizer; the test sets the learning rate of all its groups.
        X, y: the training data, as in `Trainer.fit`.
        lr_min: the first rate.
        lr_max: the last rate; the rates grow by a constant factor.
        steps: the number of rates.
        batch_size: the number of samples in each step.
        diverged: end the test when the loss exceeds this multiple of the lowest loss, or is not finite.

    Returns:
        The rates and losses; `curve.suggestion` is a rate to begin with, and
        `visualize.learning_rate_curve(*curve)` draws them.

    Raises:
        OptionError: an option has an invalid value.
        AnomalyError: the loss is not finite at the first rate.

    Source:
        L. Smith, "Cyclical learning rates for training neural networks", section 3.3, 2017.

    Example:
        >>> import nn
        >>> nn.manual_seed(0)
        >>> X, y = nn.datasets.load_digits("train")
        >>> model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        >>> optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
        >>> curve = nn.lr_range_test(model, nn.CrossEntropyLoss(), optimizer, X, y)
        >>> 0.01 < curve.suggestion < 0.5
        True
    """
    check_number("lr_range_test", "diverged", diverged, example=4)
    sweep = _Sweep(_rates(lr_min, lr_max, steps), diverged)
    trainer = Trainer(model, loss, optimizer, callbacks=sweep)
    with _bar(steps) as sweep.bar, _as_before(model, optimizer), suppress(_SweepEndedError):
        try:
            # `steps` epochs are enough: each epoch has at least one step.
            trainer.fit(X, y, steps, batch_size, verbose=False)
        except AnomalyError:
            if not sweep.losses:
                raise
    return LearningRateCurve(sweep.rates[: len(sweep.losses)], np.array(sweep.losses))


def _bar(steps: int) -> Any:
    """On a terminal, how many rates are done; nothing elsewhere."""
    from tqdm import tqdm  # here, so that `import nn` is fast

    return tqdm(desc="learning rates", total=steps, unit="step", leave=False, disable=None)


def _rates(lr_min: float, lr_max: float, steps: int) -> Array:
    """Rates that grow by a constant factor, of shape (steps,)."""
    check_whole("lr_range_test", "steps", steps, least=2, example=100)
    for option, rate in (("lr_min", lr_min), ("lr_max", lr_max)):
        check_number("lr_range_test", option, rate, example=1e-6)
    if not 0 < lr_min < lr_max:
        raise OptionError(f"lr_range_test(lr_min={lr_min}, lr_max={lr_max}): expected 0 < lr_min < lr_max")
    return np.geomspace(lr_min, lr_max, steps)


@contextmanager
def _as_before(model: Module, optimizer: Optimizer) -> Iterator[None]:
    """Restore model, optimizer and nn's random numbers at the end of a `with` block."""
    weights, remembered = deepcopy(model.state_dict()), optimizer.state_dict()
    numbers = generator.bit_generator.state
    modes = {module: module.training for module in model.modules()}

    def undo() -> None:
        model.load_state_dict(weights)
        optimizer.load_state_dict(remembered)
        generator.bit_generator.state = numbers
        optimizer.zero_grad()
        for module, mode in modes.items():
            module.training = mode

    with undone(undo):
        yield


class _SweepEndedError(Exception):
    """Ends the training in the middle of an epoch."""


class _Sweep(Callback):
    """Set the learning rate of each step and record its loss."""

    def __init__(self, rates: Array, diverged: float) -> None:
        self.rates, self.diverged = rates, diverged
        self.losses: list[float] = []
        self.bar: Any = None

    def on_train_begin(self, epochs: int, steps: int) -> None:
        self._set(self.rates[0])

    def on_batch_end(self, step: int, loss: float) -> None:
        self.losses.append(loss)
        self.bar.update()
        if len(self.losses) == len(self.rates) or loss > self.diverged * min(self.losses):
            raise _SweepEndedError
        self._set(self.rates[len(self.losses)])

    def _set(self, rate: float) -> None:
        for group in self.trainer.optimizer.param_groups:
            group["lr"] = float(rate)
