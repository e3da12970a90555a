"""`torch.distributions.transforms`: invertible functions and the logarithms of their derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_lite as ag

from . import constraints
from .distribution import MissingFormulaError
from .utils import sum_rightmost

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "ComposeTransform",
    "ExpTransform",
    "IndependentTransform",
    "PowerTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "identity_transform",
]


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


class _Increasing(Transform):
    """A bijection of numbers that grows."""

    bijective = True
    sign = 1


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
        return _widened(self.parts[0].domain, need)

    @property
    def codomain(self) -> Any:
        """The codomain of the last part, with the axes that all parts need."""
        if not self.parts:
            return constraints.real
        need = self.parts[0].domain.event_dim
        for part in self.parts:
            need = max(need + part.codomain.event_dim - part.domain.event_dim, part.codomain.event_dim)
        return _widened(self.parts[-1].codomain, need)

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


def _widened(constraint: Any, event_dim: int) -> Any:
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


class AffineTransform(Transform):
    """y = loc + scale * x.

    Args:
        loc, scale: Tensors or numbers.
        event_dim: how many of the last axes one value has.
        cache_size: see `Transform`.
    """

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self.event_dim = loc, scale, event_dim
        self.domain = self.codomain = _widened(constraints.real, event_dim)

    @property
    def sign(self) -> Any:
        return np.sign(self.scale)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        scale = (
            math.log(abs(self.scale)) if isinstance(self.scale, (int, float)) else np.log(np.abs(self.scale))
        )
        return sum_rightmost(np.zeros_like(ag.stop_gradient(x)) + scale, self.event_dim)

    def __repr__(self) -> str:
        return f"AffineTransform(loc={self.loc}, scale={self.scale})"


class ExpTransform(_Increasing):
    """y = exp(x)."""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return np.exp(x)

    def _inverse(self, y: Any) -> Any:
        return np.log(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class PowerTransform(_Increasing):
    """y = x ** exponent, for positive x.

    Args:
        exponent: a number or a Tensor, not 0.
        cache_size: see `Transform`.
    """

    domain = codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent

    @property
    def sign(self) -> Any:  # type: ignore[override]
        """The sign of the exponent."""
        return np.sign(self.exponent)

    def _call(self, x: Any) -> Any:
        return x**self.exponent

    def _inverse(self, y: Any) -> Any:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return np.log(np.abs(self.exponent * y / x))


class SigmoidTransform(_Increasing):
    """y = 1 / (1 + exp(-x))."""

    codomain = constraints.unit_interval

    def _call(self, x: Any) -> Any:
        y, kind = ag.sigmoid(x), np.finfo(np.dtype(x.dtype))
        return np.clip(y, float(kind.tiny), 1 - float(kind.eps))

    def _inverse(self, y: Any) -> Any:
        kind = np.finfo(np.dtype(y.dtype))
        y = np.clip(y, float(kind.tiny), 1 - float(kind.eps))
        return np.log(y) - np.log1p(-y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -ag.softplus(-x) - ag.softplus(x)


class TanhTransform(_Increasing):
    """y = tanh(x)."""

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Any) -> Any:
        return np.tanh(x)

    def _inverse(self, y: Any) -> Any:
        return np.arctanh(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return 2 * (math.log(2) - x - ag.softplus(-2 * x))


class SoftplusTransform(_Increasing):
    """y = log(1 + exp(x))."""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return ag.softplus(x)

    def _inverse(self, y: Any) -> Any:
        return np.log(-np.expm1(-y)) + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -ag.softplus(-x)


class AbsTransform(Transform):
    """y = |x|; the inverse takes the positive x."""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return np.abs(x)

    def _inverse(self, y: Any) -> Any:
        return y


class SoftmaxTransform(Transform):
    """y = softmax(x) along the last axis; the inverse takes log(y)."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        return ag.softmax(x, axis=-1)

    def _inverse(self, y: Any) -> Any:
        return np.log(y)


class StickBreakingTransform(Transform):
    """K - 1 numbers to K probabilities: each number breaks off a fraction of what is left of a stick."""

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        z = ag.sigmoid(x - _offsets(x.shape[-1], x))
        left = np.cumprod(1 - z, axis=-1)
        one = np.ones_like(ag.stop_gradient(z[..., :1]))
        return np.concatenate([z, one], axis=-1) * np.concatenate([one, left], axis=-1)

    def _inverse(self, y: Any) -> Any:
        parts = y[..., :-1]
        left = np.maximum(1 - np.cumsum(parts, axis=-1), float(np.finfo(np.dtype(y.dtype)).tiny))
        return np.log(parts) - np.log(left) + _offsets(parts.shape[-1], parts)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        x = x - _offsets(x.shape[-1], x)
        return np.sum(-x - ag.softplus(-x) + np.log(y[..., :-1]), axis=-1)

    def forward_shape(self, shape: Any) -> Any:
        return (*tuple(shape)[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Any) -> Any:
        return (*tuple(shape)[:-1], shape[-1] - 1)


def _offsets(n: int, like: Any) -> Any:
    """log(n), ..., log(1): with them x = 0 gives equal probabilities."""
    return np.log(np.arange(n, 0, -1)).astype(like.dtype)
