"""`torch.distributions.transforms`: invertible functions and the logarithms of their derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_lite as ag

from . import constraints
from .transform import ComposeTransform, IndependentTransform, Transform, identity_transform, widened
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


class _Increasing(Transform):
    """A bijection of numbers that grows."""

    bijective = True
    sign = 1


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
        self.domain = self.codomain = widened(constraints.real, event_dim)

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
