"""How many products an op adds up: said by the op, `fused(..., work=...)`, or for NumPy's ops by a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .ops.products import einsum

__all__ = ["multiply_adds"]


def multiply_adds(op: Any, value: Any, *args: Any, **options: Any) -> int:
    """The products that one call of an op adds up; 0 for an op that works entry by entry.

    Args:
        op: a function of NumPy, or an op that has its count as its attribute `work`, see `fused`.
        value: what the op has returned.
        args: its arguments: arrays, Tensors, or whatever has a shape.
        options: its keyword arguments.

    Example:
        >>> import numpy as np
        >>> a, b = np.ones((5, 3)), np.ones((3, 2))
        >>> multiply_adds(np.matmul, a @ b, a, b), multiply_adds(np.add, a + 1, a, 1)
        (30, 0)
    """
    work = getattr(op, "work", None) or WORK.get(op)
    return 0 if work is None else int(work(value, *args, **options))


def _rows(y: Any, a: Any, b: Any, *, axis: int = -1, **options: Any) -> int:
    """Each entry of the result sums over an axis of a."""
    return int(np.size(y) * np.shape(a)[axis])


def _contracted(y: Any, a: Any, b: Any, *args: Any, **options: Any) -> int:
    """What a and b have in common, n entries, is summed for each of the others.

    The sizes are n i, n k and i k, and n i k is the root of their product.
    """
    return math.isqrt(int(np.size(a)) * int(np.size(b)) * int(np.size(y)))


def _every_index(y: Any, subscripts: str, *arrays: Any, **options: Any) -> int:
    """One product for all values of all the letters; none where a single array is summed or transposed."""
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
    """Every entry meets every other; the modes `same` and `valid` leave out overlaps at both ends."""
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
"""NumPy's ops that add up products: `work(value, *args, **options)`."""
