"""Curves of a training run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.errors import DataError, DTypeError, RendererError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["learning_curves"]

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
    try:
        figures = importlib.import_module("matplotlib.figure")
        ticker = importlib.import_module("matplotlib.ticker")
    except ImportError as error:
        raise RendererError(
            "learning_curves needs matplotlib, which is not installed: pip install matplotlib"
        ) from error
    figure: Any = figures.Figure(figsize=(0.4 + 4.4 * len(metrics), 3.4), layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for name, color in ((metric, TRAINING), (f"val_{metric}", VALIDATION)):
            if name in curves:
                _curve(axes, curves[name], color)
        axes.set_xlim(0.5, max(map(len, curves.values())) + 0.5)  # there is no epoch 0
        axes.set_xlabel("epoch")
        axes.set_ylabel(metric)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e3e7ec", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.legend(frameon=False)
    return figure  # type: ignore[no-any-return]


def _curve(axes: Any, values: list[float], color: str) -> None:
    epochs = range(1, len(values) + 1)
    marker = "o" if len(values) <= 30 else ""
    axes.plot(epochs, values, color=color, label=LABELS[color], linewidth=1.8, marker=marker, markersize=3.5)
