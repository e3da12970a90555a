"""`kl_divergence(p, q)`: the expected value of log p(x) - log q(x) for x of p, by formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.errors import DTypeError

from ..gammas import digamma, lgamma
from .categorical import Categorical, OneHotCategorical
from .combined import Independent
from .continuous import EULER, Cauchy, Exponential, Gumbel, Laplace, Uniform
from .counts import Bernoulli, Binomial, Geometric, Poisson
from .distribution import Distribution, MissingFormulaError
from .gamma import Beta, Dirichlet, Gamma
from .multivariate_normal import MultivariateNormal, log_diagonal, mahalanobis
from .normal import HalfNormal, Normal
from .transformed_distribution import TransformedDistribution
from .utils import sum_rightmost

__all__ = ["kl_divergence", "register_kl"]

Formula = Callable[[Any, Any], Any]

_formulas: dict[tuple[type, type], Formula] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """Decorate the formula for two families and their subclasses.

    Raises:
        DTypeError: an argument is no distribution.

    Example:
        >>> from nn.torch.distributions import Normal, kl_divergence, register_kl
        >>> class Mine(Normal):
        ...     pass
        >>> @register_kl(Mine, Mine)
        ... def kl_of_mine(p, q):
        ...     return 7.0
        >>> kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0))
        7.0
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise DTypeError(f"register_kl: expected two classes of Distribution, got {kind!r}")

    def decorate(formula: Formula) -> Formula:
        _formulas[type_p, type_q] = formula
        return formula

    return decorate


def kl_divergence(p: Any, q: Any) -> Any:
    """The Kullback-Leibler divergence of two distributions, in the shape of the batch.

    Raises:
        MissingFormulaError: there is no formula for these families; it is a NotImplementedError.

    Example:
        >>> from nn.torch.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0)).item()
        0.5
    """
    for kind_p in type(p).__mro__:
        for kind_q in type(q).__mro__:
            if (formula := _formulas.get((kind_p, kind_q))) is not None:
                return formula(p, q)
    raise MissingFormulaError(
        f"kl_divergence: there is no formula for {type(p).__name__} and {type(q).__name__}; add one with "
        "@register_kl, or average p.log_prob(x) - q.log_prob(x) over x = p.rsample((n,))"
    )


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio, apart = (p.scale / q.scale) ** 2, ((p.loc - q.loc) / q.scale) ** 2
    return 0.5 * (ratio + apart - 1 - np.log(ratio))


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio - 1 - np.log(ratio))


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Any:
    determinants = log_diagonal(q._factor) - log_diagonal(p._factor)
    trace = np.sum(np.linalg.solve(np.tril(q._factor), p._factor) ** 2, axis=(-2, -1))
    apart = mahalanobis(q._factor, q.loc - p.loc)
    return determinants + 0.5 * (trace + apart - p.event_shape[0])


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    ones = np.where(p.probs == 0, 0, p.probs * np.log(p.probs / q.probs))
    zeros = np.where(p.probs == 1, 0, (1 - p.probs) * np.log((1 - p.probs) / (1 - q.probs)))
    return ones + zeros


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    same = p.total_count == q.total_count
    if not np.all(same):
        raise MissingFormulaError("kl_divergence of two Binomials: the numbers of trials must be equal")
    return p.total_count * _bernoulli(p, q)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - np.log1p(-q.probs) / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (np.log(p.rate) - np.log(q.rate)) - (p.rate - q.rate)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    gains = np.where(q.probs == 0, np.inf, p.probs * (p.logits - q.logits))
    return np.sum(np.where(p.probs == 0, 0, gains), axis=-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - 1 - np.log(ratio)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, apart = p.scale / q.scale, np.abs(p.loc - q.loc)
    return -np.log(ratio) + apart / q.scale + ratio * np.exp(-apart / p.scale) - 1


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    outside = (q.low > p.low) | (q.high < p.high)
    return np.where(outside, np.inf, np.log((q.high - q.low) / (p.high - p.low)))


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    both = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return np.log(both) - np.log(4 * p.scale * q.scale)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Any:
    ratio = p.scale / q.scale
    apart = (p.loc - q.loc) / q.scale
    tail = np.exp(-apart + lgamma(1 + ratio))
    return tail + apart + EULER * (ratio - 1) - np.log(ratio) - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    rates = q.concentration * np.log(p.rate / q.rate)
    norms = lgamma(q.concentration) - lgamma(p.concentration)
    slopes = (p.concentration - q.concentration) * digamma(p.concentration)
    return rates + norms + slopes + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    a, b, c, d = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    norms = lgamma(a + b) - lgamma(a) - lgamma(b) + lgamma(c) + lgamma(d) - lgamma(c + d)
    return norms + (a - c) * digamma(a) + (b - d) * digamma(b) + (c + d - a - b) * digamma(a + b)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    sum_a, sum_b = np.sum(a, axis=-1), np.sum(b, axis=-1)
    slopes = (a - b) * (digamma(a) - np.expand_dims(digamma(sum_a), -1))
    return lgamma(sum_a) - lgamma(sum_b) + np.sum(lgamma(b) - lgamma(a) + slopes, axis=-1)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise MissingFormulaError("kl_divergence of two Independents: their event axes must be as many")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise MissingFormulaError(
            "kl_divergence of two TransformedDistributions: the transforms must be equal"
        )
    kl = kl_divergence(p.base_dist, q.base_dist)
    return sum_rightmost(kl, len(p.event_shape) - len(p.base_dist.event_shape))
