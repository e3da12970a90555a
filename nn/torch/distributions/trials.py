"""NegativeBinomial, Multinomial: counts of repeated trials."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import OptionError

from ..gammas import lgamma
from ..tensors import torched
from . import constraints
from .categorical import OfClasses
from .counts import Binomial, Poisson, Probabilities
from .gamma import Gamma
from .utils import broadcast_all

__all__ = ["Multinomial", "NegativeBinomial"]


class NegativeBinomial(Probabilities):
    """The number of successes before `total_count` failures.

    Args:
        total_count: the number of failures, also between whole numbers.
        probs: the probability of a success, below 1.
        logits: log(p / (1 - p)), in place of `probs`.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import NegativeBinomial
        >>> NegativeBinomial(5.0, 0.5).mean.item()
        5.0
    """

    arg_constraints: ClassVar = {
        "total_count": constraints.nonnegative,
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        value = self._take(probs, logits)
        name = "probs" if logits is None else "logits"
        self.total_count, self.__dict__[name] = broadcast_all(total_count, value)
        super().__init__(self.total_count.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.total_count * np.exp(self.logits)

    @property
    def mode(self) -> Any:
        return np.maximum(np.floor((self.total_count - 1) * np.exp(self.logits)), 0)

    @property
    def variance(self) -> Any:
        return self.mean / ag.sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Any:
        with ag.no_grad():
            rate = Gamma(self.total_count, np.exp(-self.logits), validate_args=False).sample(sample_shape)
            return Poisson(rate).sample()

    def log_prob(self, value: Any) -> Any:
        value, n, logits = self._checked(value, self._parameter), self.total_count, self.logits
        ways = lgamma(n + value) - lgamma(1 + value) - lgamma(n)
        return np.where(n + value == 0, 0, ways) - n * ag.softplus(logits) - value * ag.softplus(-logits)


class Multinomial(OfClasses):
    """The numbers of times that each class comes up in `total_count` draws.

    Args:
        total_count: the number of draws, the same for the whole batch.
        probs, logits, validate_args: those of `Categorical`.

    Example:
        >>> import nn.torch as torch
        >>> torch.distributions.Multinomial(4, torch.tensor([1.0, 3.0])).mean.tolist()
        [1.0, 3.0]
    """

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, (int, np.integer)):
            raise OptionError(f"Multinomial(total_count={total_count!r}): expected one int for the batch")
        self.total_count = int(total_count)
        super().__init__(probs, logits, validate_args)

    @property
    def support(self) -> Any:
        """Vectors of counts."""
        return constraints.independent(constraints.integer_interval(0, self.total_count), 1)

    @property
    def mean(self) -> Any:
        return self.probs * self.total_count

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        classes = self._categorical.sample((self.total_count, *sample_shape))
        hits = torched(np.expand_dims(classes, -1) == np.arange(self._categorical._num_events))
        return np.sum(hits, axis=0).astype(self.probs.dtype)

    def entropy(self) -> Any:
        n = self.total_count
        each = Binomial(n, self.probs, validate_args=False)
        counts = each.enumerate_support(expand=False)[1:]
        of_ways = np.sum(np.exp(each.log_prob(counts)) * lgamma(counts + 1), axis=(0, -1))
        return n * self._categorical.entropy() - math.lgamma(n + 1) + of_ways

    def log_prob(self, value: Any) -> Any:
        value, logits = self._checked(value, self.logits), self.logits
        powers = np.where((value == 0) & np.isinf(logits), 0, logits * value)
        return lgamma(np.sum(value, axis=-1) + 1) + np.sum(powers - lgamma(value + 1), axis=-1)
