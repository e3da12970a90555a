"""Second derivatives of symmetric functions of equal eigenvalues and singular values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import autograd_lite as ag
from autograd_lite.testing import check_grads

Array = npt.NDArray[Any]
L = np.linalg
RNG = np.random.default_rng(3)


def orthogonal(n: int) -> Array:
    return np.asarray(L.qr(RNG.normal(size=(n, n)))[0])


def with_values(rows: int, columns: int, *s: float) -> Array:
    """A matrix with these singular values."""
    diagonal = np.zeros((rows, columns))
    np.fill_diagonal(diagonal, s)
    return orthogonal(rows) @ diagonal @ orthogonal(columns)


def symmetric(*w: float) -> Array:
    q = orthogonal(len(w))
    return (q * w) @ q.T


def differences(gradient: Callable[[Any], Any], a: Array, h: Array) -> Array:
    """How the gradient moves along h: central differences, extrapolated."""

    def central(t: float) -> Array:
        return np.asarray(gradient(a + t * h) - gradient(a - t * h)) / (2 * t)

    return (4 * central(1e-3) - central(2e-3)) / 3


def check(f: Callable[[Any], Any], a: Array, h: Array, rtol: float = 1e-8, rounding: float = 0.0) -> None:
    """Hessian times vector by all pairs of modes, and the Hessian itself.

    `rounding` is the error of terms that cancel: a sum of numbers has no digits below it.
    """
    expected = differences(ag.grad(f), a, h)
    atol = max(rtol * max(float(np.max(np.abs(expected))), 1e-2), rounding)
    np.testing.assert_allclose(ag.hvp(f, (a,), (h,)), expected, rtol, atol)
    np.testing.assert_allclose(ag.jvp(ag.grad(f), (a,), (h,))[1], expected, rtol, atol)
    np.testing.assert_allclose(ag.grad(lambda a: np.sum(ag.grad(f)(a) * h))(a), expected, rtol, atol)
    hessian = ag.hessian(f)(a)
    np.testing.assert_allclose(np.sum(hessian * h, axis=(-2, -1)), expected, rtol, atol)

    def along(a: Any) -> Any:
        return ag.jvp(f, (a,), (h,))[1]

    np.testing.assert_allclose(ag.grad(along)(a), expected, rtol, atol)
    twice, size = ag.jvp(along, (a,), (h,))[1], float(np.sum(np.abs(expected * h)))
    np.testing.assert_allclose(twice, np.sum(expected * h), rtol, max(atol, rtol * size))


# -- eigenvalues -----------------------------------------------------------------------------------

OF_EIGENVALUES: dict[str, Callable[[Any], Any]] = {
    "sum": np.sum,
    "squares": lambda w: np.sum(w**2),
    "cubes": lambda w: np.sum(w**3),
    "exp": lambda w: np.sum(np.exp(w)),
    "log": lambda w: np.sum(np.log(w)),
    "entropy": lambda w: -np.sum(w * np.log(w)),
    "product": np.prod,
    "variance": np.var,
    "logsumexp": ag.logsumexp,
    "length": lambda w: L.norm(w, 3),
    "sum of squares, squared": lambda w: np.sum(w**2) ** 2 * np.sum(w),
}

HERMITIAN = {
    "identity": np.eye(4),
    "two and two": symmetric(1.0, 1.0, 2.0, 2.0),
    "two of four": symmetric(3.0, 1.0, 2.0, 2.0),
    "three of four": np.diag([2.0, 2.0, 0.5, 2.0]),
    "of a graph": 5 * np.eye(4) - np.ones((4, 4)),
    "nearly equal": symmetric(1.0, 1.0 + 1e-9, 2.0, 2.0 + 1e-12),
    "near": symmetric(1.0, 1.0 + 1e-6, 2.0, 2.0 + 1e-4),
    "apart": symmetric(1.0, 2.0, 3.0, 4.0),
}


@pytest.mark.few(3)
@pytest.mark.parametrize("f", OF_EIGENVALUES.values(), ids=OF_EIGENVALUES)
@pytest.mark.parametrize("a", HERMITIAN.values(), ids=HERMITIAN)
def test_functions_of_eigenvalues(f: Callable[[Any], Any], a: Array) -> None:
    h = RNG.normal(size=a.shape)
    h = h + h.T
    gaps = np.diff(L.eigvalsh(a))  # the terms |h|^2 / gap of two eigenvalues that are near cancel
    near = np.min(gaps[gaps > 1e-8], initial=np.inf)
    check(lambda a: f(L.eigvalsh(a)), a, h, rounding=float(np.finfo(float).eps * np.sum(h * h) / near))


def test_the_closed_form_at_the_identity() -> None:
    h = RNG.normal(size=(3, 3))
    h = h + h.T
    for f, second in [(np.square, 2.0), (np.exp, np.e), (np.log, -1.0), (lambda w: w**5, 20.0)]:
        got = ag.hvp(lambda a, f=f: np.sum(f(L.eigvalsh(a))), (np.eye(3),), (h,))
        np.testing.assert_allclose(got, second * h, rtol=1e-14, atol=1e-14)


def test_many_matrices_at_once_and_complex_ones() -> None:
    stack = np.stack([HERMITIAN["identity"], HERMITIAN["apart"], HERMITIAN["two of four"]])
    h = RNG.normal(size=stack.shape)
    h = h + np.matrix_transpose(h)

    def f(a: Any) -> Any:
        return np.sum(np.exp(L.eigvalsh(a)))

    expected = [ag.hvp(f, (a,), (d,)) for a, d in zip(stack, h, strict=True)]
    np.testing.assert_allclose(ag.hvp(f, (stack,), (h,)), expected, rtol=1e-13)
    turn = L.qr(RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3)))[0]
    a = (turn * np.array([1.0, 1.0, 2.0])) @ turn.conj().T
    d = RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3))
    d = d + d.conj().T
    got = ag.grad(lambda a: np.real(np.sum(np.conj(ag.grad(f)(a)) * d)))(a)
    np.testing.assert_allclose(got, differences(ag.grad(f), a, d), rtol=1e-8)


def test_single_precision() -> None:
    h = RNG.normal(size=(4, 4)).astype("f4")
    h = h + h.T
    got = ag.hvp(lambda a: np.sum(L.eigvalsh(a) ** 3), (np.eye(4, dtype="f4"),), (h,))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, 6 * h, rtol=1e-5)


def test_what_the_function_is_made_of_gets_its_gradient_too() -> None:
    a, h = HERMITIAN["two of four"], np.diag([1.0, 2.0, 3.0, 4.0])

    def slope(p: Any) -> Any:
        return np.sum(ag.grad(lambda a: np.sum(np.exp(p * L.eigvalsh(a))))(a) * h)

    step = 1e-5
    assert ag.grad(slope)(0.7) == pytest.approx(
        (slope(0.7 + step) - slope(0.7 - step)) / (2 * step), rel=1e-8
    )


def test_several_functions_of_one_decomposition() -> None:
    """Two derivatives that ask different functions at once cannot be told apart: NaN, unless one is 0."""
    a = np.eye(3)
    h = RNG.normal(size=(2, 3, 3))
    h = h + np.matrix_transpose(h)

    def powers(a: Any) -> Any:
        w = L.eigvalsh(a)
        return np.stack([np.sum(w**2), np.sum(w**3)])

    second = ag.jacobian(ag.jacobian(powers))(a)
    np.testing.assert_allclose(
        np.sum(second * h[0], axis=(-2, -1)), np.stack([2 * h[0], 6 * h[0]]), atol=1e-12
    )
    mixed = ag.grad(lambda a: np.sum(ag.jacobian(powers)(a) * h))(a)
    assert np.isnan(mixed).any()


@pytest.mark.parametrize(
    ("f", "a"),
    [
        (lambda w: w[0] ** 2, np.eye(3)),
        (lambda w: np.sum(w**2 * np.arange(3.0)), np.diag([1.0, 1.0, 2.0])),
        (lambda w: np.sum(w[:2] ** 2), np.diag([1.0, 2.0, 2.0])),
        (lambda w: w[0] ** 2, np.zeros((3, 3))),
    ],
    ids=["the smallest", "weights", "some of equal ones", "the smallest of zeros"],
)
def test_a_function_that_tells_equal_values_apart_has_none(f: Callable[[Any], Any], a: Array) -> None:
    h = RNG.normal(size=(3, 3))
    assert np.isnan(ag.hvp(lambda a: f(L.eigvalsh(a)), (a,), (h + h.T,))).any()


def test_a_value_apart_from_the_equal_ones_has_one() -> None:
    h = RNG.normal(size=(3, 3))
    check(lambda a: L.eigvalsh(a)[2] ** 2, np.diag([1.0, 1.0, 2.0]), h + h.T)


def test_third_derivatives_are_not_made_up() -> None:
    def f(a: Any) -> Any:
        return np.sum(ag.hvp(lambda a: np.sum(L.eigvalsh(a) ** 3), (a,), (np.eye(3),)))

    assert np.isnan(ag.grad(f)(np.eye(3))).any()
    assert np.isfinite(ag.grad(f)(np.diag([1.0, 2.0, 3.0]))).all()


COUPLED: dict[str, Callable[[Any], Any]] = {
    "product": np.prod,
    "square of the sum": lambda w: np.sum(w) ** 2,
    "length": L.norm,
    "logsumexp": ag.logsumexp,
}


@pytest.mark.parametrize("name", COUPLED)
@pytest.mark.parametrize("kind", ["eigenvalues", "singular values", "of tall matrices", "of wide matrices"])
def test_a_function_of_several_matrices(name: str, kind: str) -> None:
    stack = np.stack([np.eye(2), np.diag([1.0, 2.0]), 3 * np.eye(2)])
    stack = {"of tall matrices": stack[..., [0, 1, 1], :], "of wide matrices": stack[..., [0, 0, 1]]}.get(
        kind, stack
    )
    h = RNG.normal(size=stack.shape)
    if kind == "eigenvalues":
        check_stack(lambda a: COUPLED[name](L.eigvalsh(a)), stack, h + h.swapaxes(1, 2))
    else:
        check_stack(lambda a: COUPLED[name](L.svd(a, compute_uv=False) ** 2), stack, h)


def check_stack(f: Callable[[Any], Any], a: Array, h: Array) -> None:
    expected = differences(ag.grad(f), a, h)
    for got in (ag.hvp(f, (a,), (h,)), np.sum(ag.hessian(f)(a) * h, axis=(-3, -2, -1))):
        np.testing.assert_allclose(got, expected, 1e-7, 1e-8 * np.max(np.abs(expected)))


def test_the_mixed_derivative_by_a_factor() -> None:
    (_, across), (down, _) = ag.hessian(lambda c, a: c * np.sum(L.eigvalsh(a) ** 2), (0, 1))(1.0, np.eye(2))
    np.testing.assert_allclose(across, 2 * np.eye(2))
    np.testing.assert_allclose(down, 2 * np.eye(2))


# -- singular values -------------------------------------------------------------------------------

OF_SINGULAR_VALUES: dict[str, Callable[[Any], Any]] = {
    "sum": np.sum,
    "squares": lambda s: np.sum(s**2),
    "cubes": lambda s: np.sum(s**3),
    "fourth powers": lambda s: np.sum(s**4),
    "exp": lambda s: np.sum(np.exp(s)),
    "log": lambda s: np.sum(np.log(s)),
    "log of 1 + square": lambda s: np.sum(np.log1p(s**2)),
    "Schatten norm": lambda s: L.norm(s, 4),
    "length": L.norm,
}

MATRICES = {
    "identity": np.eye(3),
    "orthogonal": orthogonal(4),
    "two and two": with_values(4, 4, 2.0, 2.0, 1.0, 1.0),
    "tall": with_values(5, 3, 2.0, 2.0, 1.0),
    "wide": with_values(3, 5, 2.0, 2.0, 1.0),
    "nearly equal": with_values(4, 4, 2.0 + 1e-9, 2.0, 1.0 + 1e-12, 1.0),
    "apart": with_values(4, 4, 4.0, 3.0, 2.0, 1.0),
}

SINGULAR = {
    "rank 2 of 4": with_values(4, 4, 2.0, 2.0, 0.0, 0.0),
    "rank 3 of 4": with_values(4, 4, 3.0, 2.0, 2.0, 0.0),
    "tall": with_values(5, 3, 2.0, 1.0, 0.0),
    "wide": with_values(3, 5, 2.0, 1.0, 0.0),
    "zeros": np.zeros((3, 3)),
    "tall zeros": np.zeros((4, 2)),
}


@pytest.mark.few(3)
@pytest.mark.parametrize("f", OF_SINGULAR_VALUES.values(), ids=OF_SINGULAR_VALUES)
@pytest.mark.parametrize("a", MATRICES.values(), ids=MATRICES)
def test_functions_of_singular_values(f: Callable[[Any], Any], a: Array) -> None:
    check(lambda a: f(L.svdvals(a)), a, RNG.normal(size=a.shape))


@pytest.mark.parametrize("name", ["squares", "fourth powers", "log of 1 + square"])
@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_even_functions_where_some_are_zero(name: str, a: Array) -> None:
    check(lambda a: OF_SINGULAR_VALUES[name](L.svdvals(a)), a, RNG.normal(size=a.shape))


@pytest.mark.parametrize("a", [*SINGULAR.values()], ids=SINGULAR)
def test_the_sum_of_squares_is_that_of_the_entries(a: Array) -> None:
    h = RNG.normal(size=a.shape)
    for f in (lambda a: np.sum(L.svdvals(a) ** 2), lambda a: np.sum(L.svd(a, compute_uv=False) ** 2)):
        np.testing.assert_allclose(ag.hvp(f, (a,), (h,)), 2 * h, atol=1e-13)


def test_where_the_sum_has_a_kink_there_is_no_second_derivative() -> None:
    for a in (SINGULAR["rank 2 of 4"], SINGULAR["tall"], SINGULAR["zeros"]):
        assert np.isnan(ag.hvp(lambda a: np.sum(L.svdvals(a)), (a,), (RNG.normal(size=a.shape),))).any()


@pytest.mark.parametrize(
    "a", [np.eye(3), MATRICES["two and two"], MATRICES["tall"]], ids=["eye", "two", "tall"]
)
def test_norms(a: Array) -> None:
    h = RNG.normal(size=a.shape)
    check(lambda a: L.norm(a, "nuc"), a, h)
    check(lambda a: L.norm(a, "nuc") ** 2, a, h)


@pytest.mark.torch
def test_gradients_of_squares_as_pytorch() -> None:
    """PyTorch's second derivative is NaN at equal values; that of the same function of entries is not."""
    torch = pytest.importorskip("torch")
    a, h = MATRICES["two and two"], RNG.normal(size=(4, 4))
    x = torch.tensor(a, requires_grad=True)
    (g,) = torch.autograd.grad(torch.trace(x.T @ x @ x.T @ x), x, create_graph=True)
    (expected,) = torch.autograd.grad((g * torch.tensor(h)).sum(), x)
    got = ag.hvp(lambda a: np.sum(L.svdvals(a) ** 4), (a,), (h,))
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-12 * float(expected.abs().max()))


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 3), (2, 3, 1)])
def test_a_single_value_is_equal_to_none(shape: tuple[int, ...]) -> None:
    a = np.random.default_rng(0).normal(size=shape)
    check_grads(lambda a: np.sum(np.linalg.svdvals(a) ** 3), (a,))
    check_grads(lambda a: np.sum(np.linalg.eigvalsh(a.mT @ a) ** 2), (a,))
