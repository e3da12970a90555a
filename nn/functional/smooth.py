"""Smooth activation functions that are computed by kernels, and their definitions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np

import autograd_lite as ag
from autograd_lite.arrays import asarray
from autograd_lite.sums import narrowed, widened

from ..kernels import activations as kernels

__all__ = ["gelu", "gelu_tanh", "sigmoid", "silu"]


_F = TypeVar("_F", bound=Callable[..., Any])


def _fused(name: str) -> Callable[[_F], _F]:
    """The decorator of the definition of `name` in the kernels."""
    decorator = ag.fused(
        partial(kernels.activated, name=name),
        partial(kernels.activated_backward, name=name),
        flow="elementwise",
        samples=((...,), ...),
    )
    return cast(Callable[[_F], _F], decorator)


@ag.primitive(broadcasts=True)
@np.errstate(all="ignore")
def normal_probability(x: Any) -> Any:
    """P(z < x) for a standard normal z, exact in both tails."""
    x = asarray(x)
    return narrowed(kernels.normal_probability(widened(x)), x)


@ag.primitive(broadcasts=True)
@np.errstate(all="ignore")
def normal_density(x: Any) -> Any:
    """e^(-x^2 / 2) / sqrt(2 pi)."""
    x = asarray(x)
    return narrowed(kernels.normal_density(widened(x)), x)


ag.defvjp(normal_probability, lambda g, y, x: g * normal_density(x))
ag.defvjp(normal_density, lambda g, y, x: -g * (x * normal_density(x)))

# Rules for `ag.enclose`, which is imported when it is used.
normal_probability.enclosed = lambda x: ag.intervals.kinds.increasing(normal_probability, 0, 1)(x)  # type: ignore[attr-defined]
normal_density.enclosed = lambda x: ag.intervals.kinds.even(normal_density, 0, 0.4, falling=True)(x)  # type: ignore[attr-defined]


@_fused("gelu")
def gelu(x: Any) -> Any:
    """x P(z < x) for a standard normal z."""
    return x * normal_probability(x)


@_fused("gelu_tanh")
def gelu_tanh(x: Any) -> Any:
    """x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    return x * ag.sigmoid(x * (kernels.INNER + kernels.CUBIC * (x * x)))


@_fused("silu")
def silu(x: Any) -> Any:
    """x / (1 + e^-x)."""
    return x * ag.sigmoid(x)


@_fused("sigmoid")
def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x)."""
    return ag.sigmoid(x)
