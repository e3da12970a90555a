"""The batching rules of products and of linear algebra: see `rules.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import shape_of
from ..known import defbatch
from ..ops.linalg import cutoff, least_squares
from ..ops.products import adjoint
from .batched import Level
from .rules import first, widened

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
