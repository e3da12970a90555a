"""The affine map and shared matrix products, against their definitions."""

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.testing import check_grads
from nn.functional.linear import affine
from nn.kernels import linear as kernels
from nn.kernels import threads

rng = np.random.default_rng(0)


@pytest.fixture(params=["by BLAS", "whole", "on three threads"])
def road(request, monkeypatch):
    """Threads are for large products; here small ones take that road too."""
    monkeypatch.setattr(kernels, "started", lambda: request.param != "by BLAS")
    monkeypatch.setattr(kernels, "WIDE", 1 << 16 if request.param == "whole" else 0)
    if request.param == "on three threads":
        monkeypatch.setattr(kernels, "SMALL", 0)
        monkeypatch.setattr(threads, "_blas_threads", lambda: (lambda: 3, lambda n: None))


@pytest.mark.parametrize("shape", [(7, 3), (2, 3), (3, 7), (0, 3), (3, 0), (1, 1)])
def test_products(road, shape):
    a, b = rng.normal(size=(shape[0], 5)), rng.normal(size=(shape[1], 5)).T
    np.testing.assert_allclose(kernels.product(a, b), a @ b, rtol=1e-13)
    assert kernels.product(a.astype(np.float32), b.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("batch", [(), (5,), (2, 5), (0,)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_the_kernel_is_its_definition(road, batch, bias):
    x, w, b = rng.normal(size=(*batch, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    args = (x, w, b) if bias else (x, w)
    results = []
    for f in (affine, affine.__wrapped__):
        y, pull = ag.vjp(lambda *xs, f=f: f(*xs, *([] if bias else [None])), *args)
        results.append((y, *pull(np.cos(np.arange(y.size)).reshape(y.shape))))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-14)


def test_derivatives_of_both_orders(road):
    x, w, b = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    check_grads(lambda *xs: np.tanh(affine(*xs)), (x, w, b), order=2)
    check_grads(affine, (x + 1j * rng.normal(size=x.shape), w, b - 2j), order=1, modes=("rev",))


def test_dtypes_are_promoted_as_numpy_does():
    x, w, b = np.ones((2, 3), np.float32), np.ones((4, 3), np.float32), np.ones(4, np.float64)
    assert affine(x, w, None).dtype == np.float32
    assert affine(x, w, b).dtype == np.float64
    g = ag.grad(lambda w: np.sum(affine(x, w, b)))(w)
    assert g.dtype == np.float32


def test_the_bias_gradient_of_half_precision_is_summed_in_single():
    x, w = np.ones((4096, 1), np.float16), np.ones((2, 1), np.float16)
    _, residuals = kernels.linear(x, w, np.zeros(2, np.float16))
    pulled = kernels.linear_backward(np.ones((4096, 2), np.float16), residuals, (False, False, True))
    assert pulled[2].tolist() == [4096, 4096]
