"""Functions that programs use in derivative rules of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...aliases import Function
from ...sums import unbroadcast as summed
from ..listed import metadata

__all__ = ["match_complex", "replace_zero", "unbroadcast", "unbroadcast_f"]


def match_complex(target: Any, x: Any) -> Any:
    """x as a complex array if `target` is complex, else its real part."""
    if np.iscomplexobj(target) == np.iscomplexobj(x):
        return x
    return np.real(x) if np.iscomplexobj(x) else x + 0j


def replace_zero(x: Any, val: Any) -> Any:
    """x with `val` in place of zeros."""
    return np.where(x, x, val)


def unbroadcast(x: Any, target_meta: Any, broadcast_idx: int = 0) -> Any:
    """A cotangent summed back to the shape in `target_meta`, as `metadata` returns it.

    >>> unbroadcast(np.ones((3, 2)), metadata(np.zeros(2)))
    array([3., 3.])
    """
    shape, ndim, _, is_complex = target_meta
    while np.ndim(x) > ndim and broadcast_idx:
        x = np.sum(x, axis=broadcast_idx)
    x = summed(x, shape) if np.shape(x) != shape else x
    return np.real(x) if np.iscomplexobj(x) and not is_complex else x


def unbroadcast_f(target: Any, f: Function) -> Function:
    """The rule f, with its cotangent summed back to the shape of `target`."""
    meta = metadata(target)
    return lambda g: unbroadcast(f(g), meta)
