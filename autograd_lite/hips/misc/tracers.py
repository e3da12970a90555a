"""A function whose graph is recorded once and run again: a compiled function."""

from __future__ import annotations

import functools
from typing import Any

from ...aliases import Function
from ...plan.compile import compile

__all__ = ["const_graph"]


def const_graph(fun: Function, *args: Any, **kwargs: Any) -> Function:
    """`autograd_lite.compile` of `fun` with its first arguments given.

    >>> import numpy as np
    >>> f = const_graph(lambda scale, x: scale * np.sin(x), 2.0)
    >>> [float(f(x)) for x in (0.0, np.pi / 2)]
    [0.0, 2.0]
    """
    return compile(functools.partial(fun, *args, **kwargs))
