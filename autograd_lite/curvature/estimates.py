"""What a few products tell about a symmetric matrix: trace, diagonal, eigenvalues and their density."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, aslinearoperator, eigsh

from ..errors import ConvergenceError, OptionError, ShapeError
from ..words.explain import describe

__all__ = ["Estimate", "diagonal", "eigenpairs", "spectrum", "trace"]

Array = npt.NDArray[Any]
Draws = int | np.random.Generator
"""A seed, or a generator that continues."""

COLUMNS = 64
"""So many columns of the identity matrix are multiplied at once."""


class Estimate(NamedTuple):
    """An estimate from random products.

    Attributes:
        value: a number, or an array.
        error: the standard error of the value; 0 if the value is exact.
        products: how many products with the matrix were used.
    """

    value: Any
    error: Any
    products: int


def trace(A: Any, products: int | None = 60, rng: Draws = 0) -> Estimate:
    """The trace of a symmetric matrix, by Hutch++.

    A third of the products finds a subspace Q where the matrix is large, and another third gives the trace
    in Q exactly. The rest estimates what is left: the mean of v^T A v over vectors v of random signs, which
    are orthogonal to Q. The error falls like 1 / products, that of the plain mean like 1 / sqrt(products).

    Args:
        A: a `Curvature`, any linear operator of SciPy, or a matrix; of shape (n, n) and symmetric.
        products: how many products with A to use, at least 6. None, or a number of at least n: the exact
            trace, from n products.
        rng: a seed, or a NumPy generator.

    Returns:
        An `Estimate`. The error is the standard error of the random part.

    Raises:
        ShapeError: the matrix is not square.
        OptionError: fewer than 6 products.

    Source:
        R. Meyer et al., "Hutch++: optimal stochastic trace estimation", 2021.

    Example:
        >>> import numpy as np
        >>> found = trace(np.diag(1 / np.arange(1.0, 101) ** 2), products=30)
        >>> bool(abs(found.value - 1.6349839) < 4 * found.error), found.products
        (True, 30)
    """
    operator, n = _square("trace", A)
    if products is None or products >= n:
        return Estimate(float(np.sum(_exact_diagonal(operator))), 0.0, n)
    third = _enough("trace", products, 6) // 3
    signs = _signs(rng, n, 2 * third)
    Q = np.linalg.qr(_product(operator, signs[:, :third]))[0]
    rest = signs[:, third:] - Q @ (Q.T @ signs[:, third:])
    within = np.sum(Q * _product(operator, Q))
    draws = np.sum(rest * _product(operator, rest), axis=0)
    return Estimate(float(within + np.mean(draws)), float(_standard_error(draws)), 3 * third)


def diagonal(A: Any, products: int | None = 60, rng: Draws = 0) -> Estimate:
    """The diagonal of a symmetric matrix: exactly, or as the mean of v * (A v) over vectors of random signs.

    The error of an entry is about the norm of the other entries in its row, over the square root of the
    number of products.

    Args:
        A: as in `trace`.
        products: how many products with A to use, at least 2. None, or a number of at least n: the exact
            diagonal, from n products.
        rng: a seed, or a NumPy generator.

    Returns:
        An `Estimate` whose value and error have the shape (n,). `A.unravel` gives them the structure of the
        parameters.

    Raises:
        ShapeError: the matrix is not square.
        OptionError: fewer than 2 products.

    Source:
        C. Bekas, E. Kokiopoulou, Y. Saad, "An estimator for the diagonal of a matrix", 2007.

    Example:
        >>> import numpy as np
        >>> diagonal(np.array([[2.0, 1.0], [1.0, 3.0]])).value
        array([2., 3.])
    """
    operator, n = _square("diagonal", A)
    if products is None or products >= n:
        return Estimate(_exact_diagonal(operator), np.zeros(n), n)
    signs = _signs(rng, n, _enough("diagonal", products, 2))
    draws = signs * _product(operator, signs)
    return Estimate(np.mean(draws, axis=1), _standard_error(draws), products)


def eigenpairs(
    A: Any, k: int = 1, which: str = "LA", tol: float | None = None, rng: Draws = 0
) -> tuple[Array, list[Any]]:
    """The largest eigenvalues of a symmetric matrix and their eigenvectors, by Lanczos' method.

    The largest eigenvalue of the Hessian is the *sharpness*. Gradient descent on a quadratic loss is stable
    while the sharpness is below 2 / learning rate.

    Args:
        A: as in `trace`.
        k: how many.
        which: "LA" for the largest, "SA" for the smallest, "LM" for the largest in magnitude; the words of
            `scipy.sparse.linalg.eigsh`.
        tol: the relative tolerance of an eigenvector. The error of the eigenvalue is its square. Default: the
            square root of the spacing of floats at 1.
        rng: a seed of the first vector, or a NumPy generator.

    Returns:
        The eigenvalues of shape (k,), the largest first; then the list of their eigenvectors of length 1,
        each in the structure of the parameters; vectors (n,) if A is not a `Curvature`.

    Raises:
        ShapeError: the matrix is not square.
        OptionError: k is not from 1 to n.
        ConvergenceError: Lanczos' method did not converge.

    Source:
        R. Lehoucq, D. Sorensen, C. Yang, "ARPACK users' guide", 1998.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> H = ag.curvature.hessian(lambda p: 3 * p["a"] ** 2 + p["b"] ** 2, {"a": 1.0, "b": 1.0})
        >>> values, vectors = ag.curvature.eigenpairs(H)
        >>> values, np.abs(vectors[0]["a"]).item()
        (array([6.]), 1.0)
    """
    operator, n = _square("eigenpairs", A)
    if not 1 <= k <= n:
        raise OptionError(f"eigenpairs(k={k}): expected a number from 1 to {n}, the size of the matrix")
    if which not in ("LA", "SA", "LM"):
        raise OptionError(f'eigenpairs(which={which!r}): expected "LA", "SA" or "LM"')
    if n <= COLUMNS:
        values, vectors = np.linalg.eigh(_product(operator, np.eye(n)))
        size = {"LA": values, "SA": -values, "LM": np.abs(values)}[which]
        chosen = np.argsort(size)[n - k :]
        values, vectors = values[chosen], vectors[:, chosen]
    else:
        values, vectors = _largest(operator, k, which, tol, rng)
    order = np.argsort(-values)
    unravel = getattr(A, "unravel", np.asarray)
    return values[order], [unravel(vectors[:, i]) for i in order]


def _largest(operator: Any, k: int, which: str, tol: float | None, rng: Draws) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of SciPy's, from a start that the seed repeats."""
    tol = float(np.sqrt(np.finfo(operator.dtype).eps)) if tol is None else tol
    start = np.random.default_rng(rng).normal(size=operator.shape[0]).astype(operator.dtype)
    try:
        values, vectors = eigsh(operator, k, which=which, tol=tol, v0=start)
    except ArpackNoConvergence as error:
        raise ConvergenceError(
            f"eigenpairs: {len(error.eigenvalues)} of {k} eigenvalues converged; give a larger tolerance, "
            f"e.g. tol={10 * tol:.0e}"
        ) from error
    except ArpackError as error:
        raise ConvergenceError(f"eigenpairs: a product with the matrix is not finite; {error}") from error
    return values, vectors


