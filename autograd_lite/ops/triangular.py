"""Decompositions into triangular matrices: QR, Cholesky."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import unwrap, zeros
from ..errors import UnsupportedError
from ..known import Composition, defvjp, known
from .decompositions import from_triangle, mirrored
from .products import adjoint
from .singular import completed

__all__: list[str] = []


# -- QR --------------------------------------------------------------------------------------------


@primitive
def qr(a: Any) -> Any:
    """Q with orthonormal columns and R, for a matrix with at least as many rows as columns."""
    return tuple(np.linalg.qr(a))


def _qr(g: Any, y: Any, a: Any) -> tuple[Any]:
    """(gQ + Q M) R^-H, where M is the hermitian matrix with the lower triangle of R gR^H - gQ^H Q.

    Source:
        S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions", 2010.
    """
    (gq, gr), (q, r) = g, y
    if gq is None:
        ga = np.matmul(q, mirrored(np.matmul(r, adjoint(gr))))
    else:
        lower = -np.matmul(adjoint(gq), q)
        ga = gq + np.matmul(q, mirrored(lower if gr is None else lower + np.matmul(r, adjoint(gr))))
    return (adjoint(np.linalg.solve(r, adjoint(ga))),)


defvjp(qr, joint=_qr, plain=True, partial=True)

QRResult = type(np.linalg.qr(np.eye(1)))


def _np_qr(a: Any, mode: str = "reduced") -> Any:
    """np.linalg.qr. The last columns of a complete Q have a derivative only in functions that do not depend
    on their basis."""
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(f"np.linalg.qr(..., mode={mode!r}) cannot be recorded; write mode='reduced'")
    if len(a.shape) < 2:
        raise ValueError("a vector has no QR decomposition; expected a matrix, or a stack of matrices")
    rows, columns = a.shape[-2:]
    q, r = qr(a[..., :rows] if rows < columns else a)
    if rows < columns:
        r = np.concatenate([r, np.matmul(adjoint(q), a[..., rows:])], axis=-1)
    if mode == "r":
        return r
    if mode == "complete" and rows > columns:
        q = completed(q, np.linalg.qr(unwrap(a), "complete")[0])
        r = np.concatenate([r, zeros((*r.shape[:-2], rows - columns, columns), like=r)], axis=-2)
    return QRResult(q, r)


known[np.linalg.qr] = Composition(_np_qr)

# -- Cholesky --------------------------------------------------------------------------------------


@primitive
def cholesky(a: Any) -> Any:
    """The lower triangular L of a = L L^H."""
    return np.linalg.cholesky(a)


def _cholesky(g: Any, y: Any, a: Any) -> Any:
    """1/2 L^-H M L^-1, where M is the hermitian matrix with the lower triangle of L^H g.

    Source:
        I. Murray, "Differentiation of the Cholesky decomposition", 2016.
    """
    down = adjoint(y)
    half = np.linalg.solve(down, mirrored(np.matmul(down, g)) / 2)
    return adjoint(np.linalg.solve(down, adjoint(half)))


def _np_cholesky(a: Any, *, upper: bool = False) -> Any:
    factor = cholesky(from_triangle(a, uplo="U" if upper else "L"))
    return adjoint(factor) if upper else factor


defvjp(cholesky, _cholesky, plain=True)
known[np.linalg.cholesky] = Composition(_np_cholesky)
