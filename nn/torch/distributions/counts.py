"""Bernoulli, Geometric, Binomial, Poisson: distributions of whole numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

import autograd_lite as ag

from ..gammas import lgamma
from ..tensors import torched
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, drawn, drawn_with, either, logits_to_probs, probs_to_logits

__all__ = ["Bernoulli", "Binomial", "Geometric", "Poisson", "Probabilities"]


class Probabilities(Distribution):
    """A distribution of two outcomes, given by the probabilities or by their logits: one of the two."""

    arg_constraints: ClassVar = {"probs": constraints.unit_interval, "logits": constraints.real}

    def _take(self, probs: Any, logits: Any) -> Any:
        name, value = either(type(self).__name__, probs, logits)
        self.__dict__[name] = value
        return value

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if name == "probs" and "logits" in own:
            return logits_to_probs(own["logits"], is_binary=True)
        if name == "logits" and "probs" in own:
            return probs_to_logits(own["probs"], is_binary=True)
        raise AttributeError(f"{type(self).__name__} has no {name}")

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter that was given."""
        return self._parameter.shape

    @property
    def _parameter(self) -> Any:
        return self.__dict__.get("probs", self.__dict__.get("logits"))


def _log_odds(value: Any, logits: Any) -> Any:
    """value * log p + (1 - value) * log(1 - p), from the logits of p."""
    return value * logits - ag.softplus(logits)


class Bernoulli(Probabilities):
    """1 with a probability, else 0.

    Args:
        probs: the probability of 1.
        logits: log(p / (1 - p)), in place of `probs`.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Bernoulli
        >>> Bernoulli(0.25).variance.item()
        0.1875
    """

    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(self._take(probs, logits).shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        return np.where(self.probs == 0.5, np.nan, self.probs >= 0.5).astype(self.probs.dtype)

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        with ag.no_grad():
            probs = self.probs
            u = drawn("random", self._extended_shape(sample_shape), probs)
            return torched(u < probs).astype(probs.dtype)

    def log_prob(self, value: Any) -> Any:
        return _log_odds(self._checked(value, self._parameter), self.logits)

    def entropy(self) -> Any:
        return -_log_odds(self.probs, self.logits)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._enumerated(np.arange(2, dtype=self._parameter.dtype), expand)


class Geometric(Probabilities):
    """The number of failures before the first success: P(k) = (1 - p)^k p.

    Args:
        probs: the probability p of a success.
        logits: log(p / (1 - p)), in place of `probs`.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Geometric
        >>> Geometric(0.25).mean.item()
        3.0
    """

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(self._take(probs, logits).shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Any:
        return np.zeros_like(self.probs)

    @property
    def variance(self) -> Any:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        with ag.no_grad():
            u = drawn("random", self._extended_shape(sample_shape), self.probs)
            return torched(np.floor(np.log1p(-u) / np.log1p(-self.probs)))

    def log_prob(self, value: Any) -> Any:
        value, probs = self._checked(value, self._parameter), self.probs
        return np.where((probs == 1) & (value == 0), 0, value * np.log1p(-probs)) + np.log(probs)

    def entropy(self) -> Any:
        return -_log_odds(self.probs, self.logits) / self.probs


class Binomial(Probabilities):
    """The number of successes in `total_count` trials.

    Args:
        total_count: the number of trials.
        probs: the probability of a success.
        logits: log(p / (1 - p)), in place of `probs`.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Binomial
        >>> Binomial(10, 0.5).mean.item()
        5.0
    """

    arg_constraints: ClassVar = {
        "total_count": constraints.nonnegative_integer,
        **Probabilities.arg_constraints,
    }
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        value = self._take(probs, logits)
        name = "probs" if logits is None else "logits"
        self.total_count, self.__dict__[name] = broadcast_all(total_count, value)
        self.total_count = self.total_count.astype(value.dtype)
        super().__init__(self.total_count.shape, validate_args=validate_args)

    @property
    def support(self) -> Any:
        """The numbers from 0 to the number of trials."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Any:
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        return np.minimum(np.floor((self.total_count + 1) * self.probs), self.total_count)

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        probs = ag.stop_gradient(self.probs)
        trials = self.total_count.astype(np.int64)
        numbers = drawn_with("binomial", self._extended_shape(sample_shape), trials, probs)
        return numbers.astype(probs.dtype)

    def log_prob(self, value: Any) -> Any:
        value, n, logits = self._checked(value, self._parameter), self.total_count, self.logits
        ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(n - value + 1)
        return ways + value * logits - n * ag.softplus(logits)

    def entropy(self) -> Any:
        log_probs = self.log_prob(self.enumerate_support(expand=False))
        return -np.sum(np.exp(log_probs) * log_probs, axis=0)

    def enumerate_support(self, expand: bool = True) -> Any:
        counts = np.unique(ag.stop_gradient(self.total_count).numpy())
        if len(counts) > 1:
            return self._missing("enumerate_support for several numbers of trials at once")
        return self._enumerated(np.arange(1 + int(counts[0]), dtype=self._parameter.dtype), expand)


class Poisson(Distribution):
    """The number of events at a rate: P(k) = rate^k exp(-rate) / k!.

    Args:
        rate: the expected number.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Poisson
        >>> Poisson(3.0).variance.item()
        3.0
    """

    arg_constraints: ClassVar = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.rate

    variance = mean

    @property
    def mode(self) -> Any:
        return np.floor(self.rate)

    def sample(self, sample_shape: Any = ()) -> Any:
        return drawn_with("poisson", self._extended_shape(sample_shape), self.rate)

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value, self.rate)
        powers = np.where((value == 0) & (self.rate == 0), 0, value * np.log(self.rate))
        return powers - self.rate - lgamma(value + 1)
