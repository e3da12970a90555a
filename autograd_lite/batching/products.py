"""The batching rules of products, of linear algebra, and of searching: see `rules.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import every, shape_of
from ..known import defbatch
from ..ops.linalg import cutoff, least_squares
from ..ops.products import adjoint
from .batched import Level
from .rules import first, varies, widened

__all__: list[str] = []

# -- products --------------------------------------------------------------------------------------


@defbatch(np.matmul)
def _matmul(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """Vectors of a batch are the rows of a matrix, so that one product does it where the other is shared."""
    (a, b), (m, n) = args, [len(shape_of(x)) for x in args]
    one, other = level.body(a), level.body(b)
    if not (level.holds(a) and level.holds(b)):
        if level.holds(a) and n <= 2:  # all rows of all members times one matrix
            rows = np.reshape(one, (math.prod(one.shape[:-1]), one.shape[-1])) if m > 1 else one
            return np.reshape(np.matmul(rows, other), (*one.shape[:-1], *shape_of(other)[1:]))
        if level.holds(b) and n == 1:
            product = np.matmul(other, np.matrix_transpose(one) if m > 1 else one)
            return product if m <= 2 else np.moveaxis(product, -2, 0)
        if level.holds(b) and n == m == 2:  # one matrix times the columns of all members
            columns = np.reshape(np.matrix_transpose(other), (level.size * b.shape[1], b.shape[0]))
            product = np.reshape(
                np.matmul(columns, np.transpose(one)), (level.size, b.shape[1], shape_of(a)[0])
            )
            return np.matrix_transpose(product)
    if m == 1:
        one = np.expand_dims(one, -2)
    if n == 1:
        other = np.expand_dims(other, -1)
    loops = max(m - 2, n - 2, 0) + 2
    if level.holds(a):
        one = np.reshape(one, (level.size, *[1] * (loops - max(m, 2)), *one.shape[1:]))
    if level.holds(b):
        other = np.reshape(other, (level.size, *[1] * (loops - max(n, 2)), *other.shape[1:]))
    product = np.matmul(one, other)
    product = product[..., 0, :] if m == 1 else product
    return product[..., 0] if n == 1 else product


@defbatch(np.einsum)
def _einsum(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """One letter more for the batch, in front of each operand that has it and of the result."""
    if not isinstance(args[0], str) or "->" not in args[0]:
        return NotImplemented
    inputs, _, output = args[0].replace(" ", "").partition("->")
    letter = next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in args[0])
    held = [level.holds(x) for x in args[1:]]
    terms = ",".join(letter * h + term for term, h in zip(inputs.split(","), held, strict=True))
    return np.einsum(f"{terms}->{letter}{output}", *map(level.body, args[1:]), **kwargs)


# -- matrices --------------------------------------------------------------------------------------


def _as_stacks(op: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    return op(a, *args, **kwargs)


defbatch(
    *(np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.eig, np.linalg.eigh, np.linalg.eigvals),
    *(np.linalg.eigvalsh, np.linalg.svd, np.linalg.svdvals, np.linalg.qr, np.linalg.cholesky, np.linalg.pinv),
    *(np.linalg.matrix_power, np.linalg.matrix_rank, np.linalg.cond),
    rule=first(_as_stacks),
)


@defbatch(np.linalg.solve)
def _solve(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    a, b = args
    vector = len(shape_of(b)) == 1
    if vector:
        b = np.expand_dims(b, -1)
    ndim = max(a.ndim, b.ndim)
    x = np.linalg.solve(widened(level, a, ndim), widened(level, b, ndim))
    return x[..., 0] if vector else x


@defbatch(least_squares)
def _least_squares(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """By the singular values, as LAPACK does it for one matrix."""
    a, b, rcond = args
    u, s, vh = np.linalg.svd(level.body(a), full_matrices=False)
    kept = s > cutoff(a, rcond) * np.max(s, -1, keepdims=True, initial=0)
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0)
    return np.matmul(adjoint(vh), inverse[..., None] * np.matmul(adjoint(u), level.body(b)))


# -- polynomials and signals -----------------------------------------------------------------------

ROOM = 1 << 22
"""So many numbers the windows of all members may hold; beyond it the members take turns."""


@defbatch(np.convolve)
def _convolve(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """The windows of the longer signal, read backwards, times the shorter one."""

    def convolved(a: Any, v: Any, mode: Any = "full") -> Any:
        (a, n), (v, m) = sorted([(x, math.prod(shape_of(x))) for x in (a, v)], key=lambda pair: -pair[1])
        if not m or mode not in ("full", "same", "valid"):
            return NotImplemented
        a, v = (np.reshape(level.full(x), (level.size, size)) for x, size in ((a, n), (v, m)))
        if (n + m) * m * level.size > ROOM:
            return np.stack([np.convolve(x, y, mode) for x, y in zip(a, v, strict=True)])
        ends = {"full": m - 1, "same": (m - 1) - (m - 1) // 2, "valid": 0}[mode]
        after = {"full": m - 1, "same": (m - 1) // 2, "valid": 0}[mode]
        padded = np.pad(a, ((0, 0), (ends, after)))
        windows = padded[:, np.arange(n + ends + after - m + 1)[:, None] + np.arange(m)[::-1]]
        return np.matmul(windows, v[..., None])[..., 0]

    return convolved(*args, **kwargs)


@defbatch(np.roots)
def _roots(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """The eigenvalues of the companion matrix; the members must have equally many roots, none of them 0."""
    (p,) = args
    a, n = p._array, p.size - 1
    if p.ndim != 1 or n < 1 or not (every(a[:, 0] != 0) and every(a[:, -1] != 0)):
        return NotImplemented
    below = np.broadcast_to(np.eye(n - 1, n, dtype=a.dtype), (level.size, n - 1, n))
    return np.linalg.eigvals(np.concatenate([(-a[:, 1:] / a[:, :1])[:, None], below], axis=1))


# -- searching -------------------------------------------------------------------------------------


@defbatch(np.searchsorted)
def _searchsorted(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """In one list that all members share, all are looked up at once; in lists of their own by counting."""

    def searched(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        if not level.holds(a):
            return np.searchsorted(a, level.body(v), side, sorter)
        if sorter is not None:
            a = np.take_along_axis(a, sorter, 0)
        row, flat = a._array, np.reshape(level.full(v), (level.size, math.prod(shape_of(v))))
        if row.shape[1] * flat.size > ROOM:
            places = np.stack([np.searchsorted(x, y, side) for x, y in zip(row, flat, strict=True)])
        else:
            row, lane = row[:, None], flat[..., None]
            below = row < lane if side == "left" else row <= lane
            places = np.sum(below | (np.isnan(lane) & (~np.isnan(row) if side == "left" else True)), -1)
        return np.reshape(places, (level.size, *shape_of(v)))

    return searched(*args, **kwargs)


defbatch(np.digitize, rule=first(_as_stacks))


@defbatch(np.isin)
def _isin(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    element, *rest = args
    return NotImplemented if varies(level, (rest, kwargs)) else op(element._array, *rest, **kwargs)
