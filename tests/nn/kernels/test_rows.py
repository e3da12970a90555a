"""Softmax and log-softmax along rows are exact to 8 units in the last place, derivatives too."""

import numpy as np
import pytest

import autograd_lite as ag
import nn

F = nn.functional
rng = np.random.default_rng(0)
POINTS = {
    "usual": rng.normal(size=(40, 10)) * 3,
    "long": rng.normal(size=(3, 3000)) * 3,
    "sure": np.array([[40.0, 0.0, 1.0], [0.0, 90.0, 3.0], [-60.0, -60.5, -80.0]]),
    "huge": np.array([[3e4, 3e4 - 1, -3e4], [-7e3, -7e3 - 5, -7e3]]),
    "ties": np.array([[2.0, 2.0, 2.0, -1.0], [0.0, 0.0, 0.0, 0.0]]),
    "one": np.array([[3.7], [-900.0]]),
}


def close(got, exact, ulps=8):
    assert np.all(
        np.abs(got - exact) <= ulps * np.spacing(np.abs(exact).astype(got.dtype)).astype(exact.dtype)
    )


def exact_softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("point", POINTS)
def test_softmax_in_single_precision(point):
    x = POINTS[point].astype(np.float32)
    p = exact_softmax(x.astype(float))
    normal = p > np.finfo(np.float32).tiny
    close(F.softmax(x, -1)[normal], p[normal])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("point", POINTS)
def test_rows_are_what_the_ops_of_the_engine_are(point, dtype):
    x = POINTS[point].astype(dtype)
    g = rng.normal(size=x.shape).astype(dtype)
    for ours, op in ((F.softmax, ag.softmax), (F.log_softmax, ag.log_softmax)):
        (y, pull), (z, pull_z) = ag.vjp(lambda v, f=ours: f(v, -1), x), ag.vjp(op, x)
        limit = 16 * np.finfo(dtype).eps
        assert y.dtype == dtype
        np.testing.assert_allclose(y, z, rtol=limit, atol=np.finfo(dtype).tiny)
        np.testing.assert_allclose(pull(g)[0], pull_z(g)[0], rtol=0, atol=limit * np.abs(g).sum())


def test_a_sure_probability_keeps_the_digits_of_its_gradient():
    exact = np.exp(-40.0) / (1 + np.exp(-40.0)) ** 2
    for f in (F.softmax, F.log_softmax):
        gx = ag.grad(lambda x, f=f: f(x, -1)[0])(np.array([40.0, 0.0]))
        np.testing.assert_allclose(gx, [exact, -exact], rtol=1e-14)


def test_half_precision_integers_and_other_axes():
    x = rng.normal(size=(3, 4))
    assert F.softmax(x.astype(np.float16), 1).dtype == np.float16
    np.testing.assert_allclose(F.softmax(x.astype(np.float16), 1), exact_softmax(x), rtol=5e-3)
    np.testing.assert_allclose(F.softmax(x.astype(int), 1), exact_softmax(x.astype(int)), rtol=1e-14)
    np.testing.assert_allclose(F.softmax(x, 0), exact_softmax(x.T).T, rtol=1e-14)
    assert F.softmax(np.array(2.0), 0) == 1 and F.softmax(np.zeros((2, 0)), 1).shape == (2, 0)


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_the_derivatives(f, check_grads):
    check_grads(lambda x: f(x, -1), (rng.normal(size=(3, 5)),))


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_rows_in_a_batch(f):
    x = rng.normal(size=(4, 3, 5))
    np.testing.assert_allclose(ag.vmap(lambda v: f(v, -1))(x), f(x, -1), rtol=1e-13)
