"""Anomaly detection: check every step when it is computed, and name the first op that makes NaN or inf."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from .arrays import finite, to_host
from .errors import AnomalyError, user_line
from .node import Node, Op, op_name
from .recording import Mode, heard_by
from .tape import show

__all__ = ["check_forward", "check_value", "detect_anomaly", "nonfinite"]


class detect_anomaly(Mode):  # noqa: N801
    """Raise `AnomalyError` at the first op that produces NaN or inf, forward or backward.

    The error names the op, and the file and line of the call. Every step is checked, recorded or not. This
    takes time: use `detect_anomaly` to find a fault, not in production.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x = ag.Tensor(0.0, requires_grad=True)
        >>> with np.errstate(all="ignore"), ag.detect_anomaly():
        ...     y = np.log(x)
        Traceback (most recent call last):
        ...
        autograd_lite.errors.AnomalyError: log produced -inf from finite inputs (0.0); recorded at ...
    """

    def __init__(self) -> None:
        super().__init__(functools.partial(heard_by, check_forward, checks=check_value))


def check_forward(node: Node) -> None:
    """Note the line of a step, and raise if the step made NaN or inf from finite numbers."""
    node.note().line = user_line()
    check_value(node.op, node.args, node.value)


def check_value(op: Op | None, args: Iterable[Any], value: Any) -> None:
    """Raise if `op` made NaN or inf from finite numbers."""
    if not finite(value) and all(map(finite, args)):
        raise AnomalyError(
            f"{op_name(op)} produced {nonfinite(value)} from finite inputs "
            f"({', '.join(map(show, args))}); recorded at {user_line()}"
        )


def nonfinite(value: Any) -> str:
    """The first entry that is not finite, and its index."""
    if value.__class__ is tuple:
        return next(nonfinite(item) for item in value if not finite(item))
    while (several := getattr(value, "__array_several__", None)) is not None:  # of all members of a batch
        value = several
    array = to_host(value)
    if array.ndim == 0:
        return str(array)
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    return f"{array[place]} at index {place}"
