"""Products of matrices and vectors, decompositions, distances."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_lite.errors import ShapeError

from ..dtypes import matched
from .joining import listed
from .registry import alias, entry

__all__ = ["exponential", "triangular"]

# -- products --------------------------------------------------------------------------------------


def _product(a: Any, b: Any) -> Any:
    """The product of matrices, each dense or sparse."""
    if getattr(b, "is_sparse", False) or getattr(a, "is_sparse", False):
        return a @ b
    return np.matmul(*matched(a, b))


@entry
def matmul(input: Any, other: Any) -> Any:
    """The product of matrices, or of a matrix and a vector."""
    return _product(input, other)


def _of_rank(name: str, *ranks: int) -> Any:
    def function(input: Any, mat2: Any) -> Any:
        if (input.ndim, mat2.ndim) != ranks:
            raise ShapeError(
                f"{name}: expected {ranks[0]} and {ranks[1]} axes, got shapes {tuple(input.shape)} and "
                f"{tuple(mat2.shape)}; torch.matmul takes others"
            )
        return _product(input, mat2)

    function.__doc__ = f"The product, of Tensors with {ranks[0]} and {ranks[1]} axes."
    return function


entry(_of_rank("mm", 2, 2), name="mm")
entry(_of_rank("bmm", 3, 3), name="bmm")


@entry
def mv(input: Any, vec: Any) -> Any:
    """The product of a matrix and a vector."""
    return np.matmul(*matched(input, vec))


@entry
def dot(input: Any, tensor: Any) -> Any:
    """The scalar product of two vectors."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise ShapeError(
            f"dot: expected two vectors, got shapes {tuple(input.shape)} and {tuple(tensor.shape)}"
        )
    return np.dot(*matched(input, tensor))


@entry
def vdot(input: Any, other: Any) -> Any:
    """The scalar product of two vectors, with the conjugate of the first."""
    return np.vdot(*matched(input, other))


@entry
def inner(input: Any, other: Any) -> Any:
    """The sums of products along the last axes."""
    return np.inner(*matched(input, other))


@entry
def outer(input: Any, vec2: Any) -> Any:
    """The products of all pairs of entries of two vectors."""
    return np.multiply(*matched(np.expand_dims(input, 1), np.expand_dims(vec2, 0)))


alias(ger="outer")


@entry
def kron(input: Any, other: Any) -> Any:
    """The Kronecker product."""
    return np.kron(*matched(input, other))


@entry
def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The vector product along an axis of length 3."""
    x, y = matched(input, other)
    shape = np.broadcast_shapes(x.shape, y.shape)
    dim = next(i for i, n in enumerate(shape) if n == 3) if dim is None else dim
    x, y = (np.moveaxis(np.broadcast_to(v, shape), dim, 0) for v in (x, y))
    return np.stack([x[i - 2] * y[i - 1] - x[i - 1] * y[i - 2] for i in range(3)], axis=dim)


@entry(method=False)
def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """The sums of products over several axes: the last `dims` of a with the first of b, or listed axes."""
    axes = (
        int(dims)
        if np.ndim(dims) == 0
        else tuple(tuple(int(d) for d in np.atleast_1d(side)) for side in dims)
    )
    return np.tensordot(*matched(a, b), axes=axes)  # type: ignore[call-overload]


@entry(method=False)
def einsum(equation: str, *operands: Any) -> Any:
    """The sum of products that an equation describes, e.g. "ij,jk->ik"."""
    return np.einsum(equation.replace(" ", ""), *matched(*listed(operands)))


@entry(method=False)
def chain_matmul(*matrices: Any) -> Any:
    """The product of several matrices."""
    return np.linalg.multi_dot(listed(matrices))


def _plus(input: Any, product: Any, beta: Any, alpha: Any) -> Any:
    """beta input + alpha product; the input does not count if beta is 0."""
    added = product if alpha == 1 else alpha * product
    return added if beta == 0 else (input if beta == 1 else beta * input) + added


@entry(in_place=True)
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha mat1 mat2; mat1 may be sparse."""
    return _plus(input, _product(mat1, mat2), beta, alpha)


@entry(in_place=True)
def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha mat vec."""
    return _plus(input, np.matmul(mat, vec), beta, alpha)


@entry(in_place=True)
def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha times the products of all pairs of entries of two vectors."""
    return _plus(input, np.expand_dims(vec1, 1) * np.expand_dims(vec2, 0), beta, alpha)


@entry(in_place=True)
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha batch1 batch2, for each matrix of the batches."""
    return _plus(input, np.matmul(batch1, batch2), beta, alpha)


@entry(in_place=True)
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha times the sum of the products of the matrices of two batches."""
    return _plus(input, np.sum(np.matmul(batch1, batch2), axis=0), beta, alpha)


# -- decompositions --------------------------------------------------------------------------------


class _SVD(NamedTuple):
    U: Any
    S: Any
    V: Any


class _QR(NamedTuple):
    Q: Any
    R: Any


@entry
def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """U, S and V with input = U diag(S) V^H; `torch.linalg.svd` gives V^H."""
    u, s, vh = np.linalg.svd(input, full_matrices=not some)
    return _SVD(u, s, np.swapaxes(np.conjugate(vh) if vh.dtype.kind == "c" else vh, -2, -1))


