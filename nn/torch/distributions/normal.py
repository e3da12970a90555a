"""Normal, HalfNormal: bell curves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_lite as ag

from ..gammas import erfinv
from .distribution import Half, LocationScale
from .utils import as_value

__all__ = ["HalfNormal", "Normal"]


class Normal(LocationScale):
    """The normal distribution: p(x) = exp(-((x - loc) / scale)^2 / 2) / (scale sqrt(2 pi)).

    Args:
        loc: the mean.
        scale: the standard deviation.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Normal
        >>> round(Normal(0.0, 1.0).log_prob(0.0).item(), 6)
        -0.918939
    """

    _draws = "standard_normal"

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def stddev(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        return self.scale**2

    def log_prob(self, value: Any) -> Any:
        z = self._standardized(value)
        return -0.5 * z * z - np.log(self.scale) - math.log(2 * math.pi) / 2

    def entropy(self) -> Any:
        return 0.5 + math.log(2 * math.pi) / 2 + np.log(self.scale)

    def cdf(self, value: Any) -> Any:
        value = self._checked(value, self.loc)
        return 0.5 * (1 + ag.erf((value - self.loc) / self.scale * math.sqrt(0.5)))

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * erfinv(2 * as_value(value, self.loc) - 1) * math.sqrt(2)


class HalfNormal(Half):
    """The absolute value of a normal variable with mean 0.

    Args:
        scale: the standard deviation of the normal variable.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import HalfNormal
        >>> round(HalfNormal(1.0).mean.item(), 6)
        0.797885
    """

    _draws = "standard_normal"

    @property
    def mean(self) -> Any:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Any:
        return self.scale**2 * (1 - 2 / math.pi)

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value, self.scale)
        z = value / self.scale
        density = -0.5 * z * z - np.log(self.scale) + math.log(2 / math.pi) / 2
        return np.where(value >= 0, density, -np.inf)

    def cdf(self, value: Any) -> Any:
        value = self._checked(value, self.scale)
        return ag.erf(value / self.scale * math.sqrt(0.5))

    def icdf(self, value: Any) -> Any:
        return self.scale * erfinv(as_value(value, self.scale)) * math.sqrt(2)

    def entropy(self) -> Any:
        return 0.5 * math.log(math.pi / 2) + 0.5 + np.log(self.scale)
