"""Curves of a training run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.errors import DataError, DTypeError, RendererError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["learning_curves", "learning_rate_curve"]

TRAINING, VALIDATION = "#1f5fa8", "#d1660f"
LABELS = {TRAINING: "training", VALIDATION: "validation"}


def learning_curves(history: Mapping[str, Sequence[float]]) -> Figure:
    """Loss, accuracy and other metrics over the epochs, training and validation together.

    Args:
        history: for each metric a number per epoch; the validation curve of "loss" is "val_loss".

    Returns:
        A matplotlib Figure with a panel for each metric; `figure.savefig(path)` writes it.

    Raises:
        DTypeError: not a mapping from metrics to lists of numbers.
        DataError: a history without numbers.
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
    figures, ticker = _matplotlib("learning_curves")
    figure: Any = figures.Figure(figsize=(0.4 + 4.4 * len(metrics), 3.4), layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for name, color in ((metric, TRAINING), (f"val_{metric}", VALIDATION)):
            if name in curves:
                _curve(axes, curves[name], color)
        axes.set_xlim(0.5, max(map(len, curves.values())) + 0.5)  # there is no epoch 0
        axes.set_xlabel("epoch")
        axes.set_ylabel(metric)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
        _dress(axes)
        axes.legend(frameon=False)
    return figure  # type: ignore[no-any-return]


def learning_rate_curve(rates: Sequence[float], losses: Sequence[float]) -> Figure:
    """The loss over the learning rate, on a logarithmic axis: what `nn.lr_range_test` has found.

    Args:
        rates: the learning rates, above 0, of shape (n,).
        losses: the loss at each, of shape (n,).

    Returns:
        A matplotlib Figure; `figure.savefig(path)` writes it.

    Raises:
        DataError: not as many losses as rates, none at all, or a rate that is not above 0.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = learning_rate_curve([0.01, 0.1, 1.0], [2.3, 0.7, 5.0])
        >>> figure.axes[0].get_xscale()
        'log'
    """
    x, y = np.asarray(rates, float), np.asarray(losses, float)
    if x.shape != y.shape or x.ndim != 1 or not x.size or not (x > 0).all():
        raise DataError(
            f"learning_rate_curve: rates of shape {x.shape} and losses of shape {y.shape}; expected as many "
            "of both, with rates above 0: curve = nn.lr_range_test(...); learning_rate_curve(*curve)"
        )
    figures, _ = _matplotlib("learning_rate_curve")
    figure: Any = figures.Figure(figsize=(4.8, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, y, color=TRAINING, linewidth=1.8)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    _dress(axes)
    return figure  # type: ignore[no-any-return]


def _matplotlib(who: str) -> tuple[Any, Any]:
    """The modules of matplotlib that draw without a window."""
    try:
        return importlib.import_module("matplotlib.figure"), importlib.import_module("matplotlib.ticker")
    except ImportError as error:
        raise RendererError(
            f"{who} needs matplotlib, which is not installed: pip install matplotlib"
        ) from error


def _dress(axes: Any) -> None:
    """As little ink as will do."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e7ec", linewidth=0.8)
    axes.set_axisbelow(True)


def _curve(axes: Any, values: list[float], color: str) -> None:
    epochs = range(1, len(values) + 1)
    marker = "o" if len(values) <= 30 else ""
    axes.plot(epochs, values, color=color, label=LABELS[color], linewidth=1.8, marker=marker, markersize=3.5)
