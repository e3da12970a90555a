"""A subclass of Tensor survives ops: the result of an op is in the class of its input.

For plain Tensors this costs one check of the class. A function that finds a subclass among its arguments
computes with plain Tensors, and converts the result to that subclass (`as_kin`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .box import HARMLESS, PLAIN, Box, in_class, reclassed, wrap
from .views import share

__all__ = ["as_kin", "kin_view", "like"]


def like(inputs: Iterable[Any], result: Any) -> Any:
    """The result of an op, in the class of the subclass of Tensor among the inputs that survives ops.

    Of several subclasses the most derived one counts; of unrelated ones the first.
    """
    kind: type[Any] | None = None
    for x in inputs:
        if isinstance(x, Box) and type(x) not in PLAIN and (kind is None or issubclass(x._makes, kind)):
            kind = x._makes
    return result if kind is None else in_class(kind, result)


def as_kin(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function with plain Tensors, and return its result in the subclass of the arguments."""
    kind: Any = None
    plain: list[Any] = []
    for x in (*args, *kwargs.values()) if kwargs else args:
        if x.__class__ not in HARMLESS and isinstance(x, Box) and x.__class__ not in PLAIN:
            if kind is None or issubclass(x._makes, kind):
                kind = x._makes
            x = _twin(x)
        plain.append(x)
    n = len(args)
    result = function(*plain[:n], **dict(zip(kwargs, plain[n:], strict=True))) if kwargs else function(*plain)
    own = result if kind is None else reclassed(kind, result, plain)
    if isinstance(result, Box) and result._views is not None and result._of is not None:
        base, *made = result._of
        x = next((arg for arg, twin in zip(args, plain, strict=False) if twin is base), base)
        share(x, own, *made)
    return own


def kin_view(x: Any, view: Any) -> Any:
    """A view of x, made just now as a plain Tensor, in the class of x."""
    own = reclassed(x._makes, view, ())
    if own is not view and view._views is not None and view._of is not None:
        base, *made = view._of
        share(base, own, *made)
    return own


def _twin(x: Any) -> Any:
    """A plain Tensor for the same value and step."""
    tensor = wrap(x._data)
    tensor.node = x.node
    if x.node is None:
        tensor._name = getattr(x, "_name", None)
    return tensor
