"""Relaxed distributions of classes: samples between the corners, which can be differentiated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_lite as ag

from . import constraints
from .categorical import OfClasses
from .counts import Probabilities
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform, SigmoidTransform
from .utils import broadcast_all, clamp_probs, drawn

__all__ = ["ExpRelaxedCategorical", "LogitRelaxedBernoulli", "RelaxedBernoulli", "RelaxedOneHotCategorical"]


class LogitRelaxedBernoulli(Probabilities):
    """The logits of a `RelaxedBernoulli`.

    Args:
        temperature: a number or a Tensor; samples of `RelaxedBernoulli` go to 0 and 1 as it goes to 0.
        probs: the probability of 1.
        logits: log(p / (1 - p)), in place of `probs`.
        validate_args: see `Distribution`.

    Source:
        C. Maddison, A. Mnih, Y. W. Teh, "The concrete distribution", 2017.
    """

    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = temperature
        super().__init__(self._take(probs, logits).shape, validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = clamp_probs(drawn("random", self._extended_shape(sample_shape), self._parameter))
        return (np.log(u) - np.log1p(-u) + self.logits) / self.temperature

    def log_prob(self, value: Any) -> Any:
        difference = self.logits - self._checked(value, self._parameter) * self.temperature
        (temperature,) = broadcast_all(self.temperature)
        return np.log(temperature) + difference - 2 * ag.softplus(difference)


class RelaxedBernoulli(TransformedDistribution):
    """A Bernoulli variable between 0 and 1, whose samples can be differentiated.

    Args:
        temperature, probs, logits, validate_args: those of `LogitRelaxedBernoulli`.

    Example:
        >>> import nn.torch as torch
        >>> logits = torch.zeros(2, requires_grad=True)
        >>> torch.distributions.RelaxedBernoulli(0.5, logits=logits).rsample().requires_grad
        True
    """

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args)

    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)


class ExpRelaxedCategorical(OfClasses):
    """The logarithm of a `RelaxedOneHotCategorical`.

    Args:
        temperature: a number or a Tensor; as it goes to 0, samples go to the corners.
        probs, logits, validate_args: those of `Categorical`.

    Source:
        E. Jang, S. Gu, B. Poole, "Categorical reparameterization with Gumbel-softmax", 2017.
    """

    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = temperature
        super().__init__(probs, logits, validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = drawn("gumbel", self._extended_shape(sample_shape), self.logits)
        return ag.log_softmax((self.logits + noise) / self.temperature, axis=-1)

    def log_prob(self, value: Any) -> Any:
        k = int(self._event_shape[0])
        (temperature,) = broadcast_all(self.temperature)
        scores = self.logits - self._checked(value, self.logits) * self.temperature
        normalized = np.sum(ag.log_softmax(scores, axis=-1), axis=-1)
        return normalized + math.lgamma(k) + (k - 1) * np.log(temperature)


class RelaxedOneHotCategorical(TransformedDistribution):
    """A one-hot vector between the corners, whose samples can be differentiated: Gumbel-softmax.

    Args:
        temperature, probs, logits, validate_args: those of `ExpRelaxedCategorical`.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.distributions.RelaxedOneHotCategorical(0.5, torch.ones(3)).rsample()
        >>> round(x.sum().item(), 5)
        1.0
    """

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    support = constraints.simplex
    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)
