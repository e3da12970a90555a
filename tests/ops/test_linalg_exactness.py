"""Derivatives of matrix functions against mpmath: first and second order, 32 ulp of the largest entry.

The references are differences with 90 digits, of functions written with mpmath's own matrices. They use no
rule of the library. Every function is a single number: the sum of the results times weights.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd_lite as ag

L = np.linalg
mpf = mpmath.mpf
DIGITS = 90
STEP = mpf(10) ** -22  # of the differences: their error is its square, and 90 digits suffice for two orders


def digits(function: Callable[..., Any]) -> Callable[..., Any]:
    def with_digits(*args: Any) -> Any:
        with mpmath.workdps(DIGITS):
            return function(*args)

    return with_digits


# -- weights and points ----------------------------------------------------------------------------


def weight(*shape: int) -> Any:
    """Numbers that float32 holds exactly, no two alike."""
    n = int(np.prod(shape))
    return ((np.arange(n) ** 2 * 3 % 13 - 4.25) / 8 + np.arange(n) / 64).reshape(shape)


A2 = np.array([[1.5, -0.75], [0.5, 2.25]])
A3 = np.array([[2.0, -0.5, 0.25], [0.75, 1.5, -1.0], [-0.25, 0.5, 2.5]])
A4 = np.array(
    [[6.0, 0.5, -0.25, 1.0], [-0.5, 4.0, 0.75, 0.5], [0.25, -0.5, 2.5, 0.25], [0.5, 0.5, -0.25, 1.0]]
)
APART = np.array([[1.0, -0.25, 0.25], [0.5, 3.0, -0.25], [-0.25, 0.5, 7.0]])  # its singular values are
TALL = np.array([[1.0, 0.5, -0.25], [-0.5, 2.5, 0.75], [0.25, -1.0, 4.0], [1.25, 0.75, 0.5]])
TILTED = np.array([[1.0, 2.0], [-2.0, 3.0], [0.5, 4.0], [1.0, -1.0]])
TALL_APART = np.vstack([APART, [[0.5, -0.25, 1.0]]])
WIDE = np.ascontiguousarray(TALL.T)
S2 = np.array([[2.0, 0.5], [0.5, 3.5]])
S3 = np.array([[2.0, 0.5, -0.25], [0.5, 3.5, 0.75], [-0.25, 0.75, 5.0]])
S4 = np.array(
    [[1.0, 0.5, -0.25, 0.125], [0.5, 4.0, 0.75, 0.25], [-0.25, 0.75, 7.5, 0.5], [0.125, 0.25, 0.5, 12.0]]
)
SQUARE = [A2, A3, A4]
SYMMETRIC = [S2, S3, S4]
RANK_2_OF_3 = np.array([[1.0, 2.0, 3.0], [2.0, -1.0, 0.5], [3.0, 1.0, 3.5]])
RANK_1_OF_3 = np.outer([1.0, -2.0, 0.5], [3.0, 0.5, 1.0])
RANK_2_OF_4 = np.outer([1.0, -2.0, 0.5, 1.0], [3.0, 0.5, 1.0, -1.0]) + np.outer(
    [0.5, 1.0, 1.0, -2.0], [1.0, 1.0, -1.0, 2.0]
)
EQUAL = np.array([[0.0, -2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 2.0]])  # 2 times an orthogonal matrix
TWO_EQUAL = np.diag([3.0, 3.0, 1.0])
TALL_EQUAL = np.array([[3.0, 4.0], [4.0, -3.0], [0.0, 0.0]])

# -- mpmath's matrix functions ---------------------------------------------------------------------


def entries(m: Any) -> Iterator[Any]:
    return (m[i, j] for i in range(m.rows) for j in range(m.cols))


def weighted(m: Any) -> Any:
    """The sum of the entries times `weight`; with column vectors as NumPy's vectors."""
    return sum(mpf(float(w)) * x for w, x in zip(weight(m.rows, m.cols).ravel(), entries(m), strict=True))


def mp_pinv(m: Any) -> Any:
    if m.rows < m.cols:
        return mp_pinv(m.T).T
    return mpmath.inverse(m.T * m) * m.T


