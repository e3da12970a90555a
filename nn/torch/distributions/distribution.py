"""The base of all distributions: shapes, checks of parameters and values, and what follows from others."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np

import autograd_lite as ag
from autograd_lite.arrays import is_array, on_host, unwrap
from autograd_lite.errors import AutogradLiteError, OptionError, ShapeError

from ..tensors import torched
from .constraints import Constraint, Dependent, nonnegative, positive, real
from .utils import as_value, broadcast_all, drawn, size

__all__ = ["Distribution", "Half", "LocationScale", "MissingFormulaError"]


class MissingFormulaError(AutogradLiteError, NotImplementedError):
    """A quantity of a distribution for which there is no formula here."""


class Distribution:
    """A family of random variables, one for each entry of the batch.

    Args:
        batch_shape: the shape of the parameters: independent variables.
        event_shape: the shape of one value.
        validate_args: check parameters and values. Default: True; see `set_default_validate_args`.

    Raises:
        OptionError: a parameter or a value is outside of its constraint.
        ShapeError: a value does not fit the shapes.
        MissingFormulaError: there is no formula for a quantity.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    support: Any = None
    _validate_args = True

    def __init__(
        self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = size(batch_shape), size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check parameters and values unless `validate_args` says otherwise."""
        Distribution._validate_args = bool(value)

    def _check_parameters(self) -> None:
        for name, constraint in self.arg_constraints.items():
            value = self.__dict__.get(name)
            if value is None or isinstance(constraint, Dependent):
                continue
            plain = unwrap(value)
            if on_host(plain) and not np.all(unwrap(constraint.check(value))):
                raise OptionError(
                    f"Expected parameter {name} (Tensor of shape {tuple(np.shape(plain))}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{plain}"
                )

    def _validate_sample(self, value: Any) -> None:
        """Raise if a value has the wrong shape, or is outside of the support."""
        if not self._validate_args:
            return
        shape, own = tuple(np.shape(unwrap(value))), tuple(self.batch_shape + self.event_shape)
        events = len(self.event_shape)
        if len(shape) < events or shape[len(shape) - events :] != tuple(self.event_shape):
            raise ShapeError(
                f"{type(self).__name__}: a value has the shape {shape}; its last axes must be the event "
                f"shape {tuple(self.event_shape)}"
            )
        try:
            np.broadcast_shapes(shape, own)
        except ValueError:
            raise ShapeError(
                f"{type(self).__name__}: a value of shape {shape} does not broadcast with the batch and "
                f"event shape {own}"
            ) from None
        plain = unwrap(value)
        readable = self.support is not None and is_array(plain) and on_host(plain)
        if readable and not np.all(unwrap(self.support.check(value))):
            raise OptionError(
                f"Expected value argument (Tensor of shape {shape}) to be within the support "
                f"({self.support!r}) of the distribution {self!r}, but found invalid values:\n{plain}"
            )

    def _checked(self, value: Any, like: Any) -> Any:
        """A value in the dtype of a parameter; raises if it is invalid."""
        value = as_value(value, like)
        self._validate_sample(value)
        return value

    # -- shapes ------------------------------------------------------------------------------------

    @property
    def batch_shape(self) -> Any:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Any:
        """The shape of one value."""
        return self._event_shape

    def _extended_shape(self, sample_shape: Any = ()) -> Any:
        return size((*sample_shape, *self._batch_shape, *self._event_shape))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with a larger batch; the parameters are broadcast."""
        shape, new = tuple(batch_shape), copy.copy(self)
        for name, dims in self._parameters().items():
            value = new.__dict__[name]
            event = tuple(value.shape[len(value.shape) - dims :])
            new.__dict__[name] = np.broadcast_to(value, shape + event)
        new._batch_shape = size(shape)
        return new

    def _parameters(self) -> dict[str, int]:
        """The names of the attributes that hold parameters, and how many of their last axes are no batch."""
        return {
            name: constraint.event_dim
            for name, constraint in self.arg_constraints.items()
            if self.__dict__.get(name) is not None
        }

    # -- quantities --------------------------------------------------------------------------------

    def _missing(self, name: str) -> Any:
        raise MissingFormulaError(f"{type(self).__name__} has no {name}")

    @property
    def mean(self) -> Any:
        """The expected value."""
        return self._missing("mean")

    @property
    def mode(self) -> Any:
        """The most likely value."""
        return self._missing("mode")

    @property
    def variance(self) -> Any:
        """The variance."""
        return self._missing("variance")

    @property
    def stddev(self) -> Any:
        """The square root of the variance."""
        return np.sqrt(self.variance)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values without a gradient, of shape `sample_shape + batch_shape + event_shape`."""
        with ag.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values that can be differentiated by the parameters."""
        return self._missing("rsample: its values cannot be differentiated by the parameters")

    def sample_n(self, n: int) -> Any:
        """`sample((n,))`."""
        return self.sample((n,))

    def rsample_n(self, n: int) -> Any:
        """`rsample((n,))`."""
        return self.rsample((n,))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the probability, at a value."""
        return self._missing("log_prob")

    def cdf(self, value: Any) -> Any:
        """The probability of a value up to this one."""
        return self._missing("cdf")

    def icdf(self, value: Any) -> Any:
        """The quantile: the inverse of `cdf`."""
        return self._missing("icdf")

    def entropy(self) -> Any:
        """The expected value of `-log_prob`, in nats."""
        return self._missing("entropy")

    def perplexity(self) -> Any:
        """e to the entropy."""
        return np.exp(self.entropy())

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values, along a new first axis."""
        return self._missing("enumerate_support")

    def _enumerated(self, values: Any, expand: bool) -> Any:
        column = np.reshape(values, (-1,) + (1,) * len(self._batch_shape))
        return torched(np.broadcast_to(column, (len(column), *self._batch_shape)) if expand else column)

    def __repr__(self) -> str:
        shown = [(name, self.__dict__[name]) for name in self._parameters()]
        parts = [
            f"{k}: {unwrap(v).item() if np.size(unwrap(v)) == 1 and on_host(unwrap(v)) else v.shape}"
            for k, v in shown
        ]
        return f"{type(self).__name__}({', '.join(parts)})"


class LocationScale(Distribution):
    """A distribution of `loc + scale * z`, where z has no parameters.

    Args:
        loc: where the distribution is centred.
        scale: its width.
        validate_args: see `Distribution`.
    """

    arg_constraints: ClassVar = {"loc": real, "scale": positive}
    support = real
    has_rsample = True
    _draws: str
    """The method of NumPy's generator that draws z."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mode(self) -> Any:
        return self.loc

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.loc + self.scale * drawn(self._draws, self._extended_shape(sample_shape), self.loc)

    def _standardized(self, value: Any) -> Any:
        return (self._checked(value, self.loc) - self.loc) / self.scale


class Half(Distribution):
    """A distribution of `scale * |z|`, where z has no parameters.

    Args:
        scale: the width.
        validate_args: see `Distribution`.
    """

    arg_constraints: ClassVar = {"scale": positive}
    support = nonnegative
    has_rsample = True
    _draws: str
    """The method of NumPy's generator that draws z."""

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def mode(self) -> Any:
        return np.zeros_like(self.scale)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.scale * np.abs(drawn(self._draws, self._extended_shape(sample_shape), self.scale))
