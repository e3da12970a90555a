"""Reductions, statistics and Fourier transforms beside PyTorch, definitions and NumPy's own calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import AutogradLiteError, NotDifferentiableError, UnsupportedError
from tests.helpers import check_both_orders, second_order

RNG = np.random.default_rng(7)
REAL = RNG.normal(size=(3, 4))
COMPLEX = REAL + 1j * RNG.normal(size=(3, 4))


# -- Fourier transforms ----------------------------------------------------------------------------


def matrix(n: int, size: int, sign: int) -> Any:
    """The first `size` columns of the n x n matrix of the discrete Fourier transform."""
    return np.exp(sign * 2j * np.pi * np.outer(np.arange(n), np.arange(size)) / n)


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("op", [np.fft.fft, np.fft.ifft, np.fft.rfft], ids=lambda op: op.__name__)
def test_a_transform_is_its_matrix(op: Any, n: int, norm: Any) -> None:
    inverse = op is np.fft.ifft
    factor = {None: 1 / n if inverse else 1, "ortho": n**-0.5, "forward": 1 if inverse else 1 / n}
    f = matrix(n, min(n, 4), 1 if inverse else -1) * factor[None if norm == "backward" else norm]
    weights = RNG.normal(size=(3, n)) + 1j * RNG.normal(size=(3, n))
    kept = n // 2 + 1 if op is np.fft.rfft else n

    def loss(y: Any) -> Any:
        return np.sum(np.real(y * weights[:, :kept]) ** 2)

    for x in (REAL,) if op is np.fft.rfft else (REAL, COMPLEX):
        got = ag.grad(lambda x: loss(op(x, n, norm=norm)))(x)
        expected = ag.grad(lambda x: loss((x[:, : min(n, 4)] @ f.T)[:, :kept]))(x)
        assert got.dtype == x.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_transforms_keep_single_precision() -> None:
    x = COMPLEX.astype(np.complex64)
    assert ag.grad(lambda x: np.sum(np.abs(np.fft.fft2(x))))(x).dtype == np.complex64
    assert ag.grad(lambda x: np.sum(np.fft.irfft(x)))(x).dtype == np.complex64
    assert ag.grad(lambda x: np.sum(np.abs(np.fft.rfftn(x))))(REAL.astype(np.float32)).dtype == np.float32


def test_a_transform_along_one_axis_twice_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="one axis twice"):
        ag.grad(lambda x: np.sum(np.abs(np.fft.fftn(x, axes=(0, 0)))))(REAL)


# -- beside PyTorch --------------------------------------------------------------------------------

PAIRS: list[tuple[str, Any, Any]] = [
    *(
        (f"{name}({options})", lambda x, n=name, o=options: getattr(np.fft, n)(x, **o), (name, options))
        for name in ("fft", "ifft", "irfft", "hfft", "fft2", "ifft2", "irfft2", "fftn", "ifftn", "irfftn")
        for options in ({}, {"norm": "ortho"}, {"norm": "forward"})
    ),
    ("fft padded", lambda x: np.fft.fft(x, 7), ("fft", {"n": 7})),
    ("irfft cropped", lambda x: np.fft.irfft(x, 5), ("irfft", {"n": 5})),
    ("sum", np.sum, lambda t, x: t.sum(x)),
    ("mean", lambda x: np.mean(x, 0), lambda t, x: t.mean(x, 0)),
    ("prod", lambda x: np.prod(x, 1), lambda t, x: t.prod(x, 1)),
    ("cumsum", lambda x: np.cumsum(x, 1), lambda t, x: t.cumsum(x, 1)),
    ("cumprod", lambda x: np.cumprod(x, 1), lambda t, x: t.cumprod(x, 1)),
    ("var", lambda x: np.var(x, 1), lambda t, x: t.var(x, 1, correction=0)),
    ("std", lambda x: np.std(x, 1, ddof=1), lambda t, x: t.std(x, 1, correction=1)),
    ("diff", lambda x: np.diff(x, 2), lambda t, x: t.diff(x, n=2)),
    ("cov", np.cov, lambda t, x: t.cov(x)),
    ("corrcoef", np.corrcoef, lambda t, x: t.corrcoef(x)),
    ("trapezoid", np.trapezoid, lambda t, x: t.trapezoid(x)),
]


@pytest.mark.torch
@pytest.mark.parametrize(("name", "ours", "theirs"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_complex_gradients_are_pytorchs(name: str, ours: Any, theirs: Any) -> None:
    torch = pytest.importorskip("torch")
    if isinstance(theirs, tuple):
        module = torch.fft
        x = torch.tensor(COMPLEX, requires_grad=True)
        y = getattr(module, theirs[0])(x, **theirs[1])
    else:
        x = torch.tensor(COMPLEX, requires_grad=True)
        y = theirs(torch, x)
    (y * (2 - 1j)).real.square().sum().backward()
    got = ag.grad(lambda x: np.sum(np.square(np.real(ours(x) * (2 - 1j)))))(COMPLEX)
    np.testing.assert_allclose(got, x.grad.resolve_conj().numpy(), rtol=1e-9, atol=1e-12)


# -- conjugates, ties, NaNs ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("sizes", [(5, 2), (2, 5), (4, 5), (3, 3)])
def test_correlation_is_its_sum(mode: str, sizes: tuple[int, int]) -> None:
    """c_k = sum of a_(n + k) conj(v_n), by slices; NumPy says which k a mode keeps."""
    a, v = COMPLEX.ravel()[: sizes[0]], COMPLEX.ravel()[-sizes[1] :]
    full = [(n - (sizes[1] - 1), n) for n in range(sizes[0] + sizes[1] - 1)]
    kept = len(np.correlate(a, v, mode))
    values = np.correlate(a, v, "full")
    start = next(i for i in range(len(full)) if np.allclose(values[i : i + kept], np.correlate(a, v, mode)))

    def definition(a: Any, v: Any) -> Any:
        sums = []
        for k, _ in full[start : start + kept]:
            low, high = max(0, -k), min(sizes[1], sizes[0] - k)
            sums.append(np.sum(a[low + k : high + k] * np.conjugate(v[low:high])))
        return np.stack(sums)

    def loss(f: Any) -> Any:
        return lambda a, v: np.sum(np.real(f(a, v) * (1 + 0.5j)) ** 2)

    got = ag.grad(loss(lambda a, v: np.correlate(a, v, mode)), (0, 1))(a, v)
    expected = ag.grad(loss(definition), (0, 1))(a, v)
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-12)


SKIPPING = (
    np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanmedian,
    np.nancumsum, np.nancumprod,
)  # fmt: skip


@pytest.mark.parametrize("op", SKIPPING, ids=lambda op: op.__name__)
def test_a_nan_that_is_skipped_is_dead(op: Any) -> None:
    x = np.array([1.5, np.nan, 0.5, 2.5])
    plain = getattr(np, op.__name__.removeprefix("nan"))
    got = ag.grad(lambda x: np.sum(op(x)))(x)
    weights = np.array([2, 1, 1]) if op.__name__.startswith("nancum") else 1
    there = ag.grad(lambda x: np.sum(plain(x) * weights))(x[[0, 2, 3]])
    np.testing.assert_allclose(got, [there[0], 0, there[1], there[2]], rtol=1e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of slices of NaNs alone
@pytest.mark.parametrize("op", SKIPPING, ids=lambda op: op.__name__)
def test_a_row_of_nans_alone_has_gradient_0(op: Any) -> None:
    x = np.array([[1.5, 0.5, 2.5], [np.nan] * 3])
    got = ag.grad(lambda x: np.sum(op(x, axis=1)))(x)
    np.testing.assert_array_equal(got[1], [0, 0, 0])


def test_equal_entries_keep_their_order_in_quantiles() -> None:
    x = np.array([3.0, 1.0, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(ag.grad(np.median)(x), [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(ag.grad(lambda x: np.quantile(x, 0.375))(x), [0, 0.5, 0.5, 0, 0])


def test_a_nan_in_the_way_gets_the_gradient_of_the_median() -> None:
    np.testing.assert_array_equal(ag.grad(np.median)(np.array([1.0, np.nan, 3.0])), [0, 1, 0])


def test_q_is_not_differentiated() -> None:
    with pytest.raises(NotDifferentiableError, match="argument 1"):
        ag.grad(lambda q: np.quantile(REAL, q))(0.3)


def test_an_initial_value_ties_too() -> None:
    assert ag.grad(lambda x: np.max(x, initial=2.0))(2.0) == 0.5
    assert ag.grad(lambda x: np.max(x, initial=3.0))(2.0) == 0


@second_order
def test_the_mean_may_be_given_and_is_an_input(along: int | None) -> None:
    for f in (np.var, np.std, np.nanvar, np.nanstd):
        given = (REAL, REAL[:, :1] + 0.1)
        check_both_orders(lambda x, m, f=f: f(x, axis=1, mean=m, ddof=1), given, along)
        check_both_orders(lambda x, f=f: f(x, mean=np.mean(x, keepdims=True)), (REAL,), along)
        assert ag.grad(lambda x, f=f: f(x, mean=x[:1]))(np.ones(3)).tolist() == [0, 0, 0]
    with pytest.raises(AutogradLiteError, match="correction"):
        np.var(ag.Tensor(REAL), ddof=1, correction=1)


@second_order
def test_weights_spacings_and_periods_are_inputs(along: int | None) -> None:
    w = np.array([0.5, 1.0, 2.0, 0.25])
    check_both_orders(lambda x, w: np.average(x, axis=1, weights=w), (REAL, w), along)
    check_both_orders(lambda x, w: np.cov(x, aweights=w), (REAL, w), along)
    check_both_orders(lambda x, h: np.gradient(x, h, axis=1, edge_order=2), (REAL, np.cumsum(w)), along)
    check_both_orders(lambda x, h: np.gradient(x, h)[0], (REAL, 0.3), along)
    x, xp, fp = np.array([-1.1, 0.1, 2.9]), np.array([0.0, 1.0]), w[:2]
    check_both_orders(lambda fp, p: np.interp(x, xp, fp, period=p), (fp, 1.7), along)
    check_both_orders(lambda fp, a, b: np.interp(x, xp, fp, left=a, right=b), (fp, 0.3, 0.4), along)


def test_weights_that_do_not_fit_are_refused() -> None:
    x = ag.Tensor(REAL, requires_grad=True)
    for weights, axis in (([1.0, 2.0], 1), ([1.0] * 4, None), ([1.0, -1.0, 0.0], 0)):
        with pytest.raises((AutogradLiteError, ZeroDivisionError)):
            np.average(x, axis, weights)
    with pytest.raises(AutogradLiteError, match="aweights"):
        np.cov(x, aweights=[1.0, 2.0])


def test_a_remainder_of_the_full_length_and_of_none() -> None:
    u, v = ag.Tensor([1.0, 2.0], requires_grad=True), np.array([1.0, 0.5, 2.0])
    quotient, rest = np.polydiv(u, v)
    assert quotient.tolist() == [0.0]
    np.sum(rest).backward()
    assert u.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("op", [np.median, np.quantile, np.cumprod, np.convolve, np.var])
def test_a_million_entries_take_no_longer_than_sorting_them(op: Any) -> None:
    """A rule that is quadratic would need hours."""
    x = RNG.normal(size=100_000 if op is np.convolve else 1_000_000) + 1
    extra = {np.quantile: (0.3,), np.convolve: (np.ones(5),)}.get(op, ())
    gradient = ag.grad(lambda x: np.sum(op(x, *extra)))(x if op is not np.cumprod else x / x)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "op",
    [np.sum, np.prod, np.cumsum, np.cumprod, np.nansum, np.diff, np.ediff1d, np.fft.fftshift],
    ids=lambda op: op.__name__,
)
def test_empty_arrays(op: Any) -> None:
    x = ag.Tensor(np.zeros((0,)), requires_grad=True)
    np.sum(op(x)).backward()
    assert x.grad is not None and x.grad.shape == (0,)


def test_running_methods_are_the_functions() -> None:
    x = ag.Tensor(REAL, requires_grad=True)
    np.testing.assert_array_equal(x.cumsum().numpy(), np.cumsum(REAL))
    np.testing.assert_array_equal(x.cumprod(axis=1).numpy(), np.cumprod(REAL, axis=1))


def test_polyfit_warns_of_what_is_not_determined() -> None:
    x = ag.Tensor([1.0, 1.0, 1.0], requires_grad=True)
    with pytest.warns(np.exceptions.RankWarning):
        np.polyfit(x, np.array([1.0, 2.0, 4.0]), 1)
    with pytest.raises(UnsupportedError, match="without full and cov"):
        np.polyfit(x, x, 1, full=True)