def spectrum(A: Any, steps: int = 50, draws: int = 4, rng: Draws = 0) -> tuple[Array, Array]:
    """The density of the eigenvalues, as points with weights: stochastic Lanczos quadrature.

    For a smooth function f, sum(weights * f(points)) is about the mean of f over all eigenvalues. A histogram
    of the points with these weights is a picture of the density.

    Args:
        A: as in `trace`.
        steps: how many products for each random vector; also how many points it gives at most.
        draws: the number of random vectors.
        rng: a seed, or a NumPy generator.

    Returns:
        The points and their weights, each of shape (m,) with m <= steps * draws. The weights sum to 1.

    Raises:
        ShapeError: the matrix is not square.
        OptionError: a number below 1.

    Source:
        B. Ghorbani, S. Krishnan, Y. Xiao, "An investigation into neural net optimization via Hessian
        eigenvalue density", 2019; G. Golub, J. Welsch, "Calculation of Gauss quadrature rules", 1969.

    Example:
        >>> import numpy as np
        >>> points, weights = spectrum(np.diag([1.0, 1.0, 5.0]), draws=1)
        >>> points.round(6), weights.round(6)                # two thirds and one third
        (array([1., 5.]), array([0.666667, 0.333333]))
    """
    operator, n = _square("spectrum", A)
    _enough("spectrum", steps, 1, "steps")
    starts = _signs(rng, n, _enough("spectrum", draws, 1, "draws"))
    points, weights = [], []
    for start in starts.T:
        values, vectors = eigh_tridiagonal(*_lanczos(operator, start, min(steps, n)))
        points.append(values)
        weights.append(vectors[0] ** 2 / draws)
    return np.concatenate(points), np.concatenate(weights)


def _lanczos(operator: Any, start: Array, steps: int) -> tuple[Array, Array]:
    """The diagonal and the subdiagonal of the tridiagonal matrix Q^T A Q for the Krylov space of `start`.

    Each vector is made orthogonal to all before it, twice: rounding would otherwise repeat eigenvalues.
    """
    room = np.finfo(operator.dtype).eps * len(start) if operator.dtype.kind == "f" else 1e-12
    basis = [start / np.linalg.norm(start)]
    along: list[float] = []
    across: list[float] = []
    while True:
        v = _product(operator, basis[-1])
        along.append(float(basis[-1] @ v))
        Q = np.stack(basis)
        for _ in range(2):
            v = v - Q.T @ (Q @ v)
        length = float(np.linalg.norm(v))
        if len(basis) == steps or length <= room * max(map(abs, (*along, *across))):
            return np.array(along), np.array(across)
        across.append(length)
        basis.append(v / length)


def _square(name: str, A: Any) -> tuple[Any, int]:
    """A matrix as a linear operator, and its size."""
    operator = aslinearoperator(A)
    if operator.shape[0] != operator.shape[1] or not operator.shape[0]:
        raise ShapeError(f"{name} takes a square matrix, not {describe(A)} of shape {operator.shape}")
    return operator, operator.shape[0]


def _enough(name: str, number: int, least: int, option: str = "products") -> int:
    if not isinstance(number, (int, np.integer)) or number < least:
        raise OptionError(f"{name}({option}={number!r}): expected an integer of at least {least}")
    return int(number)


def _product(operator: Any, v: Array) -> Array:
    """The product in double precision: means of many numbers follow."""
    return np.asarray(operator @ v, float)


def _exact_diagonal(operator: Any) -> Array:
    n = operator.shape[0]
    parts = []
    for i in range(0, n, COLUMNS):
        width = min(COLUMNS, n - i)
        parts.append(np.diagonal(_product(operator, np.eye(n, width, -i))[i : i + width]))
    return np.concatenate(parts)


def _signs(rng: Draws, n: int, count: int) -> Array:
    return np.random.default_rng(rng).choice([-1.0, 1.0], (n, count))


def _standard_error(draws: Array) -> Any:
    """Of the mean over the last axis."""
    return np.std(draws, axis=-1, ddof=1) / np.sqrt(draws.shape[-1])
