"""Invertible functions of random variables: their base, their inverses, and functions made of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_lite as ag

from . import constraints
from .distribution import MissingFormulaError
from .utils import sum_rightmost

__all__ = ["ComposeTransform", "IndependentTransform", "Transform", "identity_transform", "widened"]


class Transform:
    """An invertible function; a subclass defines `_call`, `_inverse` and `log_abs_det_jacobian`.

    Args:
        cache_size: 1 keeps the last pair, so that the inverse of a result is the very argument.

    Attributes:
        domain, codomain: the constraints on arguments and results.
        bijective: whether each result has one argument.
        sign: the sign of the derivative, for a monotone function of single numbers.

    Example:
        >>> import nn.torch as torch
        >>> double = torch.distributions.AffineTransform(1.0, 2.0)
        >>> double(torch.tensor(3.0)).item(), double.inv(torch.tensor(7.0)).item()
        (7.0, 3.0)
    """

    bijective = False
    domain: Any = constraints.real
    codomain: Any = constraints.real
    _inverted: Any = None
    _cache: Any = None

    def __init__(self, cache_size: int = 0) -> None:
        self._cache_size = cache_size

    @property
    def inv(self) -> Any:
        """The inverse function."""
        if self._inverted is None:
            self._inverted = _InverseTransform(self)
        return self._inverted

    @property
    def sign(self) -> Any:
        """The sign of the derivative."""
        raise MissingFormulaError(f"{type(self).__name__} has no sign: it is not monotone")

    def with_cache(self, cache_size: int = 1) -> Any:
        """This function, with a cache of another size."""
        self._cache_size = cache_size
        return self

    def __call__(self, x: Any) -> Any:
        if self._cache is not None and self._cache[0] is x:
            return self._cache[1]
        y = self._call(x)
        if getattr(self, "_cache_size", 0):
            self._cache = x, y
        return y

    def _inv_call(self, y: Any) -> Any:
        if self._cache is not None and self._cache[1] is y:
            return self._cache[0]
        x = self._inverse(y)
        if getattr(self, "_cache_size", 0):
            self._cache = x, y
        return x

    def _call(self, x: Any) -> Any:
        raise MissingFormulaError(f"{type(self).__name__} defines no _call")

    def _inverse(self, y: Any) -> Any:
        raise MissingFormulaError(f"{type(self).__name__} has no inverse")

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """log |det dy/dx| for y = f(x)."""
        raise MissingFormulaError(f"{type(self).__name__} has no log_abs_det_jacobian")

    def forward_shape(self, shape: Any) -> Any:
        """The shape of a result for an argument of this shape."""
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of an argument for a result of this shape."""
        return shape

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._options() == other._options()

    __hash__ = object.__hash__

    def _options(self) -> list[Any]:
        options = {k: v for k, v in vars(self).items() if k not in ("_inverted", "_cache", "_cache_size")}
        return [
            np.asarray(ag.stop_gradient(v)).tolist() if isinstance(v, ag.Tensor) else v
            for v in options.values()
        ]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _InverseTransform(Transform):
    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self._forward = transform
        self.bijective = transform.bijective

    domain = property(lambda self: self._forward.codomain)
    codomain = property(lambda self: self._forward.domain)
    sign = property(lambda self: self._forward.sign)
    inv = property(lambda self: self._forward)

    def __call__(self, x: Any) -> Any:
        return self._forward._inv_call(x)

    def _inv_call(self, y: Any) -> Any:
        return self._forward(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._forward.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Any) -> Any:
        return self._forward.inverse_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._forward.forward_shape(shape)


class ComposeTransform(Transform):
    """Several functions, one after another.

    Args:
        parts: the functions, the first one first.
        cache_size: see `Transform`.
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether all parts are."""
        return all(part.bijective for part in self.parts)

    @property
    def sign(self) -> Any:
        sign: Any = 1
        for part in self.parts:
            sign = sign * part.sign
        return sign

    @property
    def domain(self) -> Any:
        """The domain of the first part, with the axes that all parts need."""
        if not self.parts:
            return constraints.real
        need = self.parts[-1].codomain.event_dim
        for part in reversed(self.parts):
            need = max(need + part.domain.event_dim - part.codomain.event_dim, part.domain.event_dim)
        return widened(self.parts[0].domain, need)

    @property
    def codomain(self) -> Any:
        """The codomain of the last part, with the axes that all parts need."""
        if not self.parts:
            return constraints.real
        need = self.parts[0].domain.event_dim
        for part in self.parts:
            need = max(need + part.codomain.event_dim - part.domain.event_dim, part.codomain.event_dim)
        return widened(self.parts[-1].codomain, need)

    def __call__(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def _inv_call(self, y: Any) -> Any:
        for part in reversed(self.parts):
            y = part._inv_call(y)
        return y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        if not self.parts:
            return np.zeros_like(x)
        total, event_dim = 0, self.domain.event_dim
        for part in self.parts:
            image = part(x)
            own = part.log_abs_det_jacobian(x, image)
            total = total + sum_rightmost(own, event_dim - part.domain.event_dim)
            event_dim += part.codomain.event_dim - part.domain.event_dim
            x = image
        return total

    def forward_shape(self, shape: Any) -> Any:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        return f"ComposeTransform({self.parts})"


identity_transform = ComposeTransform([])


def widened(constraint: Any, event_dim: int) -> Any:
    """A constraint on arrays with this many axes."""
    more = event_dim - constraint.event_dim
    return constraints.independent(constraint, more) if more else constraint


class IndependentTransform(Transform):
    """A function of entries as a function of vectors or larger arrays.

    Args:
        base_transform: the function of entries.
        reinterpreted_batch_ndims: how many of the last axes become axes of the event.
        cache_size: see `Transform`.
    """

    def __init__(
        self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        self.base_transform, self._count = base_transform, reinterpreted_batch_ndims
        self.bijective = base_transform.bijective
        self.domain = constraints.independent(base_transform.domain, self._count)
        self.codomain = constraints.independent(base_transform.codomain, self._count)

    @property
    def sign(self) -> Any:
        return self.base_transform.sign

    def _call(self, x: Any) -> Any:
        return self.base_transform(x)

    def _inverse(self, y: Any) -> Any:
        return self.base_transform._inv_call(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self._count)
