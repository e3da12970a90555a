"""Functions of matrices: inverses, linear systems, determinants, powers."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import agreed, asarray, empty, every, shape_of, some, unwrap
from ..box import wrap
from ..known import Composition, defvjp, known
from .decompositions import eye, from_triangle, negligible, row
from .factors import others
from .products import adjoint, conj
from .wide import exponent_of, shifted

__all__: list[str] = []

# -- inverses --------------------------------------------------------------------------------------


@primitive
def pinv(a: Any, **options: Any) -> Any:
    """numpy.linalg.pinv, if all singular values that it cuts off are 0 up to rounding."""
    return np.linalg.pinv(a, **options)


def _pinv(g: Any, y: Any, a: Any, **options: Any) -> Any:
    """-P^H g P^H, plus terms outside of the ranges of A and P, which vanish at full rank.

    Source:
        G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses", 1973.
    """
    p = adjoint(y)
    ga = -np.matmul(np.matmul(p, g), p)
    m, n = a.shape[-2:]
    rank = _rank(unwrap(a), unwrap(y))
    if some(rank < m):
        back = np.matmul(np.matmul(adjoint(g), y), p)
        ga = ga + back - np.matmul(a, np.matmul(y, back))
    if some(rank < n):
        back = np.matmul(np.matmul(p, y), adjoint(g))
        ga = ga + back - np.matmul(np.matmul(back, y), a)
    return ga


def _np_pinv(a: Any, rcond: Any = None, hermitian: bool = False, **options: Any) -> Any:
    """The pseudo-inverse, with its derivative at constant rank.

    If `rcond` cuts off singular values that are more than rounding, the result is composed from the singular
    value decomposition.
    """
    if not a.size:
        return np.matrix_transpose(a)
    if hermitian:
        a = from_triangle(a)
    if rcond is not None:
        options["rcond"] = rcond
    if options:
        value = np.linalg.pinv(unwrap(a), **options)
        if _cuts(unwrap(a), value):
            return _truncated(a, value)
    return pinv(a, **options)


def _rank(a: Any, p: Any) -> Any:
    """The number of singular values in the pseudo-inverse: A P is a projection, and its trace is the rank."""
    return np.rint(np.trace(np.real(np.matmul(a, p)), axis1=-2, axis2=-1))


def _cuts(a: Any, p: Any) -> bool:
    s = np.linalg.svdvals(a)
    beyond = np.arange(s.shape[-1]) >= _rank(a, p)[..., None]
    return some(beyond & ~negligible(row(s), row(s))[..., 0, :])


def _truncated(a: Any, p: Any) -> Any:
    """V 1/s U^H with the kept singular values s."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    kept = np.arange(s.shape[-1]) < _rank(unwrap(a), p)[..., None]
    return np.matmul(adjoint(vh) * row(np.where(kept, 1 / np.where(kept, s, 1), 0)), adjoint(u))


def _tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of the map from the last axes to the first `ind`."""
    if ind <= 0:
        raise ValueError(f"ind={ind}; expected the number of axes that make the rows, at least 1")
    rows, columns = a.shape[:ind], a.shape[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(rows), -1))), (*columns, *rows))


defvjp(
    np.linalg.inv,
    lambda g, y, a: -np.matmul(np.matmul(np.matrix_transpose(y), g), np.matrix_transpose(y)),
)
defvjp(pinv, _pinv, plain=True)
known[np.linalg.pinv] = Composition(_np_pinv)
known[np.linalg.tensorinv] = Composition(_tensorinv)

# -- linear systems --------------------------------------------------------------------------------


def _solve(g: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """gb = a^-T g for the right-hand side, and -gb y^T for the matrix."""
    if len(b.shape) == 1:
        gb = np.linalg.solve(np.matrix_transpose(a), np.expand_dims(g, -1))
        return -gb * np.expand_dims(y, -2), gb[..., 0]
    gb = np.linalg.solve(np.matrix_transpose(a), g)
    return -np.matmul(gb, np.matrix_transpose(y)), gb


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x whose product with the last axes of a is b; `axes` of a are first moved to the end."""
    a = asarray(a)
    if axes is not None:
        order = [k for k in range(len(a.shape)) if k not in [axis % len(a.shape) for axis in axes]]
        a = np.transpose(a, (*order, *axes))
    shape = a.shape[len(shape_of(b)) :]
    size = math.prod(shape)
    if math.prod(a.shape) != size**2:
        raise ValueError(
            f"a of shape {a.shape} gives no square matrix; expected the axes of b, then axes with the same "
            "product of sizes"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (size, size)), np.reshape(b, -1)), shape)


