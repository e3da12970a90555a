"""Plots of training: learning curves and learning rates."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.errors import DataError, DTypeError, OptionError

from .figures import COLOURS, GREY, dress, matplotlib, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["learning_curves", "learning_rate_curve", "learning_rate_schedules"]

TRAINING, VALIDATION = COLOURS[:2]
LABELS = {TRAINING: "training", VALIDATION: "validation"}


def learning_curves(history: Mapping[str, Sequence[float]], best_epoch: int | None = None) -> Figure:
    """Plot each metric over the epochs, for training and validation.

    Args:
        history: for each metric a number per epoch; the validation values of "loss" are "val_loss".
        best_epoch: the epoch to mark, counted from 0, e.g. `stopping.best_epoch` of an `nn.EarlyStopping`.

    Returns:
        A matplotlib Figure with a panel for each metric; `figure.savefig(path)` writes it.

    Raises:
        DTypeError: `history` is not a mapping from metrics to lists of numbers.
        DataError: `history` is empty.
        OptionError: `best_epoch` is not an epoch of the history.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = learning_curves({"loss": [2.3, 0.9, 0.4], "val_loss": [2.1, 1.0, 0.6]})
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['loss']
    """
    if not isinstance(history, Mapping) or any(np.ndim(values) != 1 for values in history.values()):
        raise DTypeError(
            f"learning_curves({type(history).__name__}): expected a list of numbers for each metric, such as "
            "learning_curves({'loss': [2.3, 0.9]}), or what Trainer.fit returns"
        )
    curves = {name: list(values) for name, values in history.items() if len(values)}
    if not curves:
        raise DataError(
            "learning_curves: the history is empty; expected a mapping such as "
            "{'loss': [2.3, 0.9], 'val_loss': [2.1, 1.0]}, e.g. what Trainer.fit returns"
        )
    metrics = list(dict.fromkeys(name.removeprefix("val_") for name in curves))
    epochs = max(map(len, curves.values()))
    if best_epoch is not None and not 0 <= best_epoch < epochs:
        raise OptionError(
            f"learning_curves(best_epoch={best_epoch}): expected an epoch from 0 to {epochs - 1}, such as "
            "the best_epoch of an nn.EarlyStopping"
        )
    ticker = matplotlib("learning_curves", "ticker")
    figure, panes = panels("learning_curves", len(metrics), len(metrics))
    for axes, metric in zip(panes, metrics, strict=True):
        for name, colour in ((metric, TRAINING), (f"val_{metric}", VALIDATION)):
            if name in curves:
                _curve(axes, curves[name], colour)
        if best_epoch is not None:
            said = f"best: epoch {best_epoch + 1}"
            axes.axvline(best_epoch + 1, color=GREY, linewidth=1, linestyle="--", label=said)
        axes.set_xlim(0.5, epochs + 0.5)  # there is no epoch 0
        axes.set_xlabel("epoch")
        axes.set_ylabel(metric)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
        dress(axes)
        axes.legend(frameon=False)
    return figure


def learning_rate_curve(rates: Sequence[float], losses: Sequence[float]) -> Figure:
    """Plot the loss over the learning rate on a logarithmic axis, e.g. the result of `nn.lr_range_test`.

    Args:
        rates: the learning rates, above 0, of shape (n,).
        losses: the loss at each learning rate, of shape (n,).

    Returns:
        A matplotlib Figure; `figure.savefig(path)` writes it.

    Raises:
        DataError: the shapes differ, there are no rates, or a rate is not above 0.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = learning_rate_curve([0.01, 0.1, 1.0], [2.3, 0.7, 5.0])
        >>> figure.axes[0].get_xscale()
        'log'
    """
    x, y = np.asarray(rates, float), np.asarray(losses, float)
    if x.shape != y.shape or x.ndim != 1 or not x.size or not (x > 0).all():
        raise DataError(
            f"learning_rate_curve: rates of shape {x.shape} and losses of shape {y.shape}; expected both of "
            "shape (n,), with rates above 0: curve = nn.lr_range_test(...); learning_rate_curve(*curve)"
        )
    figure, (axes,) = panels("learning_rate_curve", width=4.8)
    axes.plot(x, y, color=TRAINING, linewidth=1.8)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    dress(axes)
    return figure


def learning_rate_schedules(schedules: Any, steps: int) -> Figure:
    """Plot the learning rate over the steps, for one schedule or several.

    Args:
        schedules: an `nn.optim.lr_scheduler` object, or a dict of such objects by name. Copies of them
            run, so the schedules and their optimizers do not change.
        steps: the number of calls of each schedule's `step`.

    Raises:
        DTypeError: a schedule has no `step()` and `get_last_lr()`, or its `step` takes a metric.
        OptionError: `steps` is not a positive integer.
        RendererError: matplotlib is not installed.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0)
        >>> figure = learning_rate_schedules(nn.optim.lr_scheduler.StepLR(optimizer, step_size=2), steps=6)
        >>> [round(float(rate), 3) for rate in figure.axes[0].get_lines()[0].get_ydata()]
        [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]
    """
    if type(steps) is not int or steps < 1:
        raise OptionError(f"learning_rate_schedules(steps={steps!r}): expected a positive integer")
    named = schedules if isinstance(schedules, Mapping) else {type(schedules).__name__: schedules}
    figure, (axes,) = panels("learning_rate_schedules", width=5.6)
    for i, (name, schedule) in enumerate(named.items()):
        axes.plot(
            _rates(name, schedule, steps), color=COLOURS[i % len(COLOURS)], label=name, drawstyle="steps-post"
        )
    axes.set_xlabel("step of the schedule")
    axes.set_ylabel("learning rate")
    axes.set_ylim(bottom=0)
    dress(axes)
    axes.legend(frameon=False)
    return figure


def _rates(name: str, schedule: Any, steps: int) -> list[float]:
    """The rate of the first group before each step."""
    if not (hasattr(schedule, "step") and hasattr(schedule, "get_last_lr")):
        raise DTypeError(
            f"learning_rate_schedules: {name!r} is a {type(schedule).__name__}; expected a schedule, e.g. "
            "nn.optim.lr_scheduler.StepLR(optimizer, step_size=10)"
        )
    schedule = copy.deepcopy(schedule)
    rates = []
    for _ in range(steps):
        rates.append(float(schedule.get_last_lr()[0]))
        try:
            schedule.step()
        except TypeError as error:
            raise DTypeError(
                f"learning_rate_schedules: {name!r} follows a metric, so its rates are not known before "
                "training; plot the rates of a run: learning_curves({'lr': rates})"
            ) from error
    return rates


def _curve(axes: Any, values: list[float], colour: str) -> None:
    epochs = range(1, len(values) + 1)
    marker = "o" if len(values) <= 30 else ""
    look: dict[str, Any] = {"linewidth": 1.8, "marker": marker, "markersize": 3.5}
    axes.plot(epochs, values, color=colour, label=LABELS[colour], **look)
