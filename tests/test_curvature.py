"""Curvature against PyTorch, closed forms and differences of gradients; wrong matrices planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import ConvergenceError, DTypeError, OptionError, ShapeError, UnsupportedError

pytest.importorskip("scipy")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)), RNG.normal(size=(12, 3))
LABELS = np.arange(12) % 3


def weights(dtype: Any = float) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "W": [rng.normal(size=(4, 5)).astype(dtype) / 2, rng.normal(size=(5, 3)).astype(dtype) / 2],
        "b": rng.normal(size=5).astype(dtype),
    }


def outputs(w: Any, x: Any = X) -> Any:
    return np.tanh(x @ w["W"][0] + w["b"]) @ w["W"][1]


def entropy(z: Any) -> Any:
    return nn.functional.cross_entropy(z, LABELS)


def loss(w: Any) -> Any:
    return entropy(outputs(w))


def dense(C: Any) -> np.ndarray[Any, Any]:
    return np.asarray(C @ np.eye(C.shape[0], dtype=C.dtype))


# -- the Hessian -----------------------------------------------------------------------------------


def test_the_hessian_of_a_network_is_the_difference_of_its_gradients() -> None:
    w, H = weights(), ag.curvature.hessian(loss, weights())
    v = np.random.default_rng(2).normal(size=H.shape[0])

    def gradient(t: float) -> Any:
        return H.ravel(ag.grad(loss)(H.unravel(H.ravel(w) + t * v)))

    h = 1e-4  # the error of the five points is h^4, that of rounding eps / h
    far = gradient(-2 * h) - gradient(2 * h)
    np.testing.assert_allclose(H @ v, (far + 8 * (gradient(h) - gradient(-h))) / (12 * h), atol=1e-10)


def test_least_squares_have_the_hessian_of_the_textbooks() -> None:
    A, b = RNG.normal(size=(9, 4)), RNG.normal(size=9)
    H = ag.curvature.hessian(lambda x: np.sum((A @ x - b) ** 2), np.zeros(4))
    np.testing.assert_allclose(dense(H), 2 * A.T @ A, rtol=1e-13)
    G = ag.curvature.gauss_newton(lambda x: A @ x, lambda z: np.sum((z - b) ** 2), np.zeros(4))
    np.testing.assert_allclose(dense(G), 2 * A.T @ A, rtol=1e-13)


def logistic(w: Any, y: Any) -> Any:
    z = X @ w
    return ag.softplus(z) - y * z


def test_logistic_regression_has_the_three_matrices_of_the_textbooks() -> None:
    """The Hessian is X^T diag(p (1 - p)) X / n; the empirical Fisher has (p - y)^2 in its place."""
    w, y = RNG.normal(size=4), np.arange(12) % 2
    p = 1 / (1 + np.exp(-X @ w))
    expected = X.T @ np.diag(p * (1 - p)) @ X / 12
    H = ag.curvature.hessian(lambda w: np.mean(logistic(w, y)), w)
    G = ag.curvature.gauss_newton(lambda w: X @ w, lambda z: np.mean(ag.softplus(z) - y * z), w)
    F = ag.curvature.fisher(lambda w: logistic(w, y), w)
    np.testing.assert_allclose(dense(H), expected, rtol=1e-12)
    np.testing.assert_allclose(dense(G), expected, rtol=1e-12)
    np.testing.assert_allclose(dense(F), X.T @ np.diag((p - y) ** 2) @ X / 12, rtol=1e-12)


def test_gauss_newton_is_the_product_of_its_three_matrices() -> None:
    w, G = weights(), ag.curvature.gauss_newton(outputs, entropy, weights())
    vector = G.ravel(w)
    J = np.stack(  # differences of the outputs
        [
            (outputs(G.unravel(vector + 1e-5 * e)) - outputs(G.unravel(vector - 1e-5 * e))).ravel() / 2e-5
            for e in np.eye(vector.size)
        ],
        axis=1,
    )
    z = outputs(w)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    middle = np.zeros((36, 36))
    for i, row in enumerate(p):  # the Hessian of softmax with cross-entropy
        middle[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] = (np.diag(row) - np.outer(row, row)) / 12
    np.testing.assert_allclose(dense(G), J.T @ middle @ J, atol=1e-9)
    assert np.linalg.eigvalsh(dense(G))[0] > -1e-12


def test_the_fisher_information_of_a_softmax_is_its_gauss_newton_matrix() -> None:
    """The mean over targets drawn from the model, here the sum over all of them."""
    w = weights()
    z = outputs(w)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    G = ag.curvature.gauss_newton(outputs, entropy, w)
    total = np.zeros(G.shape)
    for i in range(12):
        for label in range(3):
            target = np.array([label])
            g = G.ravel(
                ag.grad(lambda w, i=i, t=target: nn.functional.cross_entropy(outputs(w, X[i : i + 1]), t))(w)
            )
            total += p[i, label] * np.outer(g, g) / 12
    np.testing.assert_allclose(dense(G), total, atol=1e-14)


def test_the_empirical_fisher_is_the_mean_of_outer_products() -> None:
    w = weights()

    def one(w: Any, x: Any, t: Any) -> Any:
        return np.sum((outputs(w, x) - t) ** 2) / 2

    F = ag.curvature.fisher(lambda w: ag.vmap(one, (None, 0, 0))(w, X, Y), w)
    gradients = np.stack([F.ravel(ag.grad(one)(w, x, t)) for x, t in zip(X, Y, strict=True)])
    np.testing.assert_allclose(dense(F), gradients.T @ gradients / 12, rtol=1e-11, atol=1e-13)


@pytest.mark.torch
def test_products_are_those_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    w = weights()
    leaves = [torch.tensor(x) for x in ag.tree.flatten(w)[0]]  # W0, W1, b

    def theirs(w0: Any, w1: Any, b: Any) -> Any:
        z = torch.tanh(torch.tensor(X) @ w0 + b) @ w1
        return torch.nn.functional.cross_entropy(z, torch.tensor(LABELS))

    H = ag.curvature.hessian(loss, w)
    v = RNG.normal(size=H.shape[0])
    parts = tuple(torch.tensor(x) for x in ag.tree.flatten(H.unravel(v))[0])
    expected = torch.autograd.functional.hvp(theirs, tuple(leaves), parts)[1]
    np.testing.assert_allclose(
        H @ v, torch.cat([x.reshape(-1) for x in expected]).numpy(), rtol=1e-10, atol=1e-13
    )


def test_a_model_of_nn() -> None:
    nn.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).double()
    x, params = RNG.normal(size=(12, 1, 4, 4)), dict(model.named_parameters())
    H = ag.curvature.hessian(lambda w: entropy(nn.functional_call(model, w, x)), params)
    v = RNG.normal(size=H.shape[0])
    expected = ag.hvp(lambda w: entropy(nn.functional_call(model, w, x)), params, H.unravel(v))
    np.testing.assert_allclose(H @ v, H.ravel(expected), rtol=1e-10, atol=1e-13)
    V = RNG.normal(size=(H.shape[0], 5))
    np.testing.assert_allclose(H @ V, np.stack([H @ v for v in V.T], axis=1), rtol=1e-10, atol=1e-13)
    assert all(p.grad is None for p in model.parameters())
    last = {"3.weight": model[3].weight}  # the others are constants that require gradients
    G = ag.curvature.gauss_newton(lambda w: nn.functional_call(model, w, x), entropy, last)
    place = (
        params["0.bias"].size + params["0.weight"].size + params["3.bias"].size
    )  # in the order of the names
    np.testing.assert_allclose(dense(G), dense(H)[place:, place:], rtol=1e-9, atol=1e-12)


# -- an operator of SciPy's ------------------------------------------------------------------------


@pytest.mark.parametrize("make", ["hessian", "gauss_newton", "fisher"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ways_of_multiplying_agree(make: str, dtype: Any) -> None:
    x = X.astype(dtype)
    calls: dict[str, Any] = {
        "hessian": (lambda w: entropy(outputs(w, x)),),
        "gauss_newton": (lambda w: outputs(w, x), entropy),
        "fisher": (lambda w: nn.functional.cross_entropy(outputs(w, x), LABELS, reduction="none"),),
    }
    C = getattr(ag.curvature, make)(*calls[make], weights(dtype))
    n, atol = C.shape[0], 20 * np.finfo(dtype).eps
    assert (
        C.dtype == dtype and C.shape == (40, 40) and repr(C) == f"<{make} of shape (40, 40), dtype={C.dtype}>"
    )
    V = RNG.normal(size=(n, 35)).astype(dtype)  # more columns than a batch
    V = np.asfortranarray(V)
    V.flags.writeable = False
    product = C @ V
    assert product.dtype == dtype
    np.testing.assert_allclose(product, np.stack([C @ v for v in V.T], axis=1), atol=atol)
    np.testing.assert_allclose(C.rmatvec(V[:, 0]), product[:, 0], atol=atol)
    np.testing.assert_allclose(C.H @ V, product, atol=atol)
    np.testing.assert_allclose(C.T @ V[:, :1], product[:, :1], atol=atol)
    np.testing.assert_allclose(C @ (V[:, 0] + 1j * V[:, 1]), product[:, 0] + 1j * product[:, 1], atol=atol)
    full = dense(C)
    np.testing.assert_allclose(full, full.T, atol=atol)


def test_solvers_of_scipy_take_it() -> None:
    from scipy.sparse.linalg import cg

    A, b = RNG.normal(size=(9, 4)), RNG.normal(size=9)
    f = lambda x: np.sum((A @ x - b) ** 2)
    step, failed = cg(ag.curvature.hessian(f, np.zeros(4)), -ag.grad(f)(np.zeros(4)), rtol=1e-12)
    np.testing.assert_allclose(step, np.linalg.lstsq(A, b, rcond=None)[0], rtol=1e-9)
    assert not failed


def test_vectors_and_trees() -> None:
    H = ag.curvature.hessian(lambda p: np.sum(p["w"] ** 2) * p["b"], {"w": np.ones(2, np.float32), "b": 3.0})
    tree = H.unravel([1.0, 2.0, 3.0])
    assert tree["b"] == 1.0 and tree["w"].tolist() == [2.0, 3.0] and tree["w"].dtype == np.float32
    assert H.ravel({"w": ag.Tensor([2.0, 3.0]), "b": 1.0}).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ShapeError, match="the tree has 2 numbers, the parameters have 3"):
        H.ravel(np.ones(2))
    with pytest.raises(ShapeError, match=r"unravel takes a vector \(3,\)"):
        H.unravel(np.ones((3, 1)))


def test_what_does_not_bend_is_zero() -> None:
    assert not np.any(dense(ag.curvature.hessian(lambda x: np.sum(3 * x), np.ones(3))))
    assert not np.any(dense(ag.curvature.hessian(lambda x: 2.0, np.ones(3))))
    assert not np.any(dense(ag.curvature.gauss_newton(lambda x: np.ones(2), np.sum, np.ones(3))))


def test_what_is_dead_at_the_point_stays_dead() -> None:
    x = np.array([0.0, -1.0, 2.0])
    with np.errstate(invalid="ignore"):
        H = ag.curvature.hessian(lambda x: np.sum(np.where(x > 0, np.sqrt(x), x**2)), x)
    np.testing.assert_allclose(dense(H), np.diag([2.0, 2.0, -(2.0**-1.5) / 4]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c: c.hessian(lambda x: x, np.ones(2)), ShapeError, "single number"),
        (
            lambda c: c.hessian(np.sum, np.arange(3)),
            DTypeError,
            "hessian takes real floating-point parameters",
        ),
        (lambda c: c.hessian(np.sum, np.ones(2) * 1j), DTypeError, "real floating-point"),
        (lambda c: c.hessian(np.sum, {"w": "x"}), DTypeError, "real floating-point"),
        (lambda c: c.hessian(np.sum, []), ShapeError, "there are no parameters"),
        (lambda c: c.fisher(np.sum, np.ones(2)), ShapeError, 'reduction="none"'),
        (lambda c: c.hessian(np.sum, 2 * ag.Tensor([1.0], requires_grad=True)), UnsupportedError, "detach"),
        (lambda c: c.trace(np.ones((2, 3))), ShapeError, "trace takes a square matrix"),
        (
            lambda c: c.trace(np.eye(9), 5),
            OptionError,
            r"trace\(products=5\): expected an integer of at least 6",
        ),
        (lambda c: c.diagonal(np.eye(9), 1.5), OptionError, r"diagonal\(products=1.5\)"),
        (lambda c: c.spectrum(np.eye(9), draws=0), OptionError, r"spectrum\(draws=0\)"),
        (lambda c: c.eigenpairs(np.eye(3), 4), OptionError, "from 1 to 3"),
        (lambda c: c.eigenpairs(np.eye(3), which="largest"), OptionError, '"LA"'),
    ],
)
def test_mistakes_are_told(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(ag.curvature)


def test_a_gradient_through_an_operator_is_refused() -> None:
    c = ag.curvature
    with pytest.raises(UnsupportedError, match="a parameter is a result on the tape"):
        ag.grad(lambda x: np.sum(c.hessian(np.sum, x) @ np.ones(2)))(np.ones(2))
    for make in (
        lambda a: c.hessian(lambda w: a * np.sum(w**2), np.ones(2)),
        lambda a: c.gauss_newton(lambda w: a * w, lambda z: np.sum(z**2), np.ones(2)),
        lambda a: c.gauss_newton(lambda w: w, lambda z: a * np.sum(z**2), np.ones(2)),
        lambda a: c.fisher(lambda w: a * w, np.ones(2)),
    ):
        with pytest.raises(UnsupportedError, match="the function reads a Tensor of the grad"):
            ag.grad(lambda a, make=make: np.sum(make(a) @ np.ones(2)))(3.0)


# -- estimates -------------------------------------------------------------------------------------


def symmetric(n: int = 100, power: float = 1.5) -> np.ndarray[Any, Any]:
    Q = np.linalg.qr(np.random.default_rng(3).normal(size=(n, n)))[0]
    return Q @ np.diag(np.arange(1.0, n + 1) ** -power) @ Q.T


def test_hutch_is_near_the_trace_and_knows_how_near() -> None:
    A = symmetric()
    found = [ag.curvature.trace(A, 30, seed) for seed in range(40)]
    errors = np.array([f.value - np.trace(A) for f in found])
    told = np.array([f.error for f in found])
    assert np.mean(np.abs(errors) < 2.5 * told) > 0.9  # ten draws: Student's t instead of the normal law
    assert 0.5 < np.sqrt(np.mean(errors**2) / np.mean(told**2)) < 2
    plain = np.sqrt(2 * (np.sum(A**2) - np.sum(np.diag(A) ** 2)) / 30)  # Hutchinson's with as many products
    assert np.sqrt(np.mean(errors**2)) < plain / 3
    assert found[0].products == 30
    assert ag.curvature.trace(A, 30, 7) == ag.curvature.trace(A, 30, np.random.default_rng(7))


def test_a_few_eigenvalues_are_found_exactly() -> None:
    U = RNG.normal(size=(100, 3))
    assert ag.curvature.trace(U @ U.T, 30).value == pytest.approx(np.sum(U**2), rel=1e-12)


def test_the_diagonal_is_within_its_error() -> None:
    A = symmetric()
    found = ag.curvature.diagonal(A, 50)
    away = np.abs(found.value - np.diag(A)) / found.error
    assert np.mean(away < 2) > 0.9 and np.max(away) < 5
    exact = ag.curvature.diagonal(A, None)
    np.testing.assert_allclose(exact.value, np.diag(A), rtol=1e-12)
    assert exact.products == 100 and not np.any(exact.error)
    assert ag.curvature.trace(A, None).value == pytest.approx(np.trace(A), rel=1e-12)


@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("which", ["LA", "SA", "LM"])
def test_eigenpairs_are_those_of_the_matrix(n: int, which: str) -> None:
    A = symmetric(n) - np.eye(n) / 30
    values, vectors = ag.curvature.eigenpairs(A, 3, which, tol=1e-12)
    all_values = np.linalg.eigvalsh(A)
    order = {"LA": all_values, "SA": -all_values, "LM": np.abs(all_values)}[which]
    np.testing.assert_allclose(values, np.sort(all_values[np.argsort(order)[-3:]])[::-1], rtol=1e-9)
    for value, v in zip(values, vectors, strict=True):
        np.testing.assert_allclose(A @ v, value * v, atol=1e-9)
        assert np.linalg.norm(v) == pytest.approx(1)


def test_eigenvectors_have_the_structure_of_the_parameters() -> None:
    H = ag.curvature.hessian(loss, weights())
    (value,), (vector,) = ag.curvature.eigenpairs(H)
    assert ag.tree.skeleton(vector) == ag.tree.skeleton(weights())
    assert value == pytest.approx(np.linalg.eigvalsh(dense(H))[-1])


def test_lanczos_that_does_not_converge_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from autograd_lite.curvature import estimates

    def stopped(*args: Any, **options: Any) -> Any:
        return estimates_eigsh(*args, **options, maxiter=1)

    estimates_eigsh = estimates.eigsh
    monkeypatch.setattr(estimates, "eigsh", stopped)
    with pytest.raises(
        ConvergenceError, match="of 9 eigenvalues converged; give a larger tolerance, e.g. tol=1e-11"
    ):
        ag.curvature.eigenpairs(symmetric(100, power=0.1), 9, tol=1e-12)


def test_the_spectrum_has_the_moments_of_the_matrix() -> None:
    """Gauss quadrature of m points is exact for polynomials up to degree 2 m - 1."""
    A = symmetric(80, power=0.5)
    points, weight = ag.curvature.spectrum(A, steps=5, draws=400)
    values = np.linalg.eigvalsh(A)
    assert weight.sum() == pytest.approx(1)
    for degree in (1, 2, 3):
        assert np.sum(weight * points**degree) == pytest.approx(np.mean(values**degree), rel=0.02)
    start = np.random.default_rng(5).choice([-1.0, 1.0], (80, 1))[:, 0] / np.sqrt(80)
    points, weight = ag.curvature.spectrum(A, steps=5, draws=1, rng=5)
    for degree in range(10):
        exact = start @ np.linalg.matrix_power(A, degree) @ start
        assert np.sum(weight * points**degree) == pytest.approx(exact, rel=1e-10)


def test_the_spectrum_ends_where_the_space_ends() -> None:
    points, weight = ag.curvature.spectrum(np.diag([1.0] * 60 + [5.0] * 20), draws=1)
    np.testing.assert_allclose(points, [1, 5])
    np.testing.assert_allclose(weight, [0.75, 0.25])


# -- planted faults --------------------------------------------------------------------------------


def wrong(C: Any, matrix: Any) -> float:
    """How far an operator is from a matrix, in units of the matrix."""
    return float(np.max(np.abs(dense(C) - matrix)) / np.max(np.abs(matrix)))


@pytest.mark.parametrize("fault", ["sign", "no middle", "no mean", "transposed"])
def test_a_planted_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons above would fail: a product without H, with another sign, and J in place of J^T."""
    from autograd_lite.curvature import operators

    A, y = RNG.normal(size=(4, 4)), RNG.normal(size=4)
    right = A.T @ np.diag(np.arange(1.0, 5)) @ A
    linearized = operators._linearized

    def planted(*args: Any) -> Any:
        out, push, pull = linearized(*args)
        faults = {
            "sign": (lambda v: -push(v), pull),
            "no middle": (lambda v: push(v) / np.arange(1.0, 5), pull),
            "no mean": (lambda v: 4 * push(v), pull),
            "transposed": (pull, push),
        }
        return (out, *faults[fault])

    def make() -> Any:
        return ag.curvature.gauss_newton(
            lambda x: A @ x, lambda z: np.sum(np.arange(1.0, 5) * (z - y) ** 2) / 2, np.zeros(4)
        )

    assert wrong(make(), right) < 1e-13
    monkeypatch.setattr(operators, "_linearized", planted)
    assert wrong(make(), right) > 0.1