@entry
def qr(input: Any, some: bool = True) -> Any:
    """Q and R with input = Q R."""
    return _QR(*np.linalg.qr(input, mode="reduced" if some else "complete"))


def adjoint(x: Any) -> Any:
    """The conjugate transpose of matrices."""
    return np.swapaxes(np.conjugate(x) if x.dtype.kind == "c" else x, -2, -1)


@entry
def cholesky(input: Any, upper: bool = False) -> Any:
    """The triangular L with input = L L^H, or L^H."""
    factor = np.linalg.cholesky(input)
    return adjoint(factor) if upper else factor


def triangular(a: Any, b: Any, upper: bool, unitriangular: bool = False) -> Any:
    """The solution x of a x = b, where only one triangle of a counts."""
    part = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        eye = np.eye(a.shape[-1], dtype=a.dtype)
        part = np.where(eye == 1, 1.0, part).astype(a.dtype)
    return np.linalg.solve(part, b)


@entry
def cholesky_solve(input: Any, L: Any, upper: bool = False) -> Any:
    """The solution of L L^H x = input."""
    turned = adjoint(L)
    first, second = (turned, L) if upper else (L, turned)
    return triangular(second, triangular(first, input, upper=False), upper=True)


@entry
def cholesky_inverse(L: Any, upper: bool = False) -> Any:
    """The inverse of L L^H."""
    eye = np.eye(L.shape[-1], dtype=L.dtype)
    turned = adjoint(L)
    first, second = (turned, L) if upper else (L, turned)
    return triangular(second, triangular(first, eye, upper=False), upper=True)


class _Solution(NamedTuple):
    solution: Any
    cloned_coefficient: Any


@entry
def triangular_solve(
    input: Any,
    A: Any,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> Any:
    """The solution x of A x = input, where only one triangle of A counts; and A."""
    a = np.swapaxes(A, -2, -1) if transpose else A
    return _Solution(triangular(a, input, upper != transpose, unitriangular), A)


@entry
def inverse(input: Any) -> Any:
    """The inverse matrix."""
    return np.linalg.inv(input)


@entry
def det(input: Any) -> Any:
    """The determinant."""
    return np.linalg.det(input)


class _LogDet(NamedTuple):
    sign: Any
    logabsdet: Any


@entry
def slogdet(input: Any) -> Any:
    """The sign of the determinant, and the logarithm of its absolute value."""
    return _LogDet(*np.linalg.slogdet(input))


@entry
def logdet(input: Any) -> Any:
    """The logarithm of the determinant; NaN if it is negative."""
    sign, size = np.linalg.slogdet(input)
    return np.where(np.asarray(sign.detach()) < 0, np.nan, size).astype(input.dtype)


@entry
def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """The pseudo-inverse."""
    return np.linalg.pinv(input, rcond)


@entry
def matrix_power(input: Any, n: int) -> Any:
    """The n-th power of a square matrix."""
    return np.linalg.matrix_power(input, n)


_PADE = (64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
         10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1)  # fmt: skip
"""The coefficients of the Padé approximant of degree 13."""


def exponential(a: Any) -> Any:
    """exp(a) of square matrices, by a Padé approximant of degree 13 after scaling.

    Source:
        N. Higham, "The scaling and squaring method for the matrix exponential revisited", 2005.
    """
    size = float(np.max(np.sum(np.abs(np.asarray(a.detach())), axis=-2), initial=0.0))
    halvings = max(0, int(np.ceil(np.log2(size / 5.37)))) if size > 0 and np.isfinite(size) else 0
    x = a / 2.0**halvings
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    square = x @ x
    powers = [eye, square, square @ square]
    powers.append(powers[2] @ square)
    b = [float(c) / _PADE[0] for c in _PADE]
    odd = powers[3] @ (b[13] * powers[3] + b[11] * powers[2] + b[9] * square)
    odd = x @ (odd + b[7] * powers[3] + b[5] * powers[2] + b[3] * square + b[1] * eye)
    even = powers[3] @ (b[12] * powers[3] + b[10] * powers[2] + b[8] * square)
    even = even + b[6] * powers[3] + b[4] * powers[2] + b[2] * square + b[0] * eye
    result = np.linalg.solve(even - odd, even + odd)
    for _ in range(halvings):
        result = result @ result
    return result


@entry
def matrix_exp(input: Any) -> Any:
    """The exponential of square matrices."""
    return exponential(input)


# -- distances -------------------------------------------------------------------------------------


@entry(method=False)
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: Any = None) -> Any:
    """The p-norms of the differences of all pairs of rows, of shape (..., P, R).

    Args:
        x1: of shape (..., P, M).
        x2: of shape (..., R, M).
        p: the order of the norm.
        compute_mode: accepted as in PyTorch, without effect.
    """
    return np.linalg.vector_norm(np.expand_dims(x1, -2) - np.expand_dims(x2, -3), ord=p, axis=-1)


@entry(method=True)
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """The slices along an axis, scaled down where their p-norm is above `maxnorm`."""
    others = tuple(i for i in range(input.ndim) if i != dim % input.ndim)
    sizes = np.linalg.vector_norm(input, ord=p, axis=others, keepdims=True)
    return input * np.where(np.asarray(sizes.detach()) > maxnorm, maxnorm / (sizes + 1e-7), 1.0)
