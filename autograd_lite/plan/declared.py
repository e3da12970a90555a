"""Functions that a program declares one step of a plan."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..recording import tracing

__all__ = ["replayed"]

F = TypeVar("F", bound=Callable[..., Any])


@overload
def replayed(function: F) -> F: ...


@overload
def replayed(*, writes: str) -> Callable[[F], F]: ...


def replayed(function: Any = None, *, writes: str = "all") -> Any:
    """Declare a function one step of a plan: each replay calls it again, in its order.

    It is a function that `ag.compile` cannot look into: it draws random numbers, or reads and writes
    Tensors and arrays that outlive the call, as the step of an optimizer does.

    Args:
        function: its arguments are the same objects at each call of a compiled function; it returns
            None or arrays.
        writes: "all"; "gradients" or "nothing", if the function writes into no more than that of what the
            compiled function reaches. A plan then does not read the rest anew.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> rng = np.random.default_rng(0)
        >>> @ag.replayed
        ... def noise(n):
        ...     return rng.random(n)
        >>> f = ag.compile(lambda x: x + noise(2))
        >>> len({float(f(np.zeros(2))[0]) for _ in range(5)})
        5
    """

    if function is None:
        return functools.partial(replayed, writes=writes)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        trace = tracing.get()
        if trace is None:
            return function(*args, **kwargs)
        return trace.outside(function, args, kwargs, writes)

    with contextlib.suppress(AttributeError):  # a function in C takes no attributes
        function.__plan_writes__ = writes
    return called
