"""Sparse linear systems and exponentials of sparse matrices, with gradients by the entries.

A sparse matrix is SciPy's, without a gradient, or the pair `(data, (row, col))` that SciPy's constructors
take. Then `data` has a gradient. Entries at the same place add up.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csc_array
from scipy.sparse import linalg as _linalg

from ..apply import primitive
from ..arrays import shape_of, to_host
from ..errors import LinAlgError, ShapeError
from ..known import defvjp

__all__ = ["expm_multiply", "spsolve"]


def spsolve(A: Any, b: Any) -> Any:
    """The solution x of A x = b for a sparse matrix A, with gradients with respect to A's entries and b.

    Args:
        A: (n, n); a sparse matrix of SciPy, or `(data, (row, col))`, where `data` may be on the tape.
        b: (n,) or (n, k).

    Returns:
        x, of the shape of b. The cotangent of b is w = A^-H g, that of an entry is -w[row] x[col].

    Raises:
        LinAlgError: A is singular.
        ShapeError: A is not square, or b has another length.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> rows, columns = np.array([0, 0, 1]), np.array([0, 1, 1])
        >>> f = lambda data: np.sum(spsolve((data, (rows, columns)), np.array([2.0, 1.0])))
        >>> ag.grad(f)(np.array([2.0, 1.0, 2.0]))        # x + y with a x + b y = 2, c y = 1
        array([-0.375, -0.25 , -0.125])
    """
    data, row, col = _entries("spsolve", A, b)
    return _spsolve(data, b, row, col)


@primitive
def _spsolve(data: Any, b: Any, row: Any, col: Any) -> Any:
    n = shape_of(b)[0]
    a = csc_array(coo_array((to_host(data), (row, col)), shape=(n, n)))
    b = np.asarray(to_host(b), np.result_type(a.dtype, b.dtype))
    try:
        return _linalg.splu(a).solve(b)
    except RuntimeError as error:
        raise LinAlgError(
            f"spsolve: the matrix of shape ({n}, {n}) is singular; check that no unknown is free, as in a "
            "beam without supports"
        ) from error


def _spsolve_rule(g: Any, y: Any, data: Any, b: Any, row: Any, col: Any) -> tuple[Any, ...]:
    w = _spsolve(np.conjugate(data), g, col, row)
    products = w[row] * np.conjugate(y[col])
    return -(np.sum(products, axis=1) if len(shape_of(b)) > 1 else products), w, None, None


defvjp(_spsolve, joint=_spsolve_rule, plain=True)


def expm_multiply(A: Any, B: Any) -> Any:
    """exp(A) B for a sparse matrix A, with gradients with respect to A's entries and B.

    Args:
        A: (n, n), real; a sparse matrix of SciPy, or `(data, (row, col))`, where `data` may be on the tape.
        B: (n,) or (n, k), real.

    Returns:
        exp(A) B. The cotangent of B is exp(A^T) g. That of an entry is the integral over s from 0 to 1 of
        (exp((1 - s) A^T) g)[row] (exp(s A) B)[col]; second derivatives by entries take long.

    Raises:
        ShapeError: A is not square, or B has another length.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> row = col = np.arange(2)
        >>> f = lambda data: np.sum(expm_multiply((data, (row, col)), np.array([1.0, 2.0])))
        >>> np.round(ag.grad(f)(np.array([0.0, 1.0])), 6)        # 1, and 2 e
        array([1.      , 5.436564])
    """
    data, row, col = _entries("expm_multiply", A, B)
    return _expm_multiply(data, B, row, col)


@primitive
def _expm_multiply(data: Any, B: Any, row: Any, col: Any) -> Any:
    n = shape_of(B)[0]
    a = csc_array(coo_array((to_host(data), (row, col)), shape=(n, n)))
    return _linalg.expm_multiply(a, np.asarray(to_host(B), float), traceA=float(a.trace()))


def _expm_multiply_rule(
    g: Any, y: Any, data: Any, B: Any, row: Any, col: Any, needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    sent = _expm_multiply(data, g, col, row) if needs[1] else None
    if not needs[0]:
        return None, sent, None, None

    # Twelve nodes of Gauss are exact to rounding where the norm of h A is below 4.
    parts = math.ceil(float(np.max(np.bincount(col, np.abs(to_host(data))), initial=0)) / 4) or 1
    nodes, weights = np.polynomial.legendre.leggauss(12)
    total = 0.0
    for s, weight in zip(
        np.ravel(np.arange(parts)[:, None] + (nodes + 1) / 2) / parts, np.tile(weights, parts), strict=True
    ):
        left = _expm_multiply((1 - s) * data, g, col, row)[row]
        products = left * _expm_multiply(s * data, B, row, col)[col]
        total = total + weight / (2 * parts) * np.sum(np.reshape(products, (len(row), -1)), axis=1)
    return total, sent, None, None


defvjp(_expm_multiply, joint=_expm_multiply_rule)


def _entries(name: str, A: Any, b: Any) -> tuple[Any, Any, Any]:
    """The entries of a sparse matrix, their rows and columns."""
    (n, *_) = shape_of(b) or (0,)
    if hasattr(A, "tocoo"):
        a = A.tocoo()
        shape, (data, row, col) = a.shape, (a.data, a.row, a.col)
    else:
        data, (row, col) = A
        row, col = to_host(row), to_host(col)
        shape = (max(int(np.max(i, initial=-1)) + 1 for i in (row, col)),) * 2
        shape = (max(shape[0], n),) * 2
    if shape != (n, n) or {shape_of(data), shape_of(row), shape_of(col)} != {(math.prod(shape_of(data)),)}:
        raise ShapeError(
            f"{name}: A has shape {shape}, with entries of shape {shape_of(data)} in rows {shape_of(row)} "
            f"and columns {shape_of(col)}, the other argument has shape {shape_of(b)}; expected A (n, n), "
            "vectors of one length, and (n,) or (n, k)"
        )
    return data, row, col