@primitive
def least_squares(a: Any, b: Any, rcond: float | None) -> Any:
    """The x of least length that minimizes |a x - b|."""
    return np.linalg.lstsq(a, b, rcond)[0]


def _least_squares(g: Any, y: Any, a: Any, b: Any, rcond: float | None) -> tuple[Any, Any, None]:
    """gb = P^H g for the right-hand side, where P is the pseudo-inverse. For the matrix the cotangent is
    -gb x^H + r (P gb)^H + P^H x (g - A^H gb)^H, with the residual r = b - A x."""
    p = np.linalg.pinv(a, rcond=cutoff(a, rcond))
    gb = np.matmul(adjoint(p), g)
    residual = b - np.matmul(a, y)
    ga = np.matmul(residual, adjoint(np.matmul(p, gb))) - np.matmul(gb, adjoint(y))
    ga = ga + np.matmul(np.matmul(adjoint(p), y), adjoint(g - np.matmul(adjoint(a), gb)))
    return ga, gb, None


def cutoff(a: Any, rcond: float | None) -> float:
    """The bound, relative to the largest, below which singular values count as 0 for lstsq."""
    eps = float(np.finfo(a.dtype).eps)
    if rcond is None:
        return float(max(a.shape) * eps)
    return float(rcond) if 0 < rcond < 1 else eps  # as in LAPACK


def _lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """x, the sums of squared residuals, the rank (a constant), and the singular values."""
    a, b = asarray(a), asarray(b)
    s = np.linalg.svdvals(a)
    values = unwrap(s)
    rank = int(agreed(np.sum(values > cutoff(a, rcond) * np.max(values, initial=0))))
    vector = len(b.shape) == 1
    columns = np.expand_dims(b, -1) if vector else b
    if every(negligible(row(values), row(values))[0, rank:]):
        x = least_squares(a, columns, rcond)
    else:  # rcond cuts off more than rounding
        x = np.matmul(np.linalg.pinv(a, rcond), columns)
    m, n = a.shape
    residuals = wrap(empty(0, like=values))
    if rank == n < m:
        rest = columns - np.matmul(a, x)
        residuals = np.sum(np.real(rest * conj(rest)), axis=0)
    return (x[:, 0] if vector else x), residuals, rank, s


defvjp(np.linalg.solve, joint=_solve, broadcasts=True, flow="mixes")
defvjp(least_squares, joint=_least_squares, plain=True)
known[np.linalg.tensorsolve] = Composition(_tensorsolve)
known[np.linalg.lstsq] = Composition(_lstsq)

# -- determinants ----------------------------------------------------------------------------------


def _det(g: Any, y: Any, a: Any) -> Any:
    """g times the signed minors.

    If partial products could leave the range of floats, rows and columns are scaled by powers of two. Their
    largest entries are then near 1, and each minor is scaled back by its own power.
    """
    exponent, limits = exponent_of(unwrap(a)), np.finfo(a.dtype)
    if not some(np.abs(exponent) * a.shape[-1] > min(limits.maxexp, -limits.minexp) / 8):
        return np.expand_dims(g, (-2, -1)) * cofactors(a)
    exponent = np.where(unwrap(a) == 0, -(1 << 20), exponent)
    rows = _top(exponent, -1)
    columns = _top(exponent - rows, -2)
    whole = np.sum(rows, -2, keepdims=True) + np.sum(columns, -1, keepdims=True)
    minors = cofactors(shifted(a, -rows - columns))
    return np.expand_dims(g, (-2, -1)) * shifted(minors, whole - rows - columns)


def _top(exponent: Any, axis: int) -> Any:
    """The largest exponent along an axis; 0 if all entries are 0."""
    top = np.max(exponent, axis, keepdims=True, initial=-(1 << 20))
    return np.where(top > -(1 << 19), top, 0)


@primitive
def cofactors(a: Any) -> Any:
    """The signed minors of a square matrix, the derivative of its determinant.

    For a = U diag(s) V^H they are U diag(r) V^H, conjugated, times det(U) det(V^H); r holds the products of
    all s but one. There is no division, so the formula also holds for singular matrices.
    """
    u, s, vh = np.linalg.svd(a)
    unit = np.linalg.det(u) * np.linalg.det(vh)
    rest = np.moveaxis(others(np.moveaxis(s, -1, 0)), 0, -1)
    return unit[..., None, None] * np.matmul(conj(u) * row(rest), conj(vh))


