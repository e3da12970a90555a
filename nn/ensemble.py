"""Ensembles: several models whose outputs are combined."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, OptionError, ShapeError

from .arrays import as_array
from .functional import softmax
from .layers.containers import ModuleList
from .module import Module
from .options import check_whole
from .random import generator
from .workers import spread

__all__ = ["Committee", "bagging", "committee", "grid_search"]


def _mean(outputs: Sequence[Any]) -> Any:
    return sum(outputs[1:], start=outputs[0]) / len(outputs)


def _shares(outputs: Sequence[Any]) -> Any:
    """The fraction of the models that vote for each class."""
    logits = np.stack([as_array(y) for y in outputs])
    return np.mean(np.eye(logits.shape[-1], dtype=logits.dtype)[logits.argmax(axis=-1)], axis=0)


VOTES: dict[str, Callable[[Sequence[Any]], Any]] = {
    "soft": lambda outputs: _mean([softmax(y, dim=-1) for y in outputs]),
    "hard": _shares,
    "mean": _mean,
}


class Committee(Module):
    """Combine the outputs of several models. Their errors differ, so the committee errs less.

    Args:
        models: models with the same inputs and outputs of the same shape.
        voting: how outputs are combined. "soft" averages the probabilities, the softmax of the outputs.
            "hard" gives the fraction of the models that vote for each class, by `argmax`. "mean"
            averages the outputs themselves, e.g. for regression.

    Raises:
        DataError: there are no models.
        OptionError: `voting` is none of these.

    Source:
        L. Breiman, "Bagging predictors", 1996.

    Example:
        >>> import nn, numpy as np
        >>> models = [nn.Linear(1, 2, bias=False) for _ in range(3)]
        >>> for model, w in zip(models, (1.0, 2.0, -9.0)):
        ...     model.weight.data = np.array([[w], [0.0]])
        >>> x = np.array([[1.0]])
        >>> nn.Committee(models, voting="hard")(x).round(3).tolist()
        [[0.667, 0.333]]
        >>> nn.Committee(models, voting="soft")(x).numpy().round(3).tolist()
        [[0.537, 0.463]]
    """

    def __init__(self, models: Iterable[Module], voting: str = "soft") -> None:
        self.models, self.voting = ModuleList(models), voting
        if not len(self.models):
            raise DataError("Committee: expected one or more models, got none")
        if voting not in VOTES:
            raise OptionError(f"Committee(voting={voting!r}): expected one of {', '.join(map(repr, VOTES))}")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return VOTES[self.voting]([model(*args, **kwargs) for model in self.models])

    def extra_repr(self) -> str:
        """The voting."""
        return f"voting={self.voting!r}"


def bagging(
    train: Callable[[Any, Any], Module],
    X: npt.ArrayLike | Tensor,
    y: npt.ArrayLike | Tensor,
    models: int = 10,
    voting: str = "soft",
    *,
    workers: int | None = None,
) -> Committee:
    """A committee of models, each trained on a bootstrap sample: n samples, drawn with replacement.

    Args:
        train: `train(X, y)` makes a model, trains it on these samples, and returns it.
        X: inputs of shape (n, ...).
        y: targets of shape (n, ...).
        models: the number of models.
        voting: see `Committee`.
        workers: see `committee`.

    Raises:
        ShapeError: X and y have different lengths.
        DataError: there are no samples.

    Source:
        L. Breiman, "Bagging predictors", 1996.

    Example:
        >>> import nn, numpy as np
        >>> def train(X, y):
        ...     model = nn.Linear(1, 1)
        ...     trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1))
        ...     trainer.fit(X, y, epochs=60, verbose=False)
        ...     return model
        >>> nn.manual_seed(0)
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> committee = nn.bagging(train, X, 2 * X, models=3, voting="mean")
        >>> committee(np.array([[0.5]])).round(1).tolist()
        [[1.0]]
    """
    check_whole("bagging", "models", models, example=10)
    X, y = as_array(X), as_array(y)
    if X.shape[:1] != y.shape[:1] or not X.ndim:
        raise ShapeError(f"bagging: X has shape {X.shape}, y {y.shape}; expected as many targets as inputs")
    if not len(X):
        raise DataError("bagging: there are no samples to draw from")
    return Committee(spread("bagging", partial(_bagged, train, X, y), range(models), workers), voting)


def _bagged(train: Callable[[Any, Any], Module], X: Any, y: Any, _: int) -> Module:
    sample = generator.integers(len(X), size=len(X))
    return train(X[sample], y[sample])


def committee(
    train: Callable[[], Module], models: int = 5, voting: str = "soft", *, workers: int | None = None
) -> Committee:
    """A committee of models that differ in their initial weights and in the order of their samples.

    Args:
        train: `train()` makes a model, trains it, and returns it; each call has its own random numbers.
        models: the number of models.
        voting: see `Committee`.
        workers: train on this number of processes with one thread each, so that a committee of five takes
            the time of its slowest net on five cores. The models do not depend on the number. Under
            `mpiexec -n 6 python -m mpi4py.futures program.py` the processes may be on several machines.
            None trains one model after another, with all threads.

    Example:
        >>> import nn, numpy as np
        >>> nn.manual_seed(0)
        >>> nn.committee(lambda: nn.Linear(1, 2), models=3, workers=2)
        Committee(
          voting='soft'
          (models): ModuleList(
            (0): Linear(in_features=1, out_features=2, bias=True)
            (1): Linear(in_features=1, out_features=2, bias=True)
            (2): Linear(in_features=1, out_features=2, bias=True)
          )
        )
    """
    check_whole("committee", "models", models, example=5)
    return Committee(spread("committee", partial(_called, train), range(models), workers), voting)


def _called(train: Callable[[], Module], _: int) -> Module:
    return train()


def grid_search(
    score: Callable[..., float], grid: Mapping[str, Sequence[Any]], *, workers: int | None = None
) -> list[tuple[float, dict[str, Any]]]:
    """The scores of all combinations of options, the largest first.

    Args:
        score: `score(**options)` trains and evaluates with these options; larger is better.
        grid: the values of each option.
        workers: see `committee`.

    Returns:
        Pairs of a score and its options. Combinations whose score is NaN come last.

    Raises:
        DataError: the grid has no combinations.

    Example:
        >>> import nn
        >>> grid_search(lambda lr, width: -abs(lr - 0.1) + width, {"lr": [0.01, 0.1], "width": [1, 2]})[0]
        (2.0, {'lr': 0.1, 'width': 2})
    """
    every = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    if not every:
        raise DataError("grid_search: an option has no values to try")
    scores = map(float, spread("grid_search", partial(_scored, score), every, workers))
    return sorted(zip(scores, every, strict=True), key=lambda pair: (math.isnan(pair[0]), -pair[0]))


def _scored(score: Callable[..., float], options: Mapping[str, Any]) -> float:
    return score(**options)
