"""Gamma, Chi2, Beta, Dirichlet, StudentT: distributions made of gamma variables.

NumPy draws gamma variables. The derivative of one by its shape parameter is taken at a fixed quantile: see
`gamma_slope`. All others of this file are functions of gamma variables, and are differentiated as such: a
Beta is x / (x + y). PyTorch takes a Beta and a Dirichlet at fixed quantiles of their own. The expected
gradients are the same.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

import autograd_lite as ag
from autograd_lite.arrays import unwrap
from autograd_lite.errors import NotDifferentiableError

from ..functions.pointwise import scipys
from ..gammas import digamma, gamma_slope, lgamma
from ..tensors import torched
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, drawn, drawn_with

__all__ = ["Beta", "Chi2", "Dirichlet", "Gamma", "StudentT"]


def standard_gamma(a: Any, shape: Any) -> Any:
    """Gamma variables of rate 1, which can be differentiated once by their shape parameters `a`."""
    a = np.broadcast_to(a, tuple(shape))
    sample = drawn_with("standard_gamma", shape, a)
    tiny = float(np.finfo(np.dtype(a.dtype)).tiny)
    return ag.custom_step(np.maximum(sample, tiny), [a], _pulled, name="standard_gamma")


def _pulled(g: Any, x: Any, a: Any) -> tuple[Any]:
    values = gamma_slope(unwrap(x), unwrap(a)).astype(a.dtype)
    return (g * ag.custom_step(values, [a], _refused, name="gamma_slope"),)


def _refused(*_: Any) -> Any:
    raise NotDifferentiableError(
        "the derivative of a gamma sample by its concentration cannot be differentiated again; take second "
        "derivatives of log_prob, e.g. by the score function"
    )


@np.errstate(all="ignore")
def _times_log(power: Any, x: Any, log: Any = np.log) -> Any:
    """power * log(x), which is 0 where the power is 0 and the logarithm infinite."""
    logarithm = log(x)
    return np.where((power == 0) & np.isinf(logarithm), 0, power * logarithm)


class Gamma(Distribution):
    """The gamma distribution: p(x) = rate^a x^(a-1) exp(-rate x) / Gamma(a), with a the concentration.

    Args:
        concentration: the shape parameter, positive.
        rate: the inverse of the scale, positive.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Gamma
        >>> Gamma(3.0, 2.0).mean.item()
        1.5
    """

    arg_constraints: ClassVar = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return np.maximum(self.concentration - 1, 0) / self.rate

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Any:
        return standard_gamma(self.concentration, self._extended_shape(sample_shape)) / self.rate

    def log_prob(self, value: Any) -> Any:
        value, a = self._checked(value, self.rate), self.concentration
        return a * np.log(self.rate) + _times_log(a - 1, value) - self.rate * value - lgamma(a)

    def cdf(self, value: Any) -> Any:
        value = self._checked(value, self.rate)
        return scipys("gammainc", "distributions.Gamma.cdf")(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        a = self.concentration
        return a - np.log(self.rate) + lgamma(a) + (1 - a) * digamma(a)


class Chi2(Gamma):
    """The chi-squared distribution: the sum of the squares of `df` standard normal variables.

    Args:
        df: the degrees of freedom, positive.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Chi2
        >>> Chi2(3.0).mean.item()
        3.0
    """

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (df,) = broadcast_all(df)
        super().__init__(0.5 * df, 0.5, validate_args)

    @property
    def df(self) -> Any:
        """The degrees of freedom."""
        return 2 * self.concentration


class Dirichlet(Distribution):
    """The Dirichlet distribution of vectors of probabilities: p(x) is proportional to prod x_k^(a_k - 1).

    Args:
        concentration: the vectors a, along the last axis; positive.
        validate_args: see `Distribution`.

    Example:
        >>> import nn.torch as torch
        >>> torch.distributions.Dirichlet(torch.tensor([1.0, 3.0])).mean.tolist()
        [0.25, 0.75]
    """

    arg_constraints: ClassVar = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        (self.concentration,) = broadcast_all(concentration)
        shape = tuple(self.concentration.shape)
        super().__init__(shape[:-1], shape[-1:], validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / np.sum(self.concentration, axis=-1, keepdims=True)

    @property
    def mode(self) -> Any:
        a = self.concentration
        above = np.maximum(a - 1, 0)
        corner = torched(np.argmax(a, axis=-1)[..., None] == np.arange(a.shape[-1])).astype(a.dtype)
        with np.errstate(all="ignore"):  # no entry above 1: every point of an edge is as likely
            inside = above / np.sum(above, axis=-1, keepdims=True)
        return np.where(np.all(a < 1, axis=-1, keepdims=True), corner, inside)

    @property
    def variance(self) -> Any:
        total, mean = np.sum(self.concentration, axis=-1, keepdims=True), self.mean
        return mean * (1 - mean) / (total + 1)

    def rsample(self, sample_shape: Any = ()) -> Any:
        x = standard_gamma(self.concentration, self._extended_shape(sample_shape))
        return x / np.sum(x, axis=-1, keepdims=True)

    def log_prob(self, value: Any) -> Any:
        value, a = self._checked(value, self.concentration), self.concentration
        powers = _times_log(a - 1, value)
        return np.sum(powers - lgamma(a), axis=-1) + lgamma(np.sum(a, axis=-1))

    def entropy(self) -> Any:
        a = self.concentration
        k, total = a.shape[-1], np.sum(a, axis=-1)
        return (
            np.sum(lgamma(a) - (a - 1) * digamma(a), axis=-1) - lgamma(total) - (k - total) * digamma(total)
        )


class Beta(Distribution):
    """The beta distribution of a probability: p(x) is proportional to x^(a-1) (1 - x)^(b-1).

    Args:
        concentration1: the parameter a, positive.
        concentration0: the parameter b, positive.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import Beta
        >>> Beta(1.0, 3.0).mean.item()
        0.25
    """

    arg_constraints: ClassVar = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Any:
        return Dirichlet(np.stack([self.concentration1, self.concentration0], axis=-1)).mode[..., 0]

    @property
    def variance(self) -> Any:
        a, b = self.concentration1, self.concentration0
        return a * b / ((a + b) ** 2 * (a + b + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        x, y = standard_gamma(self.concentration1, shape), standard_gamma(self.concentration0, shape)
        return x / (x + y)

    def log_prob(self, value: Any) -> Any:
        value, a, b = self._checked(value, self.concentration1), self.concentration1, self.concentration0
        powers = _times_log(a - 1, value) + _times_log(b - 1, -value, np.log1p)
        return powers + lgamma(a + b) - lgamma(a) - lgamma(b)

    def entropy(self) -> Any:
        a, b = self.concentration1, self.concentration0
        normalizer = lgamma(a) + lgamma(b) - lgamma(a + b)
        return normalizer - (a - 1) * digamma(a) - (b - 1) * digamma(b) + (a + b - 2) * digamma(a + b)


class StudentT(Distribution):
    """Student's t: p(x) is proportional to (1 + z^2 / df)^(-(df + 1) / 2), with z = (x - loc) / scale.

    Args:
        df: the degrees of freedom, positive.
        loc: the median.
        scale: the width.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import StudentT
        >>> round(StudentT(4.0).variance.item(), 6)
        2.0
    """

    arg_constraints: ClassVar = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return np.where(self.df > 1, self.loc, np.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        finite = self.scale**2 * self.df / (self.df - 2)
        return np.where(self.df > 2, finite, np.where(self.df > 1, np.full_like(self.df, np.inf), np.nan))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        z = drawn("standard_normal", shape, self.df)
        chi2 = 2 * standard_gamma(self.df / 2, shape)
        return self.loc + self.scale * (z * np.sqrt(self.df / chi2))

    def log_prob(self, value: Any) -> Any:
        z, df = (self._checked(value, self.loc) - self.loc) / self.scale, self.df
        scale = np.log(self.scale) + 0.5 * np.log(df) + 0.5 * math.log(math.pi)
        return lgamma((df + 1) / 2) - lgamma(df / 2) - scale - (df + 1) / 2 * np.log1p(z * z / df)

    def entropy(self) -> Any:
        df = self.df
        log_beta = lgamma(0.5 * df) + math.lgamma(0.5) - lgamma(0.5 * (df + 1))
        slopes = digamma(0.5 * (df + 1)) - digamma(0.5 * df)
        return np.log(self.scale) + (df + 1) / 2 * slopes + 0.5 * np.log(df) + log_beta