def mp_svd(m: Any) -> tuple[Any, Any, Any]:
    if m.rows < m.cols:
        u, s, v = mp_svd(m.T)
        return v.T, s, u.T
    return mpmath.svd_r(m)  # type: ignore[no-any-return]


def mp_eigenvalues(m: Any) -> Any:
    """Real ones, in ascending order."""
    return mpmath.matrix(sorted(map(mpmath.re, mpmath.eig(m, left=False, right=False))))


def mp_values(m: Any) -> list[Any]:
    return sorted(mp_svd(m)[1], reverse=True)


def mp_qr(m: Any) -> tuple[Any, Any]:
    """Gram and Schmidt."""
    q, r = mpmath.matrix(m.rows, m.cols), mpmath.matrix(m.cols, m.cols)
    for j in range(m.cols):
        column = m[:, j]
        for i in range(j):
            r[i, j] = (q[:, i].T * m[:, j])[0]
            column = column - r[i, j] * q[:, i]
        r[j, j] = mpmath.norm(column)
        q[:, j] = column / r[j, j]
    return q, r


def squares(m: Any) -> Any:
    return m.apply(lambda x: x * x)


def mp_norm(m: Any, p: Any) -> Any:
    return sum(abs(x) ** mpf(p) for x in entries(m)) ** (1 / mpf(p))


def column(n: int) -> Any:
    return mpmath.matrix(weight(n, 1).tolist())


# -- the table -------------------------------------------------------------------------------------


def det(m: Any) -> Any:
    """By expansion along the first row, for mpmath's own stumbles over matrices that are exactly singular."""
    if m.rows == 1:
        return m[0, 0]
    rest = [[m[i, k] for k in range(m.cols)] for i in range(1, m.rows)]
    minors = (mpmath.matrix([row[:j] + row[j + 1 :] for row in rest]) for j in range(m.cols))
    return mpmath.fsum((-1) ** j * m[0, j] * det(minor) for j, minor in enumerate(minors))


@dataclass(frozen=True)
class Case:
    """A function of a matrix in NumPy and in mpmath, and the matrices."""

    f: Callable[[Any], Any]
    reference: Callable[[Any], Any]
    points: list[Any]
    symmetric: bool = False
    orders: tuple[int, ...] = (1, 2)
    float32: bool = True


def total(y: Any) -> Any:
    return np.sum(y * weight(*y.shape).astype(y.dtype))


