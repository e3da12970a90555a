"""TransformedDistribution, LogNormal: functions of random variables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DTypeError

from . import constraints
from .distribution import Distribution
from .normal import Normal
from .transforms import ComposeTransform, ExpTransform, Transform
from .utils import as_value, sum_rightmost

__all__ = ["LogNormal", "TransformedDistribution"]


class TransformedDistribution(Distribution):
    """The distribution of y = f(x), for x of a base distribution: log p(y) = log p(x) - log |det dy/dx|.

    Args:
        base_distribution: the distribution of x.
        transforms: a `Transform`, or a list of them, the first one first.
        validate_args: see `Distribution`.

    Raises:
        DTypeError: a transform is no `Transform`.

    Example:
        >>> from nn.torch.distributions import ExpTransform, Normal, TransformedDistribution
        >>> p = TransformedDistribution(Normal(0.0, 1.0), ExpTransform())
        >>> round(p.log_prob(1.0).item(), 6)
        -0.918939
    """

    def __init__(self, base_distribution: Any, transforms: Any, validate_args: bool | None = None) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        for t in self.transforms:
            if not isinstance(t, Transform):
                raise DTypeError(f"TransformedDistribution: expected Transforms, got {type(t).__name__}")
        base, whole = base_distribution, self._whole
        shape = (*base.batch_shape, *base.event_shape)
        image = tuple(whole.forward_shape(shape))
        events = max(
            whole.codomain.event_dim,
            len(base.event_shape) + whole.codomain.event_dim - whole.domain.event_dim,
        )
        self.base_dist = base
        cut = len(image) - events
        super().__init__(image[:cut], image[cut:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        shape = tuple(self._whole.inverse_shape((*batch_shape, *self.event_shape)))
        base = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return TransformedDistribution(base, self.transforms, self._validate_args)

    @property
    def _whole(self) -> ComposeTransform:
        """The transforms as one."""
        return ComposeTransform(self.transforms)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the samples of the base can be differentiated."""
        return bool(self.base_dist.has_rsample)

    @property
    def support(self) -> Any:
        """The codomain of the last transform."""
        if not self.transforms:
            return self.base_dist.support
        own = self.transforms[-1].codomain
        more = len(self.event_shape) - own.event_dim
        return constraints.independent(own, more) if more > 0 else own

    def sample(self, sample_shape: Any = ()) -> Any:
        with ag.no_grad():
            return self._whole(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._whole(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        if not isinstance(value, ag.Tensor):
            value = as_value(value, self.base_dist.mean)
        self._validate_sample(value)
        event_dim, log_prob, y = len(self.event_shape), 0, value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            slope = transform.log_abs_det_jacobian(x, y)
            log_prob = log_prob - sum_rightmost(slope, event_dim - transform.domain.event_dim)
            y = x
        base = self.base_dist.log_prob(y)
        return log_prob + sum_rightmost(base, event_dim - len(self.base_dist.event_shape))

    def cdf(self, value: Any) -> Any:
        return self._turned(self.base_dist.cdf(self._whole.inv(value)))

    def icdf(self, value: Any) -> Any:
        return self._whole(self.base_dist.icdf(self._turned(value)))

    def _turned(self, p: Any) -> Any:
        """p for a growing function, 1 - p for a falling one."""
        sign = self._whole.sign
        return p if isinstance(sign, int) and sign == 1 else sign * (p - 0.5) + 0.5

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist!r}, {self.transforms!r})"


class LogNormal(TransformedDistribution):
    """The distribution of exp(x) for a normal x.

    Args:
        loc: the mean of x.
        scale: the standard deviation of x.
        validate_args: see `Distribution`.

    Example:
        >>> from nn.torch.distributions import LogNormal
        >>> round(LogNormal(0.0, 1.0).mean.item(), 6)
        1.648721
    """

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        base = self.base_dist.expand(batch_shape)
        return LogNormal(base.loc, base.scale, self._validate_args)

    @property
    def loc(self) -> Any:
        """The mean of the logarithm."""
        return self.base_dist.loc

    @property
    def scale(self) -> Any:
        """The standard deviation of the logarithm."""
        return self.base_dist.scale

    @property
    def mean(self) -> Any:
        return np.exp(self.loc + self.scale**2 / 2)

    @property
    def mode(self) -> Any:
        return np.exp(self.loc - self.scale**2)

    @property
    def variance(self) -> Any:
        return np.expm1(self.scale**2) * np.exp(2 * self.loc + self.scale**2)

    def entropy(self) -> Any:
        return 0.5 + math.log(2 * math.pi) / 2 + np.log(self.scale) + self.loc
