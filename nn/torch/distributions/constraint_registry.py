"""`biject_to`, `transform_to`: a function from all real numbers to the values that a constraint allows.

Programs optimize without bounds, and map the result: `transform_to(constraints.simplex)(x)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.arrays import unwrap

from . import constraints
from .distribution import MissingFormulaError
from .transform import ComposeTransform, IndependentTransform, Transform, identity_transform
from .transforms import (
    AffineTransform,
    ExpTransform,
    SigmoidTransform,
    SoftmaxTransform,
    StickBreakingTransform,
)

__all__ = ["biject_to", "transform_to"]


def biject_to(constraint: Any) -> Transform:
    """An invertible function onto the values that a constraint allows.

    Raises:
        MissingFormulaError: there is none for this constraint; it is a NotImplementedError.

    Example:
        >>> import nn.torch as torch
        >>> from nn.torch.distributions import biject_to, constraints
        >>> biject_to(constraints.positive)(torch.tensor(0.0)).item()
        1.0
    """
    return StickBreakingTransform() if constraint is constraints.simplex else _between(constraint)


def transform_to(constraint: Any) -> Transform:
    """A function onto the values that a constraint allows; for a simplex the softmax, which has no inverse.

    Raises:
        MissingFormulaError: there is none for this constraint.

    Example:
        >>> import nn.torch as torch
        >>> from nn.torch.distributions import constraints, transform_to
        >>> transform_to(constraints.simplex)(torch.zeros(2)).tolist()
        [0.5, 0.5]
    """
    return SoftmaxTransform() if constraint is constraints.simplex else _between(constraint)


def _between(constraint: Any) -> Transform:
    """A function onto an interval, or onto all numbers."""
    if isinstance(constraint, constraints.independent):
        base = _between(constraint.base_constraint)
        return IndependentTransform(base, constraint.event_dim - constraint.base_constraint.event_dim)
    if constraint is constraints.real:
        return identity_transform
    if constraint.is_discrete or not hasattr(constraint, "upper_bound"):
        raise MissingFormulaError(f"there is no function from all real numbers onto {constraint!r}")
    low, high = constraint.lower_bound, constraint.upper_bound
    below, above = (not np.all(np.isfinite(unwrap(bound))) for bound in (low, high))
    if below and above:
        return identity_transform
    if above:
        return _moved(ExpTransform(), low, 1)
    if below:
        return _moved(ExpTransform(), high, -1)
    return _moved(SigmoidTransform(), low, high - low)


def _moved(transform: Transform, loc: Any, scale: Any) -> Transform:
    plain = isinstance(loc, (int, float)) and isinstance(scale, (int, float)) and loc == 0 and scale == 1
    return transform if plain else ComposeTransform([transform, AffineTransform(loc, scale)])
