"""numpy.linalg beyond the samples: kinds of results, points with a convention, refusals, PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, NotDifferentiableError, ShapeError, UnsupportedError
from autograd_lite.testing import check_grads
from tests.helpers import check_both_orders, second_order

L = np.linalg


def normal(*shape: int, dtype: Any = float, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, *shape])
    real = rng.normal(size=shape)
    return real + 1j * rng.normal(size=shape) if dtype is complex else real


def hermitian(a: Any) -> Any:
    return (a + np.conjugate(np.matrix_transpose(a))) / 2


# -- kinds of results ------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [L.svd, L.eig, L.eigh, L.qr, L.slogdet], ids=lambda f: f.__name__)
def test_named_tuples_stay_named(f: Callable[..., Any]) -> None:
    a = np.diag([1.0, 2.0])
    for tensor in (ag.Tensor(a), ag.Tensor(a, requires_grad=True)):
        assert type(f(tensor)) is type(f(a))
        assert all(isinstance(part, ag.Tensor) for part in f(tensor))


def test_lists_and_integers_go_in_where_numpy_takes_them() -> None:
    x = ag.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    for y in (np.cross(x, [1, 0, 2]), np.kron(x, [1, 2]), np.vecdot([1, 2, 3], x), np.dot([1, 2, 3], x)):
        assert y.dtype == float and y.requires_grad
    assert L.norm(ag.Tensor([3, 4])).item() == 5 and L.norm(ag.Tensor([3, 0]), 0).item() == 1
    assert L.cond(ag.Tensor([[1.0, 0.0], [0.0, 0.0]])).item() == np.inf
    np.testing.assert_allclose(L.eigvalsh(ag.Tensor([[2, 1], [1, 2]])).numpy(), [1, 3])


@pytest.mark.parametrize("f", [L.det, L.inv, lambda a: L.slogdet(a)[1], L.svdvals, L.eigvalsh, L.norm])
def test_matrices_without_rows(f: Callable[..., Any]) -> None:
    x = ag.Tensor(np.zeros((0, 0)), requires_grad=True)
    f(x).sum().backward()
    assert x.grad is not None and x.grad.shape == (0, 0)


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) >= "2.5.0", reason="NumPy 2.5 takes vectors of three entries alone"
)
def test_cross_products_in_the_plane() -> None:
    plane, space = normal(4, 2), normal(4, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's, for vectors of two entries
        for a, b in ((plane, plane[::-1]), (plane, space), (space, plane)):
            np.testing.assert_array_equal(np.cross(ag.Tensor(a), b).numpy(), np.cross(a, b))
            check_grads(np.cross, (a, b), order=1)


def test_constants() -> None:
    a = ag.Tensor(normal(3, 3), requires_grad=True)
    assert L.matrix_rank(a) == 3 and L.lstsq(a, normal(3))[2] == 3
    assert L.norm(a[0], 0) == 3 and L.matrix_power(a, 0).tolist() == np.eye(3).tolist()
    assert ag.grad(lambda x: np.sum(L.matrix_power(x, 0)))(a.numpy()).tolist() == np.zeros((3, 3)).tolist()


# -- points with a convention ----------------------------------------------------------------------


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, 0.5, -1, -2, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_vector_norms_at_zero_have_gradient_zero(order: Any, dtype: Any) -> None:
    x = ag.Tensor(np.zeros(3), requires_grad=True, dtype=dtype)
    with np.errstate(divide="ignore"):
        L.norm(x, order).backward()
    assert x.grad is not None and x.grad.dtype == dtype and x.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norms_at_zero_have_gradient_zero(order: Any) -> None:
    assert ag.grad(lambda x: L.norm(x, order))(np.zeros((2, 3))).tolist() == np.zeros((2, 3)).tolist()


def test_the_nuclear_norm_leaves_out_what_is_zero() -> None:
    """At a singular value of 0 it has a kink, as |s| has, whose derivative counts as 0."""
    a = np.outer([3.0, 4.0], [0.6, 0.8, 0.0])
    np.testing.assert_allclose(
        ag.grad(lambda x: L.norm(x, "nuc"))(a), np.outer([0.6, 0.8], [0.6, 0.8, 0.0]), atol=1e-15
    )


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1.0, 1e200, 1e307])
@pytest.mark.parametrize("dtype", [float, complex])
def test_norms_neither_overflow_nor_underflow(scale: float, dtype: Any) -> None:
    x = np.full(2, scale, dtype)
    np.testing.assert_allclose(ag.grad(L.norm)(x), [0.5**0.5] * 2, rtol=4e-16)
    np.testing.assert_allclose(ag.grad(lambda x: L.norm(x, 3))(x), [0.5 ** (2 / 3)] * 2, rtol=4e-16)


@pytest.mark.parametrize("uplo", ["L", "U"])
@pytest.mark.parametrize("dtype", [float, complex])
def test_gradients_of_hermitian_matrices_are_hermitian(uplo: str, dtype: Any) -> None:
    a = normal(3, 3, dtype=dtype)
    a = a @ a.conj().T + np.eye(3)
    upper = uplo == "U"
    weight = normal(3, 3, seed=1)
    for f in (
        lambda x: np.sum(L.eigvalsh(x, uplo) ** 3),
        lambda x: np.sum(np.abs(L.eigh(x, uplo)[1]) ** 2 * weight),
        lambda x: np.sum(np.abs(L.cholesky(x, upper=upper)) ** 2 * weight),
    ):
        g = ag.grad(f)(a)
        np.testing.assert_allclose(g, g.conj().T, rtol=1e-12, atol=1e-12)
        assert np.abs(g).max() > 1e-3


@pytest.mark.parametrize("f", [lambda x: L.eigvalsh(x)[0], lambda x: L.cholesky(x)[1, 1]])
def test_only_one_triangle_is_read(f: Callable[..., Any]) -> None:
    a = np.array([[2.0, np.nan], [0.5, 3.0]])
    assert f(ag.Tensor(a)).item() == pytest.approx(f(a))
    np.testing.assert_array_equal(ag.grad(f)(a), ag.grad(f)(np.tril(a) + np.tril(a, -1).T))


# -- gaps that have closed -------------------------------------------------------------------------

EQUAL = np.diag([3.0, 3.0, 1.0])
TURN = L.qr(normal(3, 3))[0]


@pytest.mark.parametrize("a", [EQUAL, TURN @ EQUAL @ TURN.T], ids=["exactly", "up to rounding"])
class TestEqualEigenvalues:
    def test_a_projection_on_all_their_vectors_has_a_derivative(self, a: Any) -> None:
        def f(a: Any) -> Any:
            v = L.eigh(hermitian(a))[1][:, 1:]
            return v @ v.T

        check_grads(f, a, order=1)

    def test_a_part_that_was_not_used_does_no_harm(self, a: Any) -> None:
        def f(a: Any) -> Any:
            w, v = L.eigh(hermitian(a))
            return w[0] * np.outer(v[:, 0], v[:, 0])

        check_grads(f, a, order=1)

    @pytest.mark.parametrize(
        "f",
        [
            lambda w, v: (v[:, 1] @ np.arange(1.0, 4.0)) ** 2,
            lambda w, v: np.sum((v * np.exp(w)) @ v.T * np.arange(9.0).reshape(3, 3)),
        ],
        ids=["one vector", "a function of the matrix"],
    )
    def test_what_cannot_be_told_is_nan(self, a: Any, f: Callable[..., Any]) -> None:
        assert np.isnan(ag.grad(lambda a: f(*L.eigh(a)))(a)).all()

    def test_a_symmetric_function_of_them_has_a_second_derivative(self, a: Any) -> None:
        def f(a: Any) -> Any:
            return np.sum(L.eigvalsh(a) ** 3)

        h = hermitian(normal(3, 3))
        np.testing.assert_allclose(ag.grad(f)(a), 3 * a @ a, atol=1e-13)
        np.testing.assert_allclose(ag.hvp(f, (a,), (h,)), 3 * (a @ h + h @ a), atol=1e-12)

    def test_second_derivatives_that_cannot_be_told_are_nan(self, a: Any) -> None:
        def f(a: Any) -> Any:
            return L.eigvalsh(a)[1] ** 3

        assert np.isnan(ag.hvp(f, (a,), (normal(3, 3),))).all()


def test_the_best_approximation_of_a_matrix_of_lower_rank() -> None:
    """The other singular values are equal, but were not used."""
    low = normal(5, 2) @ normal(2, 4)

    def f(a: Any) -> Any:
        u, s, vh = L.svd(a, full_matrices=False)
        return (u[:, :1] * s[:1]) @ vh[:1]

    check_grads(f, low, order=1)


def test_zeros_come_back_for_a_cotangent_of_zeros() -> None:
    def f(a: Any) -> Any:
        w, v = L.eigh(a)
        return 0.0 * np.sum(w) + 0.0 * np.sum(v)

    assert ag.grad(f)(np.eye(2)).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("f", [lambda a: L.eigvals(a)[0], lambda a: np.sum(L.eig(a)[1])])
def test_a_matrix_without_a_basis_of_eigenvectors(f: Callable[..., Any]) -> None:
    """NumPy 2.5 gives complex numbers, earlier versions real ones for this matrix."""
    assert np.isnan(ag.grad(lambda a: np.real(f(a)))(np.array([[1.0, 1.0], [0.0, 1.0]]))).all()


def test_a_pseudo_inverse_that_cuts_off_more_than_rounding() -> None:
    a = np.diag([3.0, 2.0, 0.5]) + 0.1 * normal(3, 3)
    check_grads(lambda a: L.pinv(a, rcond=0.5), a, order=2)
    check_grads(lambda a: L.pinv(a, rtol=0.5), a, order=1)
    check_grads(lambda a: L.lstsq(a, np.arange(3.0), rcond=0.5)[0], a, order=2)


def test_a_pseudo_inverse_at_constant_rank() -> None:
    left, right = normal(4, 2), normal(2, 3)
    check_grads(lambda left, right: L.pinv(left @ right, rcond=1e-10), (left, right), order=2)


# -- what NumPy chooses by itself ------------------------------------------------------------------

INVARIANT: dict[str, Callable[..., Any]] = {
    "eigh": lambda a: (L.eigh(hermitian(a))[0], np.abs(L.eigh(hermitian(a))[1])),
    "eig": lambda a: (L.eig(a)[0], np.abs(L.eig(a)[1])),
    "svd": lambda a: (lambda u, s, vh: (u @ vh, s, np.abs(u), np.abs(vh)))(*L.svd(a, full_matrices=False)),
    "null space": lambda a: (lambda u, s, vh: u[:, 2:] @ np.conjugate(u[:, 2:]).T)(*L.svd(a[:, :2])),
    "qr, complete": lambda a: (lambda q, r: (q[:, 1:] @ np.conjugate(q[:, 1:]).T, r))(
        *L.qr(a[:, :1], mode="complete")
    ),
    "cholesky": lambda a: L.cholesky(hermitian(a) + 9 * np.eye(len(a))),
    "cholesky, upper": lambda a: L.cholesky(hermitian(a) + 9 * np.eye(len(a)), upper=True),
    "pinv, hermitian": lambda a: L.pinv(hermitian(a), hermitian=True),
    "svdvals, hermitian": lambda a: L.svd(hermitian(a), hermitian=True, compute_uv=False),
}


@pytest.mark.few(3)
@second_order
@pytest.mark.parametrize("name", INVARIANT)
@pytest.mark.parametrize("dtype", [float, complex])
def test_functions_that_do_not_depend_on_it(name: str, dtype: Any, along: int | None) -> None:
    a = np.random.default_rng(5).normal(size=(3, 3)) + np.diag([1.0, 4.0, 7.0])
    if dtype is complex:
        a = a + 1j * np.random.default_rng(6).normal(size=(3, 3))
    check_both_orders(INVARIANT[name], a, along)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.real(np.sum(L.eigh(a)[1])),
        lambda a: np.real(np.sum(L.eig(a)[1])),
        lambda a: np.real(np.sum(L.svd(a)[0])),
        lambda a: np.real(np.sum(L.svd(a[:, :1])[0])),
        lambda a: np.real(np.sum(L.qr(a[:, :1], mode="complete")[0] ** 2)),
    ],
    ids=["eigh", "eig", "svd", "null space", "qr"],
)
def test_functions_that_do_are_refused(f: Callable[..., Any]) -> None:
    with pytest.raises(NotDifferentiableError, match="an arbitrary choice"):
        ag.grad(f)(normal(3, 3, dtype=complex))


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: np.matmul(x, x, axes=[(0, 1), (0, 1), (0, 1)]), UnsupportedError, "moveaxis"),
        (lambda x: L.qr(x, mode="raw"), UnsupportedError, "reduced"),
        (lambda x: L.norm(x, "fro", axis=0), ShapeError, "vectors"),
        (lambda x: L.norm(x, 3), ShapeError, "matrices"),
        (lambda x: L.norm(x, axis=(0, 0)), ShapeError, "two axes"),
        (lambda x: L.eigh(x, UPLO="X"), ShapeError, "UPLO"),
        (lambda x: np.cross(x, x[:, :1]), ShapeError, "2 or 3"),
        (lambda x: np.tensordot(x, x[:2], axes=(0, 0)), ShapeError, "differ"),
        (lambda x: L.outer(x, x), ShapeError, "np.outer"),
        (lambda x: L.multi_dot([x]), ShapeError, "two"),
        (lambda x: np.einsum("ij", x, x), ShapeError, "operands"),
        (lambda x: np.einsum("ij->ji", x, order="F"), UnsupportedError, "order"),
        (lambda x: L.trace(x, dtype=float), UnsupportedError, "astype"),
        (lambda x: L.matrix_power(x, 1.5), DTypeError, "integer"),
        (lambda x: L.eigvalsh(x[:2]), ShapeError, "square"),
        (lambda x: L.qr(x[0]), ShapeError, "vector"),
        (lambda x: L.inv(0 * x), ShapeError, "Singular"),
    ],
)
def test_calls_that_cannot_be_right(call: Callable[..., Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(ag.Tensor(np.arange(9.0).reshape(3, 3) + np.eye(3), requires_grad=True))


# -- PyTorch ---------------------------------------------------------------------------------------

TALL, WIDE = (4, 3), (3, 4)

PEERS: dict[str, tuple[tuple[int, int], Callable[[Any, Any], Any]]] = {
    "inv": ((3, 3), lambda L, a: abs(L.inv(a)) ** 2),
    "det": ((3, 3), lambda L, a: abs(L.det(a)) ** 2),
    "slogdet": ((3, 3), lambda L, a: L.slogdet(a)[1]),
    "pinv": (TALL, lambda L, a: abs(L.pinv(a)) ** 2),
    "pinv, wide": (WIDE, lambda L, a: abs(L.pinv(a)) ** 2),
    "eigvalsh": ((3, 3), lambda L, a: L.eigvalsh(a + a.T.conj()) ** 3),
    "eigh": ((3, 3), lambda L, a: abs(L.eigh(a + a.T.conj())[1]) ** 3),
    "eig": ((3, 3), lambda L, a: abs(L.eig(a)[1]) ** 3 * abs(L.eig(a)[0])),
    "svd": (TALL, lambda L, a: abs(L.svd(a, full_matrices=False)[0]) ** 3 * L.svd(a, full_matrices=False)[1]),
    "svd, wide": (WIDE, lambda L, a: abs(L.svd(a, full_matrices=False)[2]) ** 3),
    "qr": (TALL, lambda L, a: abs(L.qr(a)[0]) ** 3 * abs(L.qr(a)[1][0]) ** 3),
    "qr, wide": (WIDE, lambda L, a: abs(L.qr(a)[1]) ** 3),
    "cholesky": ((3, 3), lambda L, a: abs(L.cholesky(a @ a.T.conj())) ** 3),
    "norm nuc": (TALL, lambda L, a: L.norm(a, "nuc")),
    "norm 2": (WIDE, lambda L, a: L.norm(a, 2)),
    "norm fro": (WIDE, lambda L, a: L.norm(a)),
    "norm 3": (TALL, lambda L, a: L.vector_norm(a, ord=3)),
    "cond": (TALL, lambda L, a: L.cond(a)),
}


@pytest.mark.parametrize("p", [None, "fro", 1, -1, np.inf, -np.inf])
def test_a_singular_matrix_has_the_condition_inf(p: Any) -> None:
    regular, singular = np.diag([1.0, 4.0]), np.diag([1.0, 0.0])
    for a in (singular, np.stack([regular, singular, 0 * singular])):
        with warnings.catch_warnings(action="ignore"):  # NumPy's own, of 0 / 0
            value = L.cond(a, p)
        if p is not None:
            np.testing.assert_array_equal(L.cond(ag.Tensor(a), p).numpy(), value)
        slope = ag.grad(lambda a: np.sum(L.cond(a, p)))(a)
        assert not np.isfinite(slope.reshape(-1, 2, 2)[-1]).all()
    np.testing.assert_allclose(slope[0], ag.grad(lambda a: L.cond(a, p))(regular), rtol=1e-15)


@pytest.mark.torch
@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("dtype", [float, complex])
def test_the_same_derivatives_as_pytorch(name: str, dtype: Any) -> None:
    torch = pytest.importorskip("torch")
    shape, f = PEERS[name]
    a = np.random.default_rng(8).normal(size=shape).astype(dtype)
    v = np.random.default_rng(9).normal(size=shape).astype(dtype)
    if dtype is complex:
        a, v = a + 1j * v[::-1], v + 1j * a

    x = torch.tensor(a, requires_grad=True)
    (first,) = torch.autograd.grad(f(torch.linalg, x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad((first * torch.tensor(v).conj()).real.sum(), x)

    def gradient(a: Any) -> Any:
        return ag.grad(lambda a: np.sum(f(L, a)))(a)

    got = gradient(a), ag.grad(lambda a: np.sum(np.real(gradient(a) * np.conjugate(v))))(a)
    for mine, theirs in zip(got, (first, second), strict=True):
        theirs = theirs.detach().resolve_conj().numpy()
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-11 * np.abs(theirs).max())
