"""The uncertainty of a model: predictions with dropout left on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DataError
from autograd_lite.sums import mean, narrowed

from .arrays import as_array
from .layers.dropout import Dropout
from .module import Module
from .options import check_whole
from .undo import evaluating

__all__ = ["Sampled", "mc_dropout"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Sampled:
    """Several outputs of a random model for the same inputs.

    Attributes:
        samples: the outputs, of shape (samples, *output).
    """

    samples: Array

    @property
    def mean(self) -> Array:
        """The prediction: the mean over the samples."""
        return np.asarray(narrowed(mean(self.samples, 0), self.samples))

    @property
    def std(self) -> Array:
        """The standard deviation over the samples."""
        return np.asarray(self.samples.std(axis=0))

    @property
    def entropy(self) -> Array:
        """The entropy of the mean probabilities, in nats: the total uncertainty about the class.

        Raises:
            DataError: the samples are not probabilities.
        """
        return np.asarray(_entropy(self._probabilities.mean(axis=0)))

    @property
    def mutual_information(self) -> Array:
        """The part of the entropy that comes from uncertain weights; 0 where all samples agree.

        Source:
            N. Houlsby et al., "Bayesian active learning for classification and preference learning", 2011.
        """
        return np.asarray(self.entropy - _entropy(self._probabilities).mean(axis=0))

    @property
    def _probabilities(self) -> Array:
        p = self.samples
        if p.min(initial=0) < 0 or not np.allclose(p.sum(axis=-1), 1, atol=1e-4):
            raise DataError(
                "an entropy needs probabilities, which add up to 1 along the last axis; for a model "
                "that gives logits, write mc_dropout(model, X, activation=nn.Softmax(dim=-1))"
            )
        return p


def _entropy(p: Array) -> Any:
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)


def mc_dropout(
    model: Module,
    X: npt.ArrayLike | Tensor,
    samples: int = 100,
    activation: Callable[[Any], Any] | None = None,
) -> Sampled:
    """Predict many times with dropout left on; the spread of the outputs measures the uncertainty.

    Each dropout mask is a draw of weights from an approximate posterior.

    Args:
        model: a model with Dropout layers. All other layers are in evaluation mode during the call.
        X: inputs of shape (n, ...).
        samples: the number of predictions.
        activation: a function applied to the outputs, e.g. `nn.Softmax(dim=-1)` to logits.

    Raises:
        DataError: the model has no Dropout layer, so all predictions would be equal.

    Source:
        Y. Gal, Z. Ghahramani, "Dropout as a Bayesian approximation", 2016.

    Example:
        >>> import nn, numpy as np
        >>> nn.manual_seed(0)
        >>> model = nn.Sequential(nn.Dropout(0.5), nn.Linear(1, 1, bias=False))
        >>> model[1].weight.data = np.array([[1.0]])
        >>> prediction = nn.mc_dropout(model, np.array([[1.0], [3.0]]), samples=4000)
        >>> prediction.mean.round(1).tolist(), prediction.std.round(1).tolist()
        ([[1.0], [3.0]], [[1.0], [3.0]])
    """
    check_whole("mc_dropout", "samples", samples, example=100)
    dropped = [module for module in model.modules() if isinstance(module, Dropout)]
    if not dropped:
        raise DataError(f"mc_dropout: there is no Dropout layer in this {type(model).__name__}")
    x = X if isinstance(X, Tensor) else as_array(X)
    with evaluating(model), ag.no_grad():
        for layer in dropped:
            layer.training = True
        outputs = (model(x) for _ in range(samples))
        return Sampled(np.stack([as_array(activation(y) if activation else y) for y in outputs]))
