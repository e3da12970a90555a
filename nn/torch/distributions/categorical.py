"""Categorical, OneHotCategorical: one of several classes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import OptionError

from ..tensors import torched
from . import constraints
from .distribution import Distribution
from .utils import drawn, either, probs_to_logits

__all__ = ["Categorical", "OfClasses", "OneHotCategorical", "OneHotCategoricalStraightThrough"]


class Categorical(Distribution):
    """A class from 0 to K - 1.

    Args:
        probs: weights of the classes along the last axis, which are divided by their sum.
        logits: their logarithms, up to a constant, in place of `probs`.
        validate_args: see `Distribution`.

    Example:
        >>> import nn.torch as torch
        >>> torch.distributions.Categorical(torch.tensor([1.0, 3.0])).probs.tolist()
        [0.25, 0.75]
    """

    arg_constraints: ClassVar = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        name, value = either("Categorical", probs, logits)
        if value.ndim < 1:
            raise OptionError("Categorical: expected at least one axis, which counts classes")
        if name == "probs":
            self.probs = value / np.sum(value, axis=-1, keepdims=True)
        else:
            self.logits = value - ag.logsumexp(value, axis=-1, keepdims=True)
        self._num_events = int(value.shape[-1])
        super().__init__(tuple(value.shape)[:-1], validate_args=validate_args)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if name == "probs" and "logits" in own:
            return np.exp(own["logits"])
        if name == "logits" and "probs" in own:
            return probs_to_logits(own["probs"])
        raise AttributeError(f"{type(self).__name__} has no {name}")

    @property
    def support(self) -> Any:
        """The indices of the classes."""
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter: the batch, and the number of classes."""
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"].shape

    @property
    def mean(self) -> Any:
        return torched(np.full(tuple(self._batch_shape), np.nan, self.probs.dtype))

    variance = mean

    @property
    def mode(self) -> Any:
        return torched(np.argmax(self.probs, axis=-1))

    def sample(self, sample_shape: Any = ()) -> Any:
        with ag.no_grad():
            ends = np.cumsum(self.probs, axis=-1)
            u = drawn("random", self._extended_shape(sample_shape), ends)
            passed = np.expand_dims(u, -1) * ends[..., -1:] >= ends[..., :-1]
            return torched(np.sum(passed, axis=-1))

    def log_prob(self, value: Any) -> Any:
        value = torched(value if isinstance(value, (ag.Tensor, np.ndarray)) else np.asarray(value))
        self._validate_sample(value)
        logits, index = self.logits, np.expand_dims(value.astype(np.int64), -1)
        shape = np.broadcast_shapes(tuple(index.shape)[:-1], tuple(logits.shape)[:-1])
        logits = np.broadcast_to(logits, (*shape, self._num_events))
        return np.take_along_axis(logits, np.broadcast_to(index, (*shape, 1)), axis=-1)[..., 0]

    def entropy(self) -> Any:
        probs = self.probs
        return -np.sum(np.where(probs > 0, probs * self.logits, 0), axis=-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._enumerated(np.arange(self._num_events), expand)


class OfClasses(Distribution):
    """A distribution of vectors with an entry for each class of a `Categorical`.

    Args:
        probs, logits, validate_args: those of `Categorical`.
    """

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        shape = tuple(self._categorical.param_shape)
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    @property
    def probs(self) -> Any:
        """The probabilities of the classes."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._categorical.param_shape


class OneHotCategorical(OfClasses):
    """A vector with 1 at a random class, and 0 elsewhere.

    Args:
        probs, logits, validate_args: those of `Categorical`.

    Example:
        >>> import nn.torch as torch
        >>> torch.distributions.OneHotCategorical(torch.tensor([1.0, 3.0])).mean.tolist()
        [0.25, 0.75]
    """

    support = constraints.one_hot
    has_enumerate_support = True

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        return self._one_hot(self._categorical.mode)

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def _one_hot(self, index: Any) -> Any:
        classes = np.arange(self._categorical._num_events)
        return torched(np.expand_dims(index, -1) == classes).astype(self.probs.dtype)

    def sample(self, sample_shape: Any = ()) -> Any:
        with ag.no_grad():
            return self._one_hot(self._categorical.sample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value, self.probs)
        return self._categorical.log_prob(torched(np.argmax(value, axis=-1)))

    def entropy(self) -> Any:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Any:
        n, shape = self._categorical._num_events, tuple(self._batch_shape)
        rows = np.eye(n, dtype=self.probs.dtype).reshape(n, *(1 for _ in shape), n)
        return torched(np.broadcast_to(rows, (n, *shape, n)) if expand else rows)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical`, whose `rsample` sends the gradient of the sample to the probabilities.

    Source:
        Y. Bengio, N. Leonard, A. Courville, "Estimating or propagating gradients through stochastic neurons",
        2013.
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Any:
        probs = self.probs
        return self.sample(sample_shape) + (probs - ag.stop_gradient(probs))
