"""Linear algebra: SciPy's values, and derivatives against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import ShapeError
from autograd_lite.testing import check_grads

scipy_linalg = pytest.importorskip("scipy.linalg", reason="SciPy is not installed")
linalg: Any = ag.scipy.linalg

_rng = np.random.default_rng(4)


def draw(*shape: int) -> Any:
    return _rng.normal(size=shape)


A, B = draw(3, 3) + 3 * np.eye(3), draw(3, 3) + 2 * np.eye(3)
SPD = A @ A.T

ORDERS = pytest.mark.parametrize("order", [1, pytest.param(2, marks=pytest.mark.slow)])

CALLS: dict[str, tuple[Any, ...]] = {
    "expm": (0.4 * A,),
    "sqrtm": (SPD,),
    "logm": (SPD,),
    "solve_sylvester": (A, B, draw(3, 3)),
    "solve_triangular": (A, draw(3)),
    "cholesky": (SPD,),
    "solve": (A, draw(3)),
    "inv": (A,),
    "det": (A,),
    "toeplitz": (draw(3), draw(4)),
    "block_diag": (draw(2, 2), draw(3), draw(1, 2)),
}


@pytest.mark.few(4)
@ORDERS
@pytest.mark.parametrize("name", CALLS)
def test_value_and_derivatives(name: str, order: int) -> None:
    args, ours = CALLS[name], getattr(linalg, name)
    np.testing.assert_allclose(ours(*args), getattr(scipy_linalg, name)(*args), rtol=1e-12, atol=1e-13)

    def f(*args: Any) -> Any:
        if name == "cholesky":
            args = (0.5 * (args[0] + args[0].T),)
        return ours(*args)

    check_grads(f, args, order=order, directions=1)


@pytest.mark.few(9)
@ORDERS
@pytest.mark.parametrize("columns", [(), (2,)])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("trans", [0, "T", "C"])
def test_triangular(columns: Any, lower: bool, unit: bool, trans: Any, order: int) -> None:
    options = {"lower": lower, "unit_diagonal": unit, "trans": trans}
    b = draw(3, *columns)
    np.testing.assert_allclose(
        linalg.solve_triangular(A, b, **options), scipy_linalg.solve_triangular(A, b, **options), rtol=1e-12
    )
    check_grads(lambda a, b: linalg.solve_triangular(a, b, **options), (A, b), order=order, directions=1)


@pytest.mark.few(4)
@ORDERS
@pytest.mark.parametrize("columns", [(), (2,)])
@pytest.mark.parametrize("bands", [(0, 1), (1, 2), (2, 0)])
def test_banded(bands: tuple[int, int], columns: Any, order: int) -> None:
    ab, b = draw(sum(bands) + 1, 5), draw(5, *columns)
    ab[bands[1]] += 4
    np.testing.assert_allclose(
        linalg.solve_banded(bands, ab, b), scipy_linalg.solve_banded(bands, ab, b), rtol=1e-12
    )
    check_grads(lambda ab, b: linalg.solve_banded(bands, ab, b), (ab, b), order=order, directions=1)
    with pytest.raises(ShapeError, match=f"expected {sum(bands) + 1} diagonals"):
        linalg.solve_banded(bands, ab[1:], b)


@ORDERS
@pytest.mark.parametrize("lower", [False, True])
def test_solving_by_cholesky(lower: bool, order: int) -> None:
    b = draw(3)
    np.testing.assert_allclose(
        linalg.cho_solve(linalg.cho_factor(SPD, lower), b), np.linalg.solve(SPD, b), rtol=1e-11
    )
    check_grads(
        lambda a: linalg.cho_solve(linalg.cho_factor(a @ a.T, lower), b), (A,), order=order, directions=1
    )


# SciPy warns of the logarithm of a block matrix whose blocks are alike; the check says whether it is right.
@pytest.mark.filterwarnings("ignore:logm result may be inaccurate:RuntimeWarning")
@pytest.mark.few(3)
@ORDERS
@pytest.mark.parametrize(
    "name", ["expm", "logm", "sqrtm", "solve_sylvester", "solve_triangular", "solve_banded"]
)
def test_complex_matrices(name: str, order: int) -> None:
    a, b, c = (x + 0.3j * draw(3, 3) for x in (SPD / 9, B, draw(3, 3)))
    calls = {
        "solve_sylvester": (linalg.solve_sylvester, (a, b, c)),
        "solve_triangular": (lambda a, b: linalg.solve_triangular(a, b, 2), (a, b)),
        "solve_banded": (
            lambda ab, b: linalg.solve_banded((1, 1), ab, b),
            (b + 4 * (np.arange(3) == 1)[:, None], c),
        ),
    }
    f, args = calls.get(name, (getattr(linalg, name), (a,)))
    check_grads(f, args, order=order, directions=1)


def test_other_names_are_numpys_or_scipys() -> None:
    assert linalg.norm is np.linalg.norm
    assert linalg.hilbert is scipy_linalg.hilbert
