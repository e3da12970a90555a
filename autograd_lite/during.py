"""During a call a context variable has another value, whenever Ctrl-C comes."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["during"]

T = TypeVar("T")


def during(variable: ContextVar[T], value: T, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function; meanwhile the variable has a value, afterwards the former one.

    This is no context manager. An interrupt may come after `__enter__` and before the block, or before
    `__exit__` begins: then nobody would put the value back. Here the `try` stands around all that happens
    between, and Python looks for interrupts only after `set` has returned.

    Args:
        variable: of this thread and task.
        value: while f runs.
        f: called with the other arguments.

    Returns:
        The result of f.

    Example:
        >>> from contextvars import ContextVar
        >>> depth = ContextVar("depth", default=0)
        >>> during(depth, 1, depth.get), depth.get()
        (1, 0)
    """
    before = variable.get()
    try:
        variable.set(value)
        result = f(*args, **kwargs)
    finally:
        variable.set(before)
    return result
