"""The metrics of a Trainer, by unique names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DTypeError, OptionError

from .. import metrics as known_metrics

__all__ = ["Metric", "measures"]

Metric = Callable[[npt.NDArray[Any], npt.NDArray[Any]], float]

TAKEN = ("loss", "learning_rate")
"""Names in a history that metrics must not take."""


def measures(metrics: Iterable[Metric | str] | Metric | str) -> dict[str, Metric]:
    """Metrics by name. Metrics with the same name get their options added to the name, or else a number.

    Raises:
        DTypeError: a metric is not a function.
        OptionError: there is no metric of this name.

    Example:
        >>> list(measures(["accuracy"] + [partial(known_metrics.top_k_accuracy, k=k) for k in (1, 2)]))
        ['accuracy', 'top_k_accuracy(k=1)', 'top_k_accuracy(k=2)']
    """
    several = [metrics] if isinstance(metrics, str) or callable(metrics) else metrics
    functions = list({id(metric): metric for metric in map(_metric, several)}.values())  # without repetitions
    plain = list(map(_name, functions))
    named: dict[str, Metric] = {}
    for function, name in zip(functions, plain, strict=True):
        if Counter(plain)[name] > 1:
            name += _options(function)
        number, free = 1, name
        while free in named or free in TAKEN:
            number += 1
            free = f"{name}_{number}"
        named[free] = function
    return named


def _name(metric: Metric) -> str:
    if isinstance(metric, partial):
        return _name(metric.func)
    return getattr(metric, "__name__", type(metric).__name__)


def _options(metric: Metric) -> str:
    """The short options of a partial function, as text: "(k=1)"."""
    if not isinstance(metric, partial):
        return ""
    shown = [
        f"{key}={value}"
        for key, value in metric.keywords.items()
        if value is None or isinstance(value, (str, int, float, np.number))
    ]
    return f"({', '.join([*map(str, metric.args), *shown])})" if shown or metric.args else ""


def _metric(metric: Metric | str) -> Metric:
    if not isinstance(metric, str):
        if not callable(metric) or isinstance(metric, type):
            raise DTypeError(
                f"Trainer: the metric {metric!r} is neither a function of outputs and targets nor a name"
            )
        return metric
    if metric not in known_metrics.__all__:
        raise OptionError(
            f"Trainer: unknown metric {metric!r}; nn.metrics has {', '.join(known_metrics.__all__)}, and any "
            "function metric(outputs, targets) can be given"
        )
    function: Metric = getattr(known_metrics, metric)
    return function
