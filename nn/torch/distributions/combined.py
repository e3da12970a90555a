"""Independent, MixtureSameFamily: distributions made of others."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import OptionError

from ..tensors import torched
from . import constraints
from .categorical import Categorical
from .distribution import Distribution
from .utils import as_value, sum_rightmost

__all__ = ["Independent", "MixtureSameFamily"]


class Independent(Distribution):
    """Some axes of a batch as axes of the event: their log-probabilities are added up.

    Args:
        base_distribution: the distribution of single entries.
        reinterpreted_batch_ndims: how many of the last axes of its batch become axes of the event.
        validate_args: see `Distribution`.

    Example:
        >>> import nn.torch as torch
        >>> from nn.torch.distributions import Independent, Normal
        >>> p = Independent(Normal(torch.zeros(3), torch.ones(3)), 1)
        >>> tuple(p.batch_shape), tuple(p.event_shape), tuple(p.log_prob(torch.zeros(5, 3)).shape)
        ((), (3,), (5,))
    """

    def __init__(
        self, base_distribution: Any, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        count, batch = reinterpreted_batch_ndims, tuple(base_distribution.batch_shape)
        if not 0 <= count <= len(batch):
            raise OptionError(
                f"Independent: expected 0 <= reinterpreted_batch_ndims <= {len(batch)}, the axes of the "
                f"batch, got {count}"
            )
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, count
        events = tuple(base_distribution.event_shape)
        cut = len(batch) - count
        super().__init__(batch[:cut], batch[cut:] + events, validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the samples of the base can be differentiated."""
        return bool(self.base_dist.has_rsample)

    @property
    def support(self) -> Any:
        """The support of the base, for all entries."""
        own = self.base_dist.support
        count = self.reinterpreted_batch_ndims
        return constraints.independent(own, count) if count and own is not None else own

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        count = self.reinterpreted_batch_ndims
        own = tuple(self.event_shape)[:count]
        return Independent(self.base_dist.expand((*batch_shape, *own)), count, self._validate_args)

    @property
    def mean(self) -> Any:
        return self.base_dist.mean

    @property
    def mode(self) -> Any:
        return self.base_dist.mode

    @property
    def variance(self) -> Any:
        return self.base_dist.variance

    def sample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Any:
        if self.reinterpreted_batch_ndims > 0:
            return self._missing("enumerate_support over the axes of an event")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """A mixture: a class is drawn, and then a value of the component of this class.

    Args:
        mixture_distribution: a `Categorical` over K classes.
        component_distribution: a distribution whose last axis of the batch counts the K components.
        validate_args: see `Distribution`.

    Example:
        >>> import nn.torch as torch
        >>> from nn.torch.distributions import Categorical, MixtureSameFamily, Normal
        >>> classes = Categorical(torch.tensor([0.25, 0.75]))
        >>> parts = Normal(torch.tensor([0.0, 4.0]), torch.ones(2))
        >>> MixtureSameFamily(classes, parts).mean.item()
        3.0
    """

    has_rsample = False

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any, validate_args: bool | None = None
    ) -> None:
        mixture, component = mixture_distribution, component_distribution
        if not isinstance(mixture, Categorical) or not isinstance(component, Distribution):
            raise OptionError(
                "MixtureSameFamily: expected a Categorical and a Distribution of the components, got "
                f"{type(mixture).__name__} and {type(component).__name__}"
            )
        shape = tuple(component.batch_shape)
        classes = mixture._num_events
        if not shape or shape[-1] != classes:
            raise OptionError(
                f"MixtureSameFamily: the mixture has {classes} classes; the last axis of the batch of the "
                f"components must be {classes}, the batch has the shape {shape}"
            )
        self._mixture, self._component = mixture, component
        super().__init__(shape[:-1], component.event_shape, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        shape = tuple(batch_shape)
        components = self._component.expand((*shape, self._mixture._num_events))
        return MixtureSameFamily(self._mixture.expand(shape), components, self._validate_args)

    @property
    def mixture_distribution(self) -> Any:
        """The distribution of the class."""
        return self._mixture

    @property
    def component_distribution(self) -> Any:
        """The distributions of the components."""
        return self._component

    @property
    def support(self) -> Any:
        """The support of the components, if it is the same for all of them."""
        own = self._component.support
        bounds = getattr(own, "upper_bound", 0), getattr(own, "lower_bound", 0)
        return None if any(np.ndim(ag.stop_gradient(b)) for b in bounds) else own

    def _weights(self) -> Any:
        """The probabilities of the classes, with an axis for each one of the event."""
        probs = self._mixture.probs
        return np.reshape(probs, (*probs.shape, *(1 for _ in self._event_shape)))

    @property
    def _axis(self) -> int:
        return -1 - len(self._event_shape)

    @property
    def mean(self) -> Any:
        return np.sum(self._weights() * self._component.mean, axis=self._axis)

    @property
    def variance(self) -> Any:
        weights, means = self._weights(), self._component.mean
        within = np.sum(weights * self._component.variance, axis=self._axis)
        apart = means - np.expand_dims(self.mean, self._axis)
        return within + np.sum(weights * apart**2, axis=self._axis)

    def cdf(self, value: Any) -> Any:
        return np.sum(self._component.cdf(self._padded(value)) * self._mixture.probs, axis=-1)

    def log_prob(self, value: Any) -> Any:
        log_probs = self._component.log_prob(self._padded(value))
        return ag.logsumexp(log_probs + self._mixture.logits, axis=-1)

    def _padded(self, value: Any) -> Any:
        """A value with an axis for the components."""
        value = as_value(value, self._mixture.logits)
        self._validate_sample(value)
        return np.expand_dims(value, self._axis)

    def sample(self, sample_shape: Any = ()) -> Any:
        with ag.no_grad():
            index = self._mixture.sample(sample_shape)
            samples = self._component.sample(sample_shape)
            index = np.reshape(index, (*index.shape, 1, *(1 for _ in self._event_shape)))
            wanted = list(samples.shape)
            wanted[self._axis] = 1
            chosen = np.take_along_axis(samples, np.broadcast_to(index, wanted), axis=self._axis)
            return torched(np.squeeze(chosen, axis=self._axis))

    def __repr__(self) -> str:
        return f"MixtureSameFamily({self._mixture!r}, {self._component!r})"