CASES = {
    "matrix_power 3": Case(lambda a: total(L.matrix_power(a, 3)), lambda m: weighted(m**3), SQUARE),
    "matrix_power -2": Case(
        lambda a: total(L.matrix_power(a, -2)), lambda m: weighted(mpmath.inverse(m * m)), SQUARE
    ),
    "multi_dot": Case(
        lambda a: total(L.multi_dot([a, weight(3, 4).astype(a.dtype), a])),
        lambda m: weighted(m * mpmath.matrix(weight(3, 4).tolist()) * m),
        [TALL],
    ),
    "inv": Case(lambda a: total(L.inv(a)), lambda m: weighted(mpmath.inverse(m)), SQUARE),
    "solve": Case(
        lambda a: total(L.solve(a, weight(len(a), 1).astype(a.dtype))),
        lambda m: weighted(mpmath.lu_solve(m, column(m.rows))),
        SQUARE,
    ),
    "pinv": Case(lambda a: total(L.pinv(a)), lambda m: weighted(mp_pinv(m)), [A3, TALL, WIDE]),
    "lstsq": Case(
        lambda a: total(L.lstsq(a, weight(len(a), 1).astype(a.dtype))[0]),
        lambda m: weighted(mp_pinv(m) * column(m.rows)),
        [A3, TALL, WIDE],
    ),
    "det": Case(L.det, det, SQUARE),
    "det, singular": Case(L.det, det, [RANK_2_OF_3, RANK_1_OF_3, RANK_2_OF_4, np.zeros((2, 2))]),
    "slogdet": Case(lambda a: L.slogdet(a)[1], lambda m: mpmath.log(abs(det(m))), SQUARE),
    "cholesky": Case(lambda a: total(L.cholesky(a)), lambda m: weighted(mpmath.cholesky(m)), SYMMETRIC, True),
    "qr": Case(
        lambda a: total(L.qr(a)[0] ** 2) + total(L.qr(a)[1] ** 2),
        lambda m: sum(weighted(squares(x)) for x in mp_qr(m)),
        [*SQUARE, TALL],
    ),
    "eigvalsh": Case(
        lambda a: total(L.eigvalsh(a)[:, None]),
        lambda m: weighted(mpmath.matrix(sorted(mpmath.eigsy(m, eigvals_only=True)))),
        SYMMETRIC,
        True,
    ),
    "eigh, vectors": Case(
        lambda a: total(L.eigh(a)[1] ** 2), lambda m: weighted(squares(mpmath.eigsy(m)[1])), SYMMETRIC, True
    ),
    "sum of eigvalsh, equal": Case(
        lambda a: np.sum(L.eigvalsh(a)),
        lambda m: sum(m[i, i] for i in range(3)),
        [TWO_EQUAL, np.eye(3)],
        True,
    ),
    "log of eigvalsh, equal": Case(
        lambda a: np.sum(np.log(L.eigvalsh(a))),
        lambda m: mpmath.log(det(m)),
        [TWO_EQUAL, np.eye(3)],
        True,
    ),
    "squares of svdvals, equal": Case(
        lambda a: np.sum(L.svdvals(a) ** 2 + L.svdvals(a) ** 4),
        lambda m: sum((m.T * m)[i, i] + (m.T * m * m.T * m)[i, i] for i in range(m.cols)),
        [EQUAL, TWO_EQUAL, TALL_EQUAL, TALL_EQUAL.T, np.eye(4), RANK_1_OF_3, np.zeros((2, 2))],
    ),
    "eigvals": Case(
        lambda a: total(np.sort(np.real(L.eigvals(a)))[:, None]),  # complex from NumPy 2.5 on
        lambda m: weighted(mp_eigenvalues(m)),
        [np.triu(S3) + 0.5 * np.tril(S3, -1)],
    ),
    "svdvals": Case(
        lambda a: total(L.svdvals(a)[:, None]),
        lambda m: weighted(mpmath.matrix(mp_values(m))),
        [*SQUARE, TALL, WIDE],
    ),
    "svd, vectors": Case(
        lambda a: total(L.svd(a, full_matrices=False)[0] ** 2),
        lambda m: weighted(squares(mp_svd(m)[0])),
        [A2, A3, TILTED],
    ),
    "svd, U V": Case(
        lambda a: (lambda u, s, vh: total(u @ vh))(*L.svd(a, full_matrices=False)),
        lambda m: weighted(mp_svd(m)[0] * mp_svd(m)[2]),
        [A2, APART, TALL_APART],
    ),
    "svd, U V, equal": Case(  # as for eigenvalues
        lambda a: (lambda u, s, vh: total(u @ vh))(*L.svd(a, full_matrices=False)),
        lambda m: weighted(mp_svd(m)[0] * mp_svd(m)[2]),
        [EQUAL, TWO_EQUAL, TALL_EQUAL],
        orders=(1,),
    ),
    "norm nuc": Case(lambda a: L.norm(a, "nuc"), lambda m: sum(mp_values(m)), [*SQUARE, TALL, WIDE]),
    "norm nuc, equal": Case(
        lambda a: L.norm(a, "nuc"), lambda m: sum(mp_values(m)), [EQUAL, TWO_EQUAL, TALL_EQUAL, np.eye(4)]
    ),
    "norm 2": Case(lambda a: L.norm(a, 2), lambda m: mp_values(m)[0], [*SQUARE, TALL, WIDE]),
    "norm fro": Case(L.norm, lambda m: mp_norm(m, 2), [*SQUARE, TALL, WIDE]),
    "norm fro, far": Case(
        L.norm,
        lambda m: mp_norm(m, 2),
        [TALL * 1e200, TALL * 1e-200, TALL * 1e-308],
        orders=(1,),
        float32=False,
    ),
    "norm fro, huge, twice": Case(
        L.norm, lambda m: mp_norm(m, 2), [TALL * 1e200, TALL * 1e-200], float32=False
    ),
    "norm 3": Case(
        lambda a: L.vector_norm(a, ord=3), lambda m: mp_norm(m, 3), [A3, TALL * 2.0**40, TALL * 2.0**-60]
    ),
    "norm 3, far": Case(
        lambda a: L.vector_norm(a, ord=3), lambda m: mp_norm(m, 3), [A3 * 1e200, A3 * 1e-200], float32=False
    ),
    "norm 1.5": Case(lambda a: L.vector_norm(a, ord=1.5), lambda m: mp_norm(m, 1.5), [A3, TALL]),
    "norm -2": Case(lambda a: L.vector_norm(a, ord=-2), lambda m: mp_norm(m, -2), [A3, TALL]),
    "cond 2": Case(L.cond, lambda m: mp_values(m)[0] / mp_values(m)[-1], [*SQUARE, TALL]),
    "cond fro": Case(
        lambda a: L.cond(a, "fro"), lambda m: mp_norm(m, 2) * mp_norm(mpmath.inverse(m), 2), SQUARE
    ),
}

