"""Several models that answer together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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

__all__ = ["Committee", "bagging"]


def _mean(outputs: Sequence[Any]) -> Any:
    return sum(outputs[1:], start=outputs[0]) / len(outputs)


def _shares(outputs: Sequence[Any]) -> Any:
    """The share of the models that vote for each class."""
    logits = np.stack([as_array(y) for y in outputs])
    return np.mean(np.eye(logits.shape[-1], dtype=logits.dtype)[logits.argmax(axis=-1)], axis=0)


VOTES: dict[str, Callable[[Sequence[Any]], Any]] = {
    "soft": lambda outputs: _mean([softmax(y, dim=-1) for y in outputs]),
    "hard": _shares,
    "mean": _mean,
}


class Committee(Module):
    """Models whose answers are put together; they err in different places, so the whole errs less.

    Args:
        models: from the same inputs to outputs of the same shape.
        voting: "soft" for the mean of their probabilities, the softmax of their outputs; "hard" for the
            share of them that vote for each class (among equals, `argmax` takes the first); "mean" for the
            mean of the outputs themselves, as for regression.

    Raises:
        DataError: there are no models.
        OptionError: another `voting`.

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
        """How they vote."""
        return f"voting={self.voting!r}"


def bagging(
    train: Callable[[Any, Any], Module],
    X: npt.ArrayLike | Tensor,
    y: npt.ArrayLike | Tensor,
    models: int = 10,
    voting: str = "soft",
) -> Committee:
    """A committee of models, each trained on a bootstrap sample: as many samples, drawn with replacement.

    Args:
        train: `train(X, y)` makes a model, trains it on these samples, and returns it.
        X: inputs of shape (n, ...).
        y: targets of shape (n, ...).
        models: how many.
        voting: see `Committee`.

    Raises:
        ShapeError: X and y are of different lengths.
        DataError: there are no samples.

    Source:
        L. Breiman, "Bagging predictors", 1996.

    Example:
        >>> import nn, numpy as np
        >>> def train(X, y):
        ...     model = nn.Linear(1, 1)
        ...     trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1))
        ...     trainer.fit(X, y, epochs=30, verbose=False)
        ...     return model
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
    samples = (generator.integers(len(X), size=len(X)) for _ in range(models))
    return Committee([train(X[sample], y[sample]) for sample in samples], voting)
