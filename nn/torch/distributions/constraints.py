"""`torch.distributions.constraints`: which values a parameter or a sample may have."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.arrays import unwrap

from ..tensors import torched

__all__ = [
    "Constraint",
    "Dependent",
    "boolean",
    "dependent",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "less_than",
    "lower_cholesky",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "real",
    "real_vector",
    "simplex",
    "unit_interval",
]


class Constraint:
    """A set of values.

    Attributes:
        is_discrete: whether the values are whole numbers.
        event_dim: how many of the last axes one value has.

    Example:
        >>> import nn.torch as torch
        >>> torch.distributions.constraints.positive.check(torch.tensor([-1.0, 2.0])).tolist()
        [False, True]
    """

    is_discrete = False
    event_dim = 0

    def check(self, value: Any) -> Any:
        """Whether each value is in the set: booleans in the shape of the batch."""
        return torched(np.asarray(self._holds(np.asarray(unwrap(value)))))

    def _holds(self, x: Any) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        return type(self).__name__.strip("_")


class Dependent(Constraint):
    """A constraint that depends on other parameters."""

    def __init__(self, *, is_discrete: bool = False, event_dim: int = 0) -> None:
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def _holds(self, x: Any) -> Any:
        raise ValueError("the constraint depends on other parameters, so it cannot be checked alone")


class _Boolean(Constraint):
    is_discrete = True

    def _holds(self, x: Any) -> Any:
        return (x == 0) | (x == 1)


class _Range(Constraint):
    """Numbers between two bounds, of which each may belong to the set."""

    def __init__(
        self,
        name: str,
        lower: Any = -np.inf,
        upper: Any = np.inf,
        *,
        ends: tuple[bool, bool] = (False, False),
    ) -> None:
        self.lower_bound, self.upper_bound = lower, upper
        self._name, self._ends = name, ends

    def _holds(self, x: Any) -> Any:
        low, high = np.asarray(unwrap(self.lower_bound)), np.asarray(unwrap(self.upper_bound))
        above = x >= low if self._ends[0] else x > low
        below = x <= high if self._ends[1] else x < high
        return above & below

    def __repr__(self) -> str:
        return self._name


class _Whole(_Range):
    is_discrete = True

    def _holds(self, x: Any) -> Any:
        return (x % 1 == 0) & super()._holds(x)


class _Real(Constraint):
    def _holds(self, x: Any) -> Any:
        return x == x  # everything but NaN


class independent(Constraint):  # noqa: N801  (named as in PyTorch)
    """A constraint on vectors or larger arrays, which holds if it holds for every entry."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint, self._count = base_constraint, reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def _holds(self, x: Any) -> Any:
        return np.all(self.base_constraint._holds(x), axis=tuple(range(-self._count, 0)))

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self._count})"


class _Simplex(Constraint):
    event_dim = 1

    def _holds(self, x: Any) -> Any:
        return np.all(x >= 0, axis=-1) & (np.abs(x.sum(axis=-1) - 1) < 1e-6 * max(1, x.shape[-1] ** 0.5))


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def _holds(self, x: Any) -> Any:
        return np.all((x == 0) | (x == 1), axis=-1) & (x.sum(axis=-1) == 1)


class _LowerCholesky(Constraint):
    event_dim = 2

    def _holds(self, x: Any) -> Any:
        lower = np.all(np.tril(x) == x, axis=(-2, -1))
        return lower & np.all(np.diagonal(x, axis1=-2, axis2=-1) > 0, axis=-1)


class _PositiveDefinite(Constraint):
    event_dim = 2

    def _holds(self, x: Any) -> Any:
        symmetric = np.all(np.isclose(x, np.swapaxes(x, -1, -2), atol=1e-6), axis=(-2, -1))
        return symmetric & np.all(np.linalg.eigvalsh(x) > 0, axis=-1)


class _Named(_Range):
    """A range that is made by its class: `greater_than(0)`."""

    def __init__(self, lower: Any, upper: Any, ends: tuple[bool, bool]) -> None:
        super().__init__(f"{type(self).__name__}({lower}, {upper})", lower, upper, ends=ends)


class greater_than(_Named):  # noqa: N801
    """Numbers above a bound."""

    def __init__(self, lower_bound: Any) -> None:
        super().__init__(lower_bound, np.inf, (False, True))


class greater_than_eq(_Named):  # noqa: N801
    """Numbers from a bound on."""

    def __init__(self, lower_bound: Any) -> None:
        super().__init__(lower_bound, np.inf, (True, True))


class less_than(_Named):  # noqa: N801
    """Numbers below a bound."""

    def __init__(self, upper_bound: Any) -> None:
        super().__init__(-np.inf, upper_bound, (True, False))


class interval(_Named):  # noqa: N801
    """Numbers between two bounds, both of which belong to the set."""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        super().__init__(lower_bound, upper_bound, (True, True))


class half_open_interval(_Named):  # noqa: N801
    """Numbers between two bounds, of which the lower belongs to the set."""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        super().__init__(lower_bound, upper_bound, (True, False))


class integer_interval(_Whole):  # noqa: N801
    """Whole numbers between two bounds, both of which belong to the set."""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        name = f"integer_interval({lower_bound}, {upper_bound})"
        super().__init__(name, lower_bound, upper_bound, ends=(True, True))


dependent = Dependent()
boolean = _Boolean()
one_hot = _OneHot()
real = _Real()
real_vector = independent(real, 1)
positive = _Range("positive", 0.0, ends=(False, True))
nonnegative = _Range("nonnegative", 0.0, ends=(True, True))
unit_interval = _Range("unit_interval", 0.0, 1.0, ends=(True, True))
nonnegative_integer = _Whole("nonnegative_integer", 0, ends=(True, False))
positive_integer = _Whole("positive_integer", 1, ends=(True, False))
simplex = _Simplex()
lower_cholesky = _LowerCholesky()
positive_definite = _PositiveDefinite()
