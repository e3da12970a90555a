"""Uniform, Exponential, Laplace, Cauchy, Gumbel: distributions whose quantiles are elementary functions."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from autograd_lite.arrays import on_host, unwrap
from autograd_lite.errors import OptionError

from . import constraints
from .distribution import Distribution, LocationScale
from .utils import as_value, broadcast_all, drawn

__all__ = ["Cauchy", "Exponential", "Gumbel", "Laplace", "Uniform"]

EULER = 0.5772156649015329
"""The Euler-Mascheroni constant."""


class Uniform(Distribution):
    """The uniform distribution between `low` and `high`: p(x) = 1 / (high - low).

    Args:
        low: the lower bound, which belongs to the interval.
        high: the upper bound, above `low`.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Uniform
        >>> Uniform(0.0, 4.0).mean.item()
        2.0
    """

    arg_constraints: ClassVar = {"low": constraints.dependent, "high": constraints.dependent}
    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        plain = unwrap(self.low), unwrap(self.high)
        if self._validate_args and all(map(on_host, plain)) and not np.all(plain[0] < plain[1]):
            raise OptionError(f"Uniform is not defined when low >= high: low={plain[0]}, high={plain[1]}")

    @property
    def support(self) -> Any:
        """The interval."""
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Any:
        return (self.low + self.high) / 2

    @property
    def mode(self) -> Any:
        return np.full_like(self.low, np.nan)

    @property
    def variance(self) -> Any:
        return (self.high - self.low) ** 2 / 12

    @property
    def stddev(self) -> Any:
        return (self.high - self.low) / math.sqrt(12)

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = drawn("random", self._extended_shape(sample_shape), self.low)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value, self.low)
        inside = (value >= self.low) & (value < self.high)
        return np.where(inside, -np.log(self.high - self.low), -np.inf)

    def cdf(self, value: Any) -> Any:
        value = self._checked(value, self.low)
        return np.clip((value - self.low) / (self.high - self.low), 0, 1)

    def icdf(self, value: Any) -> Any:
        return as_value(value, self.low) * (self.high - self.low) + self.low

    def entropy(self) -> Any:
        return np.log(self.high - self.low)


class Exponential(Distribution):
    """The exponential distribution: p(x) = rate exp(-rate x) for x >= 0.

    Args:
        rate: the inverse of the mean.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Exponential
        >>> Exponential(2.0).mean.item()
        0.5
    """

    arg_constraints: ClassVar = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return 1 / self.rate

    stddev = mean

    @property
    def mode(self) -> Any:
        return np.zeros_like(self.rate)

    @property
    def variance(self) -> Any:
        return 1 / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Any:
        return drawn("standard_exponential", self._extended_shape(sample_shape), self.rate) / self.rate

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value, self.rate)
        return np.log(self.rate) - self.rate * value

    def cdf(self, value: Any) -> Any:
        value = self._checked(value, self.rate)
        return -np.expm1(-self.rate * value)

    def icdf(self, value: Any) -> Any:
        return -np.log1p(-as_value(value, self.rate)) / self.rate

    def entropy(self) -> Any:
        return 1 - np.log(self.rate)


class Laplace(LocationScale):
    """The Laplace distribution: p(x) = exp(-|x - loc| / scale) / (2 scale).

    Args:
        loc: the mean.
        scale: the mean distance from it.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Laplace
        >>> Laplace(0.0, 0.5).variance.item()
        0.5
    """

    _draws = "laplace"

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return 2 * self.scale**2

    @property
    def stddev(self) -> Any:
        return math.sqrt(2) * self.scale

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value, self.loc)
        return -np.log(2 * self.scale) - np.abs(value - self.loc) / self.scale

    def cdf(self, value: Any) -> Any:
        z = self._standardized(value)
        return 0.5 - 0.5 * np.sign(z) * np.expm1(-np.abs(z))

    def icdf(self, value: Any) -> Any:
        centred = as_value(value, self.loc) - 0.5
        return self.loc - self.scale * np.sign(centred) * np.log1p(-2 * np.abs(centred))

    def entropy(self) -> Any:
        return 1 + np.log(2 * self.scale)


class Cauchy(LocationScale):
    """The Cauchy distribution, which has no mean: p(x) = 1 / (pi scale (1 + ((x - loc) / scale)^2)).

    Args:
        loc: the median.
        scale: half the width at half the height.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Cauchy
        >>> Cauchy(0.0, 2.0).cdf(2.0).item()
        0.75
    """

    _draws = "standard_cauchy"

    @property
    def mean(self) -> Any:
        return np.full_like(self.loc, np.nan)

    @property
    def variance(self) -> Any:
        return np.full_like(self.loc, np.inf)

    def log_prob(self, value: Any) -> Any:
        z = self._standardized(value)
        return -math.log(math.pi) - np.log(self.scale) - np.log1p(z * z)

    def cdf(self, value: Any) -> Any:
        value = self._checked(value, self.loc)
        return np.arctan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        return np.tan(math.pi * (as_value(value, self.loc) - 0.5)) * self.scale + self.loc

    def entropy(self) -> Any:
        return math.log(4 * math.pi) + np.log(self.scale)


class Gumbel(LocationScale):
    """The Gumbel distribution, the limit of maxima: p(x) = exp(-z - exp(-z)) / scale, z = (x - loc) / scale.

    Args:
        loc: the mode.
        scale: the width.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Gumbel
        >>> round(Gumbel(0.0, 1.0).mean.item(), 6)
        0.577216
    """

    _draws = "gumbel"

    @property
    def mean(self) -> Any:
        return self.loc + self.scale * EULER

    @property
    def stddev(self) -> Any:
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Any:
        return self.stddev**2

    def log_prob(self, value: Any) -> Any:
        z = self._standardized(value)
        return -z - np.exp(-z) - np.log(self.scale)

    def cdf(self, value: Any) -> Any:
        value = self._checked(value, self.loc)
        return np.exp(-np.exp(-(value - self.loc) / self.scale))

    def icdf(self, value: Any) -> Any:
        return self.loc - self.scale * np.log(-np.log(as_value(value, self.loc)))

    def entropy(self) -> Any:
        return np.log(self.scale) + (1 + EULER)
