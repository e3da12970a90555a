"""The former names of `reduction` in losses, which old programs use."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

__all__ = ["takes_former_names"]

_F = TypeVar("_F", bound=Callable[..., Any])


def takes_former_names(function: _F) -> _F:
    """A loss that also takes `size_average` and `reduce`, the names of `reduction` before PyTorch 0.4.

    Args:
        function: a function, or a constructor, with the option `reduction`.

    Example:
        >>> loss = takes_former_names(lambda x, reduction="mean": reduction)
        >>> loss(0), loss(0, size_average=False), loss(0, reduce=False)
        ('mean', 'sum', 'none')
    """

    @wraps(function)
    def loss(*args: Any, size_average: bool | None = None, reduce: bool | None = None, **options: Any) -> Any:
        if size_average is not None or reduce is not None:
            options["reduction"] = "none" if reduce is False else "sum" if size_average is False else "mean"
        return function(*args, **options)

    # An error's picture names the function of the line that failed by the name of its code.
    named: Any = loss
    named.__code__ = named.__code__.replace(co_name=getattr(function, "__name__", "loss"))
    return named  # type: ignore[no-any-return]
