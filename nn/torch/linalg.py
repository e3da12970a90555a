"""`torch.linalg`: decompositions, norms and solutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.errors import MissingAttributeError

from .dtypes import matched
from .functions import FUNCTIONS
from .functions.joining import listed
from .functions.matrices import cholesky as _cholesky
from .functions.matrices import exponential, triangular
from .functions.reductions import cast, p_norm
from .functions.registry import axes_of, entry

_TABLE: dict[str, Callable[..., Any]] = {}


def _entry(function: Callable[..., Any]) -> Callable[..., Any]:
    return entry(function, table=_TABLE)


def _np(name: str, doc: str, ours: str | None = None, **fixed: Any) -> Callable[..., Any]:
    """NumPy's function of one matrix under its PyTorch name."""
    compute = getattr(np.linalg, name)

    def function(A: Any) -> Any:
        return compute(A, **fixed)

    function.__doc__ = doc
    return entry(function, name=ours or name, table=_TABLE)


inv = _np("inv", "The inverse matrix.")
det = _np("det", "The determinant.")
svdvals = _np("svd", "The singular values, the largest first.", "svdvals", compute_uv=False)


class _Slogdet(NamedTuple):
    sign: Any
    logabsdet: Any


class _SVD(NamedTuple):
    U: Any
    S: Any
    Vh: Any


class _QR(NamedTuple):
    Q: Any
    R: Any


class _Eigen(NamedTuple):
    eigenvalues: Any
    eigenvectors: Any


class _LeastSquares(NamedTuple):
    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


class _Checked(NamedTuple):
    L: Any
    info: Any


class _Inverse(NamedTuple):
    inverse: Any
    info: Any


@_entry
def slogdet(A: Any) -> Any:
    """The sign of the determinant, and the logarithm of its absolute value."""
    return _Slogdet(*np.linalg.slogdet(A))


