"""The number of multiply-adds of an op: from `fused(..., work=)`, or for NumPy's ops from a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .ops.products import einsum

__all__ = ["multiply_adds"]


def multiply_adds(op: Any, value: Any, *args: Any, **options: Any) -> int:
    """The number of multiply-adds of one call of an op; 0 for an elementwise op.

    Args:
        op: a NumPy function, or an op whose attribute `work` computes the number, see `fused`.
        value: the result of the op.
        args: the arguments: arrays, Tensors, or other objects with a shape.
        options: the keyword arguments.

    Example:
        >>> import numpy as np
        >>> a, b = np.ones((5, 3)), np.ones((3, 2))
        >>> multiply_adds(np.matmul, a @ b, a, b), multiply_adds(np.add, a + 1, a, 1)
        (30, 0)
    """
    work = getattr(op, "work", None) or WORK.get(op)
    return 0 if work is None else int(work(value, *args, **options))


def _rows(y: Any, a: Any, b: Any, *, axis: int = -1, **options: Any) -> int:
    """Each entry of the result is a sum over an axis of a."""
    return int(np.size(y) * np.shape(a)[axis])


def _contracted(y: Any, a: Any, b: Any, *args: Any, **options: Any) -> int:
    """The n common entries of a and b are summed for each pair of the other entries.

    The sizes of a, b and y are n i, n k and i k. The number n i k is the root of their product.
    """
    return math.isqrt(int(np.size(a)) * int(np.size(b)) * int(np.size(y)))


def _every_index(y: Any, subscripts: str, *arrays: Any, **options: Any) -> int:
    """One product for each value of all letters; none if a single array is summed or transposed."""
    if len(arrays) < 2:
        return 0
    sizes: dict[str, int] = {}
    batches: list[tuple[int, ...]] = []
    for term, array in zip(subscripts.replace(" ", "").split("->")[0].split(","), arrays, strict=True):
        before, _, after = term.partition("...")
        shape = np.shape(array)
        end = len(shape) - len(after)
        batches.append(shape[len(before) : end])
        for letter, n in zip(before + after, shape[: len(before)] + shape[end:], strict=True):
            sizes[letter] = sizes.get(letter, 1) if n == 1 else n
    return math.prod(sizes.values()) * math.prod(np.broadcast_shapes(*batches))


def _overlaps(y: Any, a: Any, v: Any, mode: str = "full") -> int:
    """One product for each pair of entries; the modes `same` and `valid` leave out overlaps at both ends."""
    n, m = np.size(a), np.size(v)
    short = min(n, m)
    if mode == "valid":
        return int(np.size(y) * short)
    left, right = (short - 1 - short // 2, short // 2) if mode == "same" else (0, 0)
    return int(n * m - (left * (left + 1) + right * (right + 1)) // 2)


WORK: dict[Any, Callable[..., int]] = {
    **{getattr(np, name): _rows for name in ("matmul", "vecdot", "matvec", "vecmat") if hasattr(np, name)},
    **dict.fromkeys((np.dot, np.inner, np.vdot, np.tensordot), _contracted),
    **dict.fromkeys((np.einsum, einsum), _every_index),
    np.convolve: _overlaps,
    np.correlate: lambda y, a, v, mode="valid": _overlaps(y, a, v, mode),
}
"""`work(value, *args, **options)` for each of NumPy's ops that sum products."""
