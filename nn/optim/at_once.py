"""What optimizers share that take all parameters as one vector: LBFGS, Newton's method and its kin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.arrays import unwrap
from autograd_lite.errors import DataError, OptionError

from ..options import check_number
from .optimizer import Array, Closure, Optimizer, Params, in_layout
from .states import State
from .step_hooks import hooked

__all__ = ["AtOnce", "check_positive", "gain", "number_in"]


class AtOnce(Optimizer):
    """An optimizer that moves all parameters at once, with one group and one state.

    `_iterate(closure)` makes the step. The state belongs to the first parameter.
    """

    needs_closure = True
    returns = "the loss"
    """What the closure returns."""

    def __init__(self, params: Params, defaults: Mapping[str, Any]) -> None:
        super().__init__(params, defaults)
        if len(self.param_groups) > 1:
            name = type(self).__name__
            raise OptionError(f"{name} makes one step for all parameters: give one group of parameters only")

    def _iterate(self, closure: Closure) -> Any:
        raise NotImplementedError

    @hooked
    def step(self, closure: Closure | None = None) -> Any:
        """Make up to `max_iter` iterations.

        Args:
            closure: a function that computes and returns what the optimizer asks for; see the class.

        Returns:
            The first result of the closure.
        """
        if closure is None:
            name = type(self).__name__
            raise OptionError(
                f"{name}: write optimizer.step(closure) with a closure that returns {self.returns}"
            )
        evaluated = _heard(closure)
        with np.errstate(all="ignore"):  # a product of small gradients may underflow to 0
            return self._iterate(evaluated)

    def _state(self, **first: Any) -> State:
        """The state, which begins with `first`."""
        state = self.state.setdefault(self.param_groups[0]["params"][0], {})
        if not state:
            state.update(first)
        return state

    def _values(self) -> Array:
        return _flat([p.numpy() for p in self._params()])

    def _gradients(self) -> Array:
        return _flat(
            [np.zeros(p.shape, p.dtype) if p.grad is None else p.grad.numpy() for p in self._params()]
        )

    def _shaped(self, x: Array) -> list[Array]:
        """A vector as an array for each parameter, in its dtype."""
        params = self._params()
        parts = np.split(x, np.cumsum([p.size for p in params])[:-1])
        return [part.reshape(p.shape).astype(p.dtype) for part, p in zip(parts, params, strict=True)]

    def _move(self, x: Array) -> None:
        for p, new in zip(self._params(), self._shaped(x), strict=True):
            p.data = in_layout(new, unwrap(p))

    def _count(self) -> int:
        return sum(p.size for p in self._params())


def gain(before: float, after: float, promised: float, dtype: Any) -> float:
    """How much of the promised decrease of the loss has come; 1 if both are no more than rounding."""
    room = 10 * float(np.finfo(dtype).eps) * abs(before)
    return (before - after + room) / (promised + room) if np.isfinite(after) else -np.inf


def check_positive(call: str, option: str, value: Any, example: float) -> None:
    """Refuse an option that is not a number above 0."""
    check_number(call, option, value, example=example)
    if not value > 0:
        raise OptionError(f"{call}({option}={value}): expected a number above 0, e.g. {option}={example:g}")


def number_in(state: State, name: str, key: str) -> None:
    """Refuse an entry of a loaded state that is not a number above 0."""
    value = state.get(key)
    if not isinstance(value, (int, float, np.number)) or not 0 < value < np.inf:
        raise DataError(f"{name}: {key} of the state is {value!r}, expected a number above 0")


def _heard(closure: Closure) -> Callable[[], Any]:
    """The closure, with the reactions to floating-point errors that the user has set."""
    heard = np.geterr()

    @wraps(closure)
    def evaluated() -> Any:
        with ag.enable_grad(), np.errstate(**heard):
            return closure()

    return evaluated


def _flat(arrays: list[Array]) -> Array:
    return np.concatenate([np.ravel(a) for a in arrays])
