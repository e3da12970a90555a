"""Sparse systems and exponentials: against dense ones, finite differences, and a beam's closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import LinAlgError, ShapeError
from autograd_lite.testing import check_grads

sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
spsolve: Any = ag.implicit.spsolve
expm_multiply: Any = ag.implicit.expm_multiply

RNG = np.random.default_rng(3)
ROW, COL = np.array([0, 0, 1, 2, 2, 3, 3, 0]), np.array([0, 2, 1, 2, 0, 3, 1, 0])  # one place twice
DATA = np.array([3.0, 0.5, 2.0, 4.0, -1.0, 2.5, 0.7, 1.0])


def dense(data: Any) -> Any:
    """The same matrix by sums of unit matrices."""
    units = np.zeros((len(ROW), 4, 4))
    units[np.arange(len(ROW)), ROW, COL] = 1
    return np.tensordot(data, units, 1)


def second(f: Any, data: Any, b: Any, vectors: Any) -> Any:
    """The Hessian times vectors, backwards over backwards."""
    slope = ag.grad(f, (0, 1))
    along = lambda *args: sum(np.sum(g * v) for g, v in zip(slope(*args), vectors, strict=True))
    return ag.grad(along, (0, 1))(data, b)


def dense_solve(a: Any, b: Any) -> Any:
    return np.linalg.solve(a, b if b.ndim > 1 else b[:, None]).reshape(b.shape)


def dense_exponential(a: Any, b: Any) -> Any:
    return ag.scipy.linalg.expm(a) @ b


@pytest.mark.parametrize(
    ("ours", "definition", "shape", "order"),
    [
        (spsolve, dense_solve, (4,), 2),
        (spsolve, dense_solve, (4, 2), 2),
        (expm_multiply, dense_exponential, (4,), 1),
        (expm_multiply, dense_exponential, (4, 2), 1),
        pytest.param(expm_multiply, dense_exponential, (4,), 2, marks=pytest.mark.slow),
    ],
)
def test_entries_and_right_sides(ours: Any, definition: Any, shape: Any, order: int) -> None:
    b, weights = RNG.normal(size=shape), RNG.normal(size=shape)
    f = lambda data, b: np.sum(weights * np.sin(ours((data, (ROW, COL)), b)))
    g = lambda data, b: np.sum(weights * np.sin(definition(dense(data), b)))
    data = DATA / 3
    vectors = RNG.normal(size=DATA.shape), RNG.normal(size=shape)
    pairs = [
        ((f(data, b),), (g(data, b),)),
        (ag.grad(f, (0, 1))(data, b), ag.grad(g, (0, 1))(data, b)),
    ]
    if order == 2:
        pairs.append((second(f, data, b, vectors), second(g, data, b, vectors)))
    for got, expected in pairs:
        for x, y in zip(got, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-9)


def test_scipys_matrices_and_complex_entries() -> None:
    a = sparse.csr_array((DATA, (ROW, COL)))
    np.testing.assert_allclose(spsolve(a, np.ones(4)), np.linalg.solve(dense(DATA), np.ones(4)), rtol=1e-14)
    np.testing.assert_allclose(
        ag.jacobian(lambda b: spsolve(a, b))(np.ones(4)), np.linalg.inv(dense(DATA)), rtol=1e-13, atol=1e-15
    )
    check_grads(lambda d, b: spsolve((d, (ROW, COL)), b), (DATA + 0.3j, RNG.normal(size=4) + 1j), order=1)


def test_errors() -> None:
    with pytest.raises(LinAlgError, match=r"\(2, 2\) is singular"):
        spsolve((np.ones(4), ([0, 0, 1, 1], [0, 1, 0, 1])), np.ones(2))
    with pytest.raises(ShapeError, match=r"A has shape \(4, 4\).*\(3,\)"):
        spsolve(sparse.csr_array((DATA, (ROW, COL))), np.ones(3))
    with pytest.raises(ShapeError, match="vectors of one length"):
        expm_multiply((DATA[1:], (ROW, COL)), np.ones(4))


# -- a beam ----------------------------------------------------------------------------------------


def beam(stiffness: Any, load: Any) -> Any:
    """The deflection of an Euler-Bernoulli beam on two supports, (EI w'')'' = q, at n inner points.

    With the second difference D the matrix is D diag(EI) D; each point adds nine entries.
    """
    n = len(load)
    h = 1 / (n + 1)
    second = sparse.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(n, n)).toarray() / h**2
    i, m, j = np.nonzero((second[:, :, None] != 0) & (second[None] != 0))
    return spsolve((second[i, m] * second[m, j] * stiffness[m], (i, j)), load)


def test_the_compliance_of_a_beam() -> None:
    n = 49
    x = np.linspace(0, 1, n + 2)[1:-1]
    load, stiffness = np.full(n, 2.0), np.full(n, 3.0)
    w = beam(stiffness, load)
    np.testing.assert_allclose(w, 2 / 3 * (x**4 - 2 * x**3 + x) / 24, rtol=2e-3)  # of order h^2
    compliance = lambda stiffness: np.sum(load * beam(stiffness, load)) / (n + 1)
    varied = 3 + np.sin(7 * x)
    gradient = ag.grad(compliance)(varied)
    direction = np.cos(3 * x)
    slope = (compliance(varied + 1e-4 * direction) - compliance(varied - 1e-4 * direction)) / 2e-4
    np.testing.assert_allclose(gradient @ direction, slope, rtol=1e-7)
    curvature = np.diff(np.pad(beam(varied, load), 1), 2) * (n + 1) ** 2
    np.testing.assert_allclose(gradient, -(curvature**2) / (n + 1), rtol=1e-7)  # the energy of bending


def test_a_beam_without_supports_is_an_error() -> None:
    free = np.array([[1.0, -2.0, 1.0, 0.0], [0.0, 1.0, -2.0, 1.0]])
    row, col = np.nonzero(np.ones((4, 4)))
    with pytest.raises(LinAlgError, match="supports"):
        spsolve(((free.T @ free).ravel(), (row, col)), np.ones(4))
