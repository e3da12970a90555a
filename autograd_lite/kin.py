"""A subclass of Tensor survives ops: what comes out is in the class of the subclass that went in.

The plain Tensor pays one look at its class. A function that finds another class among its arguments computes
with plain Tensors and puts what comes out into that class (`as_kin`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .box import PLAIN, Box, in_class, wrap
from .views import share

__all__ = ["as_kin", "like"]


def like(inputs: Iterable[Any], result: Any) -> Any:
    """The result of an op, in the class of the subclass of Tensor among its inputs, if one survives ops.

    Of two the more derived one counts, else the first.
    """
    kind: type[Any] | None = None
    for x in inputs:
        if isinstance(x, Box) and type(x) not in PLAIN and (kind is None or issubclass(type(x), kind)):
            kind = type(x)
    return result if kind is None else in_class(kind, result)


def as_kin(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function with plain Tensors, and give its result in the class of those among the arguments."""
    plain = (*map(_plain, args),)
    result = function(*plain, **{key: _plain(value) for key, value in kwargs.items()})
    own = like((*args, *kwargs.values()), result)
    if isinstance(result, Box) and result._views is not None and result._of is not None:
        base, *made = result._of
        x = next((arg for arg, twin in zip(args, plain, strict=True) if twin is base), base)
        share(x, own, *made)
    return own


def _plain(x: Any) -> Any:
    if not isinstance(x, Box) or type(x) in PLAIN:
        return x
    tensor = wrap(x._data)
    tensor._name, tensor.node = getattr(x, "_name", None), x.node
    return tensor
