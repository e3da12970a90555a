"""Densities and distribution functions: SciPy's values, and derivatives against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import MissingAttributeError, ShapeError, UnsupportedError
from autograd_lite.testing import check_grads

scipy_stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
stats: Any = ag.scipy.stats

LINE = np.array([-2.3, -0.4, 0.6, 3.1])
HALF = np.array([0.2, 0.9, 2.1])
UNIT = np.array([0.15, 0.5, 0.85])
COUNTS = np.array([0.0, 1.0, 2.0, 4.0])

CONTINUOUS: dict[str, tuple[Any, tuple[float, ...]]] = {
    "norm": (LINE, ()),
    "t": (LINE, (3.7,)),
    "cauchy": (LINE, ()),
    "laplace": (LINE, ()),
    "logistic": (LINE, ()),
    "gumbel_r": (LINE, ()),
    "expon": (HALF, ()),
    "gamma": (HALF, (1.7,)),
    "chi2": (HALF, (3.3,)),
    "invgamma": (HALF, (2.4,)),
    "lognorm": (HALF, (0.8,)),
    "weibull_min": (HALF, (1.6,)),
    "halfnorm": (HALF, ()),
    "pareto": (HALF + 1, (2.2,)),
    "uniform": (UNIT, ()),
    "beta": (UNIT, (1.4, 2.6)),
}
DISCRETE: dict[str, tuple[Any, tuple[float, ...]]] = {
    "bernoulli": (COUNTS[:2], (0.3,)),
    "binom": (COUNTS, (5.0, 0.3)),
    "geom": (COUNTS[1:], (0.3,)),
    "nbinom": (COUNTS, (2.5, 0.4)),
    "poisson": (COUNTS, (1.8,)),
}
LOC, SCALE = 0.3, 1.7


def test_the_tables_are_complete() -> None:
    named = {name for name in stats.__all__ if isinstance(getattr(stats, name), stats.Distribution)}
    assert named == CONTINUOUS.keys() | DISCRETE.keys()


def compared(name: str, functions: str, args: tuple[Any, ...], rtol: float) -> None:
    for function in functions.split():
        ours, theirs = getattr(getattr(stats, name), function), getattr(getattr(scipy_stats, name), function)
        np.testing.assert_allclose(ours(*args), theirs(*args), rtol=rtol, err_msg=function)


def together(name: str, functions: str, *args: Any) -> Any:
    return np.stack([getattr(getattr(stats, name), function)(*args) for function in functions.split()])


OF_DENSITIES, OF_COUNTS = "logpdf pdf cdf sf logcdf logsf", "logpmf pmf cdf sf logcdf"
ORDERS = pytest.mark.parametrize("order", [1, pytest.param(2, marks=pytest.mark.slow)])


@pytest.mark.few(5)
@ORDERS
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name: str, order: int) -> None:
    z, shapes = CONTINUOUS[name]
    args = (LOC + SCALE * z, *shapes, LOC, SCALE)
    compared(name, OF_DENSITIES, args, 1e-13)
    check_grads(lambda *args: together(name, OF_DENSITIES, *args), args, order=order, directions=1)


@pytest.mark.few(3)
@ORDERS
@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name: str, order: int) -> None:
    k, shapes = DISCRETE[name]
    compared(name, OF_COUNTS, (k + 2, *shapes, 2), 1e-12)
    compared(name, "logsf", (k[:-1], *shapes), 1e-12)  # at the last one it may be the logarithm of 0
    n = shapes[:1] if name == "binom" else ()  # an integer
    rest = shapes[len(n) :]
    check_grads(lambda *rest: together(name, OF_COUNTS, k, *n, *rest), rest, order=order, directions=1)


@pytest.mark.few(4)
@np.errstate(all="ignore")  # SciPy's own functions at infinity
@pytest.mark.parametrize("name", [*CONTINUOUS, *DISCRETE])
def test_outside_of_the_support(name: str) -> None:
    _, shapes = {**CONTINUOUS, **DISCRETE}[name]
    kind = "pdf" if name in CONTINUOUS else "pmf"
    x = np.array([-3.0, -0.5, 0.0, 0.5, 1.0, 1.5, 7.0])
    ours, theirs = getattr(stats, name), getattr(scipy_stats, name)
    for function in (kind, f"log{kind}", "cdf", "sf"):
        got, want = getattr(ours, function)(x, *shapes), getattr(theirs, function)(x, *shapes)
        np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-16, err_msg=function)
    far = np.array([-np.inf, np.inf])
    assert getattr(ours, kind)(far, *shapes).tolist() == [0, 0]
    assert ours.cdf(far, *shapes).tolist() == [0, 1] and ours.sf(far, *shapes).tolist() == [1, 0]
    if shapes:
        outside = np.array([-3.0, -7.5])
        gradient = ag.grad(lambda *a: np.sum(getattr(ours, kind)(outside, *a)), len(shapes) - 1)(*shapes)
        assert np.isfinite(gradient)


@pytest.mark.few(4)
@pytest.mark.parametrize("name", [n for n in CONTINUOUS if "ppf" in getattr(stats, n)._more])
def test_quantiles(name: str) -> None:
    _, shapes = CONTINUOUS[name]
    ours, theirs = getattr(stats, name), getattr(scipy_stats, name)
    np.testing.assert_allclose(
        ours.ppf(UNIT, *shapes, LOC, SCALE), theirs.ppf(UNIT, *shapes, LOC, SCALE), rtol=1e-12
    )
    check_grads(ours.ppf, (UNIT, *shapes, LOC, SCALE), order=1, directions=1)


def test_arguments_as_in_scipy() -> None:
    x = np.array([0.5, 1.5])
    want = scipy_stats.gamma.logpdf(x, 2.0, loc=0.1, scale=3.0)
    for got in (
        stats.gamma.logpdf(x, 2.0, 0.1, 3.0),
        stats.gamma.logpdf(x, a=2.0, loc=0.1, scale=3.0),
        stats.gamma(2.0, loc=0.1, scale=3.0).logpdf(x),
    ):
        np.testing.assert_allclose(got, want, rtol=1e-14)
    assert stats.gamma(2.0).mean() == 2.0
    assert stats.norm.rvs(size=3, random_state=0).shape == (3,)
    with pytest.raises(UnsupportedError, match=r"gamma takes \(x, a, loc, scale\); missing are \['a'\]"):
        stats.gamma.logpdf(x)
    with pytest.raises(MissingAttributeError, match="optimize.root"):
        stats.t.ppf(0.5, 3.0)


def test_several_variables() -> None:
    rng = np.random.default_rng(0)
    x, mean, root = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(3, 3)) + 3 * np.eye(3)
    cov = root @ root.T
    normal, dirichlet = stats.multivariate_normal, stats.dirichlet
    for args in [
        (x, mean, cov),
        (x[0], mean, cov),
        (x, mean, cov[0, 0]),
        (x[:, 0], 0.3, 2.0),
        (x, mean, mean**2),
    ]:
        want = scipy_stats.multivariate_normal.logpdf(*args)
        np.testing.assert_allclose(normal.logpdf(*args), want, rtol=1e-12)
    check_grads(lambda x, m, r: normal.logpdf(x, m, r @ r.T), (x, mean, root), order=1, directions=1)
    alpha, p = np.array([1.4, 2.5, 0.7]), np.array([[0.2, 0.3], [0.5, 0.4], [0.3, 0.3]])
    for points in (p, p[:, 0], p[:2]):
        np.testing.assert_allclose(
            dirichlet.logpdf(points, alpha), scipy_stats.dirichlet.logpdf(points, alpha), rtol=1e-12
        )
    check_grads(dirichlet.logpdf, (p[:2], alpha), order=1, directions=1)
    np.testing.assert_allclose(dirichlet(alpha).pdf(p), scipy_stats.dirichlet.pdf(p, alpha), rtol=1e-12)
    with pytest.raises(ShapeError, match="expected 3, or 2 without the last"):
        dirichlet.logpdf(p[:1], alpha)