def _cofactors(g: Any, y: Any, a: Any) -> Any:
    """The derivative of the minors: by the inverse if the matrix is well conditioned, else without it.

    In the basis of the singular vectors, the minors of second order are p_ij, the products of all s but s_i
    and s_j. With g' = U^H g V the result is sum_j p_ij g'_jj on the diagonal, and -p_ij g'_ji elsewhere.
    """
    s = np.linalg.svdvals(unwrap(a))
    if every(s[..., -1:] > s[..., :1] / 100):
        back = np.matrix_transpose(np.linalg.inv(a))
        along = np.expand_dims(np.sum(g * y, axis=(-2, -1)), (-2, -1))
        return along * back - np.matmul(np.matmul(back, np.matrix_transpose(g)), y)
    u, s, vh = np.linalg.svd(a)
    one = eye(s)
    unit = np.expand_dims(np.linalg.det(u) * np.linalg.det(vh), (-2, -1))
    without = np.expand_dims(s, -1) * (1 - one) + one  # column i: all s, with 1 in place of s_i
    pairs = np.moveaxis(others(np.moveaxis(without, -2, 0)), 0, -2) * (1 - one)
    turned = np.matmul(np.matmul(adjoint(u), g), adjoint(vh))
    diagonal = np.sum(pairs * row(np.sum(turned * one, axis=-1)), axis=-1)
    inner = one * row(diagonal) - pairs * np.matrix_transpose(turned)
    return unit * np.matmul(np.matmul(conj(u), inner), conj(vh))


@primitive
def slogdet(a: Any) -> Any:
    """The sign of the determinant and the logarithm of its absolute value."""
    return tuple(np.linalg.slogdet(a))


def _slogdet(g: Any, y: Any, a: Any) -> tuple[Any]:
    """g A^-H for the logarithm; the sign of a complex determinant adds i times its tangential part to g."""
    (gsign, glog), (sign, _) = g, y
    total = 0 if glog is None else glog
    if gsign is not None and sign.dtype.kind == "c":
        total = total + 1j * np.imag(gsign * conj(sign))
    return (np.expand_dims(total, (-2, -1)) * adjoint(np.linalg.inv(a)),)


SlogdetResult = type(np.linalg.slogdet(np.eye(1)))

defvjp(np.linalg.det, _det)
defvjp(cofactors, _cofactors)
defvjp(slogdet, joint=_slogdet, plain=True, partial=True)
known[np.linalg.slogdet] = Composition(lambda a: SlogdetResult(*slogdet(a)))

# -- powers, products of several matrices ----------------------------------------------------------


def _matrix_power(a: Any, n: int) -> Any:
    """a^n by repeated squaring; a^0 is the identity for every a."""
    n = operator.index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"a matrix of shape {a.shape} is not square")
    if n == 0:
        return wrap(np.linalg.matrix_power(unwrap(a), 0))
    if n < 0:
        a, n = np.linalg.inv(a), -n
    power = None
    while n:
        n, odd = divmod(n, 2)
        if odd:
            power = a if power is None else np.matmul(power, a)
        if n:
            a = np.matmul(a, a)
    return power


def _multi_dot(arrays: Any, *, out: None = None) -> Any:
    """The product of several matrices, in the order that takes the fewest multiplications."""
    arrays = list(arrays)
    if len(arrays) < 2:
        raise ValueError(f"multi_dot takes at least two arrays, not {len(arrays)}")
    shapes = list(map(shape_of, arrays))
    first, last = len(shapes[0]) == 1, len(shapes[-1]) == 1
    if first:
        arrays[0] = np.expand_dims(arrays[0], 0)
    if last:
        arrays[-1] = np.expand_dims(arrays[-1], -1)
    product = _chain(arrays, _splits(list(map(shape_of, arrays))), 0, len(arrays) - 1)
    product = product[0] if first else product
    return product[..., 0] if last else product


def _splits(shapes: list[tuple[int, ...]]) -> dict[tuple[int, int], int]:
    """For every i < j, the matrix after which the product of matrices i to j is best cut in two."""
    n = len(shapes)
    cost = {(i, i): 0 for i in range(n)}
    cut = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            costs = [
                cost[i, k] + cost[k + 1, j] + shapes[i][0] * shapes[k][-1] * shapes[j][-1]
                for k in range(i, j)
            ]
            cost[i, j] = min(costs)
            cut[i, j] = i + costs.index(cost[i, j])
    return cut


def _chain(arrays: list[Any], cut: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return arrays[i]
    k = cut[i, j]
    return np.matmul(_chain(arrays, cut, i, k), _chain(arrays, cut, k + 1, j))


known[np.linalg.matrix_power] = Composition(_matrix_power)
known[np.linalg.multi_dot] = Composition(_multi_dot)

# -- diagonals -------------------------------------------------------------------------------------

known[np.linalg.diagonal] = Composition(lambda x, *, offset=0: np.diagonal(x, offset, -2, -1))
known[np.linalg.trace] = Composition(lambda x, *, offset=0: np.trace(x, offset, -2, -1))
