"""Large arrays: the native library computes in one pass what NumPy computes in several."""

import mpmath
import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.ops import passes, slopes, special

rng = np.random.default_rng(0)
N = 1 << 15
FAR = np.array([0.0, -0.0, 1e-300, -1e-3, 20, -20, 88, -88, 700, -700, np.inf, -np.inf, np.nan])

ONES = mpmath.mpf(1)
TRUTH = {
    special.softplus: lambda x: mpmath.log1p(mpmath.exp(x)),
    special.erf: mpmath.erf,
    slopes.times_gauss: lambda x: 3 * mpmath.exp(-x * x),
}


def points(dtype):
    x = np.concatenate([rng.normal(size=N) * 5, np.linspace(-90, 90, N)]).astype(dtype)
    with np.errstate(all="ignore"):
        x[: len(FAR)] = FAR.astype(dtype)
    return x


def args_of(op, x):
    return (np.full_like(x, 3), x) if op is slopes.times_gauss else (x,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", TRUTH, ids=lambda op: op.__name__)
@mpmath.workdps(40)
def test_a_large_array_is_exact(op, dtype):
    x = points(dtype)
    with np.errstate(all="ignore"):
        y = op(*args_of(op, x))
        few = np.concatenate([op(*args_of(op, x[:200])), op(*args_of(op, x[-200:]))])
    some = np.r_[:200, len(x) - 200 : len(x)]
    assert y.dtype == dtype and y.shape == x.shape
    strange = ~np.isfinite(few)
    np.testing.assert_array_equal(y[some][strange], few[strange])
    for i in some[np.isfinite(x[some]) & ~strange]:
        exact = TRUTH[op](mpmath.mpf(float(x[i])))
        if abs(exact) >= np.finfo(dtype).tiny:
            unit = mpmath.mpf(float(np.spacing(np.abs(dtype(exact)))))
            assert abs(mpmath.mpf(float(y[i])) - exact) <= 8 * unit, (x[i], y[i])


@pytest.mark.skipif(passes._library() is None, reason="no native library")
def test_the_library_computes_it(monkeypatch):
    x, used = rng.normal(size=(128, N // 128)), []
    program = passes._program
    monkeypatch.setattr(passes, "_program", lambda *args: used.append(args[0]) or program(*args))
    ag.grad(lambda x: np.sum(ag.softplus(ag.erf(x))))(x)
    assert sorted(used) == ["erf", "softplus", "times_gauss"]
    for other in (x[:, ::2], x.T, x[:64], x.astype(np.float16), x.astype(">f8")):
        ag.softplus(other)
    assert used.count("softplus") == 1


def test_without_the_library_numpy_computes_the_same(monkeypatch):
    x = points(float)[len(FAR) :]
    f = ag.value_and_grad(lambda x: np.sum(ag.softplus(x) + ag.erf(x)))
    expected = f(x)
    monkeypatch.setattr(passes, "_program", lambda *args: None)
    for got, want in zip(f(x), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_numpy_warns_where_warnings_are_heard():
    g, x = np.full(N, np.inf), np.full(N, 1000.0)
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        slopes.times_gauss(g, x)
    with np.errstate(all="ignore"):
        assert np.isnan(slopes.times_gauss(g, x)).all()


def test_an_exact_plan_has_the_eager_bits():
    x = rng.normal(size=2 * N)
    f = ag.value_and_grad(lambda x: np.sum(ag.softplus(x) * ag.sigmoid(x) * ag.erf(x)))
    exact = ag.compile(f, exact=True)
    for _ in range(3):
        for got, want in zip(exact(x), f(x), strict=True):
            np.testing.assert_array_equal(got, want)
