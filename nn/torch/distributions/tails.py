"""HalfCauchy, Weibull, Pareto, InverseGamma: positive variables, functions of others of this package."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..gammas import digamma, lgamma
from . import constraints
from .continuous import EULER, Exponential
from .distribution import Half
from .gamma import Gamma
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform, PowerTransform
from .utils import as_value, broadcast_all

__all__ = ["HalfCauchy", "InverseGamma", "Pareto", "Weibull"]


class HalfCauchy(Half):
    """The absolute value of a Cauchy variable with median 0.

    Args:
        scale: the scale of the Cauchy variable.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import HalfCauchy
        >>> HalfCauchy(2.0).cdf(2.0).item()
        0.5
    """

    _draws = "standard_cauchy"

    @property
    def mean(self) -> Any:
        return np.full_like(self.scale, np.inf)

    variance = mean

    def log_prob(self, value: Any) -> Any:
        z = self._checked(value, self.scale) / self.scale
        return np.where(z >= 0, math.log(2 / math.pi) - np.log(self.scale) - np.log1p(z * z), -np.inf)

    def cdf(self, value: Any) -> Any:
        return 2 / math.pi * np.arctan(self._checked(value, self.scale) / self.scale)

    def icdf(self, value: Any) -> Any:
        return self.scale * np.tan(math.pi / 2 * as_value(value, self.scale))

    def entropy(self) -> Any:
        return math.log(2 * math.pi) + np.log(self.scale)


class Weibull(TransformedDistribution):
    """The Weibull distribution: P(X > x) = exp(-(x / scale)^concentration).

    Args:
        scale: positive.
        concentration: positive; 1 gives the exponential distribution.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Weibull
        >>> round(Weibull(2.0, 1.0).mean.item(), 5)
        2.0
    """

    arg_constraints: ClassVar = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        steps = [PowerTransform(1 / self.concentration), AffineTransform(0, self.scale)]
        super().__init__(Exponential(np.ones_like(self.scale), validate_args), steps, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        scale, k = (np.broadcast_to(x, tuple(batch_shape)) for x in (self.scale, self.concentration))
        return Weibull(scale, k, self._validate_args)

    def _moment(self, k: int) -> Any:
        return self.scale**k * np.exp(lgamma(1 + k / self.concentration))

    @property
    def mean(self) -> Any:
        return self._moment(1)

    @property
    def mode(self) -> Any:
        k = self.concentration
        return self.scale * np.where(k > 1, np.maximum((k - 1) / k, 0) ** (1 / k), 0)

    @property
    def variance(self) -> Any:
        return self._moment(2) - self._moment(1) ** 2

    def entropy(self) -> Any:
        k = self.concentration
        return EULER * (1 - 1 / k) + np.log(self.scale / k) + 1


class Pareto(TransformedDistribution):
    """The Pareto distribution: P(X > x) = (scale / x)^alpha for x >= scale.

    Args:
        scale: the least value, positive.
        alpha: the exponent, positive.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Pareto
        >>> Pareto(1.0, 3.0).mean.item()
        1.5
    """

    arg_constraints: ClassVar = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        steps = [ExpTransform(), AffineTransform(0, self.scale)]
        super().__init__(Exponential(self.alpha, validate_args), steps, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        scale, alpha = (np.broadcast_to(x, tuple(batch_shape)) for x in (self.scale, self.alpha))
        return Pareto(scale, alpha, self._validate_args)

    @property
    def support(self) -> Any:
        """The numbers from the scale on."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Any:
        a = np.maximum(self.alpha, 1)
        with np.errstate(all="ignore"):
            return a * self.scale / (a - 1)

    @property
    def mode(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        a = np.maximum(self.alpha, 2)
        with np.errstate(all="ignore"):
            return self.scale**2 * a / ((a - 1) ** 2 * (a - 2))

    def entropy(self) -> Any:
        return np.log(self.scale / self.alpha) + 1 + 1 / self.alpha


class InverseGamma(TransformedDistribution):
    """The distribution of 1 / x for a gamma variable x.

    Args:
        concentration: the shape parameter of x, positive.
        rate: the rate of x, positive.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import InverseGamma
        >>> InverseGamma(3.0, 4.0).mean.item()
        2.0
    """

    arg_constraints: ClassVar = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        super().__init__(Gamma(concentration, rate, validate_args), PowerTransform(-1.0), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        base = self.base_dist.expand(batch_shape)
        return InverseGamma(base.concentration, base.rate, self._validate_args)

    concentration = property(lambda self: self.base_dist.concentration)
    rate = property(lambda self: self.base_dist.rate)

    @property
    def mean(self) -> Any:
        a = self.concentration
        return np.where(a > 1, self.rate / np.where(a > 1, a - 1, 1), np.full_like(a, np.inf))

    @property
    def mode(self) -> Any:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Any:
        a = self.concentration
        above = np.where(a > 2, (a - 1) ** 2 * (a - 2), 1)
        return np.where(a > 2, self.rate**2 / above, np.full_like(a, np.inf))

    def entropy(self) -> Any:
        a = self.concentration
        return a + np.log(self.rate) + lgamma(a) - (1 + a) * digamma(a)