@_entry
def svd(A: Any, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """U, S and V^H with A = U diag(S) V^H."""
    return _SVD(*np.linalg.svd(A, full_matrices=full_matrices))


@_entry
def qr(A: Any, mode: str = "reduced") -> Any:
    """Q and R with A = Q R."""
    return _QR(*np.linalg.qr(A, mode=mode))  # type: ignore[call-overload]


@_entry
def eigh(A: Any, UPLO: str = "L") -> Any:
    """The eigenvalues and eigenvectors of a symmetric or Hermitian matrix."""
    return _Eigen(*np.linalg.eigh(A, UPLO))  # type: ignore[call-overload]


@_entry
def eigvalsh(A: Any, UPLO: str = "L") -> Any:
    """The eigenvalues of a symmetric or Hermitian matrix."""
    return np.linalg.eigvalsh(A, UPLO)  # type: ignore[call-overload]


def _complex(x: Any) -> Any:
    """A result that is complex in PyTorch even if NumPy finds it real."""
    return x if x.dtype.kind == "c" else x.astype(np.result_type(x.dtype, np.complex64))


@_entry
def eig(A: Any) -> Any:
    """The complex eigenvalues and eigenvectors of a square matrix."""
    return _Eigen(*map(_complex, np.linalg.eig(A)))


@_entry
def eigvals(A: Any) -> Any:
    """The complex eigenvalues of a square matrix."""
    return _complex(np.linalg.eigvals(A))


@_entry
def cholesky(A: Any, *, upper: bool = False) -> Any:
    """The triangular L with A = L L^H, or L^H."""
    return _cholesky(A, upper)


@_entry
def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    """The triangular factor, and for each matrix 0 where there is one."""
    return _Checked(_cholesky(A, upper), np.zeros(A.shape[:-2], np.int32))


@_entry
def inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    """The inverse, and for each matrix 0 where there is one."""
    return _Inverse(np.linalg.inv(A), np.zeros(A.shape[:-2], np.int32))


@_entry
def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """The solution X of A X = B, or of X A = B."""
    a, b = matched(A, B)
    if not left:
        return np.swapaxes(np.linalg.solve(np.swapaxes(a, -2, -1), np.swapaxes(b, -2, -1)), -2, -1)
    if b.ndim == a.ndim - 1 and b.ndim > 1 and b.shape == a.shape[:-1]:  # vectors, one for each matrix
        return np.linalg.solve(a, np.expand_dims(b, -1))[..., 0]
    return np.linalg.solve(a, b)


@_entry
def solve_triangular(
    A: Any,
    B: Any,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Any:
    """The solution X of A X = B, or of X A = B, where only one triangle of A counts."""
    if left:
        return triangular(A, B, upper, unitriangular)
    turned = triangular(np.swapaxes(A, -2, -1), np.swapaxes(B, -2, -1), not upper, unitriangular)
    return np.swapaxes(turned, -2, -1)


@_entry
def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The X that minimizes |A X - B|; residuals, rank and singular values."""
    x = np.linalg.pinv(A) @ B
    values = np.asarray(np.linalg.svd(A.detach(), compute_uv=False))
    limit = np.finfo(values.dtype).eps * max(A.shape[-2:]) if rcond is None else rcond
    rank = np.sum(values > limit * values.max(axis=-1, keepdims=True), axis=-1)
    full = A.shape[-2] > A.shape[-1] and bool(np.all(rank == A.shape[-1]))
    residuals = np.sum((A @ x - B) ** 2, axis=-2) if full else np.zeros(0, values.dtype)
    return _LeastSquares(x, residuals, np.asarray(rank), values)


@_entry
def pinv(
    A: Any,
    *,
    atol: Any = None,
    rtol: Any = None,
    rcond: Any = None,
    hermitian: bool = False,
) -> Any:
    """The pseudo-inverse."""
    if rcond is not None or rtol is not None:
        return np.linalg.pinv(A, rtol if rcond is None else rcond, hermitian)
    return np.linalg.pinv(A, max(A.shape[-2:]) * np.finfo(A.dtype).eps, hermitian)


@_entry
def matrix_rank(
    A: Any, *, atol: Any = None, rtol: Any = None, tol: Any = None, hermitian: bool = False
) -> Any:
    """The number of singular values that are not 0 up to rounding."""
    values = np.asarray(np.linalg.svd(np.asarray(A.detach()), compute_uv=False))
    part = np.finfo(values.dtype).eps * max(A.shape[-2:]) if rtol is None and atol is None else rtol or 0.0
    limit = np.maximum(atol or 0.0, part * values.max(axis=-1, keepdims=True)) if tol is None else tol
    return np.sum(values > limit, axis=-1)


@_entry
def cond(A: Any, p: Any = None) -> Any:
    """The condition number."""
    return np.linalg.cond(A, p)


@_entry
def matrix_power(A: Any, n: int) -> Any:
    """The n-th power of a square matrix."""
    return np.linalg.matrix_power(A, n)


@_entry
def matrix_exp(A: Any) -> Any:
    """The exponential of square matrices."""
    return exponential(A)


@_entry
def multi_dot(tensors: Any) -> Any:
    """The product of several matrices."""
    return np.linalg.multi_dot(listed((tensors,)))


@_entry
def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The norm of vectors or matrices; without `ord`, the root of the sum of all squares."""
    x, axes = cast(A, dtype), axes_of(dim)
    if ord is None:
        return p_norm(x, 2, axes, keepdim)
    return np.linalg.norm(x, ord, axis=axes, keepdims=keepdim)


@_entry
def vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The p-norm of all entries, or of the entries along axes."""
    return p_norm(cast(x, dtype), ord, axes_of(dim), keepdim)


@_entry
def matrix_norm(
    A: Any,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Any:
    """The norm of matrices, which lie along two axes."""
    return np.linalg.norm(cast(A, dtype), ord, axis=axes_of(dim), keepdims=keepdim)


@_entry
def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The vector product along an axis of length 3."""
    return FUNCTIONS["cross"](input, other, dim)


@_entry
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """The scalar products of vectors along an axis, with the conjugate of the first."""
    return np.sum((np.conjugate(x) if x.dtype.kind == "c" else x) * y, axis=dim)


@_entry
def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The entries on the diagonals of matrices."""
    return np.diagonal(A, offset, dim1, dim2)


@_entry
def vander(x: Any, N: int | None = None) -> Any:
    """The matrix of the powers of vectors, from 0 on."""
    return np.expand_dims(x, -1) ** np.arange(x.shape[-1] if N is None else N).astype(x.dtype)


@_entry
def matmul(input: Any, other: Any) -> Any:
    """The product of matrices, or of a matrix and a vector."""
    return np.matmul(*matched(input, other))


@_entry
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:
    """The solution X of A X = B, where the last axes of A meet the axes of X."""
    return np.linalg.tensorsolve(A, B, dims)


@_entry
def tensorinv(A: Any, ind: int = 2) -> Any:
    """The inverse for `tensordot` with `ind` axes."""
    return np.linalg.tensorinv(A, ind)


LinAlgError = np.linalg.LinAlgError


def __getattr__(name: str) -> Any:
    raise MissingAttributeError(
        f"nn.torch.linalg has no {name}; it has {', '.join(sorted(_TABLE))}, and np.linalg takes Tensors too"
    )