# -- differences -----------------------------------------------------------------------------------


def basis(shape: tuple[int, int], symmetric: bool) -> Iterator[tuple[tuple[int, int], Any]]:
    """Every entry as a direction; that of a symmetric matrix half in its mirror image."""
    for i in range(shape[0]):
        for j in range(shape[1]):
            e = mpmath.matrix(*shape)
            e[i, j] += mpf(1) / 2 if symmetric else 1
            if symmetric:
                e[j, i] += mpf(1) / 2
            yield (i, j), e


@digits
def reference(case: Case, a: Any, direction: Any) -> Any:
    """The gradient, or, given a direction, its derivative along it."""
    m, d = mpmath.matrix(a.tolist()), mpmath.matrix(direction.tolist()) if direction is not None else None
    f, size = case.reference, mpf(float(np.max(np.abs(a)))) or mpf(1)
    h = STEP * size
    result = np.empty(a.shape, object)
    for place, e in basis(a.shape, case.symmetric):
        if d is None:
            result[place] = (f(m + h * e) - f(m - h * e)) / (2 * h)
        else:
            corners = f(m + h * (e + d)) - f(m + h * (e - d)) - f(m - h * (e - d)) + f(m - h * (e + d))
            result[place] = corners / (4 * h * h)
    return result


@functools.cache
def truth(name: str, order: int, entries: tuple[tuple[float, ...], ...]) -> Any:
    """The reference of a case at a matrix, made once for both dtypes."""
    a, case = np.array(entries), CASES[name]
    return reference(case, a, along(case, a.shape) if order == 2 else None)


def along(case: Case, shape: tuple[int, ...]) -> Any:
    """The direction of the second derivative."""
    direction = weight(*shape)
    return direction + direction.T if case.symmetric else direction


def distance(got: Any, expected: Any, a: Any, order: int) -> float:
    """The largest difference, in units of the last place of the largest entry; where all are 0, in
    units of what rounding in products of entries of a leaves."""
    top = max(abs(x) for x in expected.flat)
    if top < 1e-30 * mpf(float(np.max(np.abs(a))) or 1) ** (1 - order):
        return float(np.max(np.abs(got)) / (np.finfo(a.dtype).eps * max(1, np.linalg.norm(a)) ** 2))
    unit = mpf(float(np.spacing(a.dtype.type(top))))
    return max(float(abs(mpf(float(x)) - y) / unit) for x, y in zip(got.flat, expected.flat, strict=True))


ROWS = [
    (name, order, dtype)
    for name, case in CASES.items()
    for order in case.orders
    for dtype in ((np.float64, np.float32) if case.float32 else (np.float64,))
]


@pytest.mark.few(5)
@pytest.mark.parametrize(("name", "order", "dtype"), ROWS)
def test_matrix_derivatives_are_right_to_32_ulp(name: str, order: int, dtype: Any) -> None:
    case = CASES[name]
    for a in case.points:
        direction = along(case, a.shape)
        a = a.astype(dtype)
        if order == 1:
            got = ag.grad(case.f)(a)
        else:
            got = ag.grad(lambda x, d: np.sum(ag.grad(case.f)(x) * d))(a, direction.astype(dtype))
        expected = truth(name, order, tuple(map(tuple, a.astype(float).tolist())))
        assert got.dtype == dtype
        off = distance(got, expected, a, order)
        print(f"{name}, order {order}, {dtype.__name__}: {off:.1f} ulp")
        assert off <= 32, f"{name}, order {order}, at {a.tolist()}: {off:.0f} ulp off"
