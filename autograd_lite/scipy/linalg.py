"""`scipy.linalg` with gradients: SciPy's kernels, each with one rule.

A rule uses the same functions, so that derivatives of every order come from it. Matrices are real or
complex; for a complex matrix the transposed matrix in a formula is the conjugate transposed one. Other
names are NumPy's or SciPy's.

Source:
    M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
    differentiation", 2008.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as _linalg

from ..apply import primitive
from ..arrays import shape_of
from ..errors import ShapeError
from ..known import defvjp
from ..ops.products import adjoint

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "det",
    "eigh",
    "expm",
    "inv",
    "logm",
    "solve",
    "solve_banded",
    "solve_sylvester",
    "solve_triangular",
    "sqrtm",
    "toeplitz",
]


def __getattr__(name: str) -> Any:
    return getattr(np.linalg, name, None) or getattr(_linalg, name)


# -- what NumPy has too ----------------------------------------------------------------------------


def solve(a: Any, b: Any, **options: Any) -> Any:
    """The solution x of a x = b, for a square matrix; `options` of SciPy choose its algorithm only.

    Example:
        >>> import numpy as np
        >>> solve(2 * np.eye(2), np.ones(2), assume_a="pos")
        array([0.5, 0.5])
    """
    return np.linalg.solve(a, b) if len(shape_of(b)) > 1 else np.linalg.solve(a, b[..., None])[..., 0]


def inv(a: Any, **options: Any) -> Any:
    """The inverse of a square matrix."""
    return np.linalg.inv(a)


def det(a: Any, **options: Any) -> Any:
    """The determinant of a square matrix."""
    return np.linalg.det(a)


def eigh(a: Any, **options: Any) -> Any:
    """The eigenvalues and eigenvectors of a symmetric or hermitian matrix."""
    return tuple(np.linalg.eigh(a))


# -- triangular matrices ---------------------------------------------------------------------------


@primitive
def _triangular(a: Any, b: Any, lower: bool, unit_diagonal: bool) -> Any:
    return _linalg.solve_triangular(a, b, lower=lower, unit_diagonal=unit_diagonal)


def _triangular_rule(g: Any, y: Any, a: Any, b: Any, lower: bool, unit_diagonal: bool) -> Any:
    gb = _triangular(adjoint(a), g, not lower, unit_diagonal)
    ga = -np.matmul(gb, adjoint(y)) if len(shape_of(b)) > 1 else -np.outer(gb, np.conjugate(y))
    part, inside = (np.tril, -1) if lower else (np.triu, 1)
    return part(ga, inside if unit_diagonal else 0), gb, None, None


defvjp(_triangular, joint=_triangular_rule, plain=True)


def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, **options: Any
) -> Any:
    """The solution x of a x = b, for a triangular matrix; its other triangle is not read.

    Args:
        a: matrix (n, n).
        b: (n,) or (n, k).
        trans: 0 or "N"; 1 or "T" for the transposed matrix; 2 or "C" for its conjugate.
        lower: whether the lower triangle is meant.
        unit_diagonal: take ones for the diagonal.

    Example:
        >>> import numpy as np
        >>> solve_triangular(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 2.0]), lower=True)
        array([1., 1.])
    """
    if trans not in (0, "N"):
        a = np.transpose(a) if trans in (1, "T") else adjoint(a)
        lower = not lower
    return _triangular(a, b, bool(lower), bool(unit_diagonal))


def cholesky(a: Any, lower: bool = False, **options: Any) -> Any:
    """The triangular factor of a positive definite matrix: a = U^H U, or, with `lower`, a = L L^H.

    Example:
        >>> import numpy as np
        >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
        array([[2., 1.],
               [0., 2.]])
    """
    factor = np.linalg.cholesky(a)
    return factor if lower else adjoint(factor)


def cho_factor(a: Any, lower: bool = False, **options: Any) -> tuple[Any, bool]:
    """The pair that `cho_solve` takes: the triangular factor, and whether it is the lower one."""
    return cholesky(a, lower), lower


def cho_solve(c_and_lower: tuple[Any, bool], b: Any, **options: Any) -> Any:
    """The solution x of a x = b, from the factor of a.

    Example:
        >>> import numpy as np
        >>> cho_solve(cho_factor(4 * np.eye(2)), np.ones(2))
        array([0.25, 0.25])
    """
    c, lower = c_and_lower
    first, second = (2, 0) if not lower else (0, 2)
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


# -- functions of matrices -------------------------------------------------------------------------


def _beside(a: Any, g: Any) -> Any:
    """The matrix [[a, g], [0, a]]: a function of it has the derivative of the function, along g, at the top
    right."""
    above = np.concatenate([a, g], -1)
    below = np.concatenate([np.zeros(shape_of(a), a.dtype), a], -1)
    return np.concatenate([above, below], -2)


def _corner(function: Any) -> Any:
    """The rule of a function of matrices by that identity, which holds for all that have a power series.

    Source:
        R. Mathias, "A chain rule for matrix functions and applications", SIAM Journal on Matrix Analysis
        17, 1996.
    """

    def rule(g: Any, y: Any, a: Any) -> Any:
        n = shape_of(a)[-1]
        return function(_beside(adjoint(a), g))[..., :n, n:]

    return rule


@primitive
def expm(a: Any) -> Any:
    """The exponential of a square matrix.

    Example:
        >>> import numpy as np
        >>> expm(np.array([[0.0, 1.0], [0.0, 0.0]]))
        array([[1., 1.],
               [0., 1.]])
    """
    return _linalg.expm(a)


@primitive
def logm(a: Any) -> Any:
    """The principal logarithm of a square matrix.

    Example:
        >>> import numpy as np
        >>> np.round(logm(expm(np.array([[0.0, 1.0], [1.0, 0.0]]))), 12) + 0.0
        array([[0., 1.],
               [1., 0.]])
    """
    return _linalg.logm(a)


@primitive
def sqrtm(a: Any) -> Any:
    """The principal square root of a square matrix.

    Example:
        >>> import numpy as np
        >>> sqrtm(np.diag([4.0, 9.0]))
        array([[2., 0.],
               [0., 3.]])
    """
    return _linalg.sqrtm(a)


@primitive
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """The solution x of a x + x b = q.

    Example:
        >>> import numpy as np
        >>> solve_sylvester(np.eye(2), np.eye(2), np.ones((2, 2)))
        array([[0.5, 0.5],
               [0.5, 0.5]])
    """
    return _linalg.solve_sylvester(a, b, q)


def _sylvester(g: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    gq = solve_sylvester(adjoint(a), adjoint(b), g)
    return -np.matmul(gq, adjoint(y)), -np.matmul(adjoint(y), gq), gq


defvjp(expm, _corner(expm), plain=True)
defvjp(logm, _corner(logm), plain=True)
defvjp(sqrtm, lambda g, y, a: solve_sylvester(adjoint(y), adjoint(y), g), plain=True)
defvjp(solve_sylvester, joint=_sylvester, plain=True)

# -- matrices with a pattern -----------------------------------------------------------------------


def _along(bands: tuple[int, int], n: int) -> tuple[Any, Any]:
    """For each entry of the bands its row in the matrix, and whether it is in there."""
    lower, upper = bands
    row = np.arange(lower + upper + 1)[:, None] + np.arange(n) - upper
    return np.clip(row, 0, n - 1), (row >= 0) & (row < n)


@primitive
def _banded(ab: Any, b: Any, bands: Any) -> Any:
    return _linalg.solve_banded(bands, ab, b)


def _banded_rule(g: Any, y: Any, ab: Any, b: Any, bands: tuple[int, int]) -> Any:
    """The transposed matrix has the same bands, read from the other end."""
    n = shape_of(ab)[1]
    row, inside = _along(bands[::-1], n)
    turned = ab[np.arange(sum(bands), -1, -1)[:, None], row] * inside
    gb = _banded(np.conjugate(turned), g, bands[::-1])
    row, inside = _along(bands, n)
    product = gb[row] * np.conjugate(y)
    return -(product if len(shape_of(b)) == 1 else np.sum(product, -1)) * inside, gb, None


defvjp(_banded, joint=_banded_rule, plain=True)


def solve_banded(l_and_u: tuple[int, int], ab: Any, b: Any, **options: Any) -> Any:
    """The solution x of a x = b, for a matrix with few diagonals.

    Args:
        l_and_u: how many diagonals are below and above the main one.
        ab: the diagonals, (l + u + 1, n), with a[i, j] at ab[u + i - j, j].
        b: (n,) or (n, k).

    Example:
        >>> import numpy as np
        >>> solve_banded((0, 1), np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([3.0, 1.0]))
        array([2., 1.])
    """
    bands = tuple(map(int, l_and_u))
    if shape_of(ab)[0] != sum(bands) + 1:
        raise ShapeError(
            f"solve_banded({bands}, ab, b): ab has shape {shape_of(ab)}; expected {sum(bands) + 1} "
            "diagonals, one in each row"
        )
    return _banded(ab, b, bands)


def block_diag(*arrays: Any) -> Any:
    """The matrix with the given matrices on its diagonal, and 0 elsewhere; a vector is a row.

    Example:
        >>> import numpy as np
        >>> block_diag(np.ones((1, 2)), 3.0)
        array([[1., 1., 0.],
               [0., 0., 3.]])
    """
    blocks = [np.atleast_2d(a) for a in arrays]
    if not blocks:
        return np.zeros((1, 0))
    width = sum(shape_of(a)[1] for a in blocks)
    rows, left = [], 0
    for a in blocks:
        n, m = shape_of(a)
        rows.append(np.concatenate([np.zeros((n, left)), a, np.zeros((n, width - left - m))], 1))
        left += m
    return np.concatenate(rows, 0)


def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix with constant diagonals, given by its first column and first row.

    Example:
        >>> import numpy as np
        >>> toeplitz(np.array([1.0, 2.0]), np.array([9.0, 5.0]))
        array([[1., 5.],
               [2., 1.]])
    """
    r = np.conjugate(c) if r is None else r
    line = np.concatenate([np.flip(r[1:]), c])
    return line[np.arange(len(c))[:, None] - np.arange(len(r)) + len(r) - 1]
