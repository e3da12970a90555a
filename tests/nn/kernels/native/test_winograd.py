"""Winograd's convolution: its error, what it leaves to the direct kernel, and that it runs at all."""

import numpy as np
import pytest

from nn.kernels import native, threads
from nn.kernels.native import winograd
from nn.kernels.windows import Windows

pytestmark = pytest.mark.skipif(native.library() is None, reason=f"native kernels: {native.state()}")

rng = np.random.default_rng(0)
WINDOWS = Windows((20, 13), (3, 3), padding=((1, 1), (1, 1)))


def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)


def maps(x, w, g, windows):
    """The three maps by this algorithm, and their NumPy twins in double precision."""
    wide = [a.astype(float) for a in (x, w, g)]
    yield winograd.convolved(x, w, None, windows, 1), ("convolved", wide[0], wide[1], None, windows, 1)
    yield (
        winograd.input_gradient(g, w, None, windows, 1),
        ("input_gradient", wide[2], wide[1], None, windows, 1),
    )
    yield (
        winograd.weight_gradient(g, x, w.shape, windows, 1),
        ("weight_gradient", wide[2], wide[0], w.shape, windows, 1),
    )


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [64, 256])
def test_results_are_right_to_1e_5_of_the_largest(channels, count, monkeypatch):
    monkeypatch.setattr(threads, "_blas_threads", lambda: (lambda: count, lambda n: None))
    monkeypatch.setattr(winograd, "SMALL", 0)
    x, w, g = normal(5, channels, 20, 13), normal(64, channels, 3, 3), normal(5, 64, 20, 13)
    for y, (name, *args) in maps(x, w, g, WINDOWS):
        exact = native.TABLE[name][1](*args)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, exact, rtol=0, atol=1e-5 * np.abs(exact).max())


def test_the_kernels_of_convolution_use_it(monkeypatch):
    used = []
    for name in ("convolved", "input_gradient", "weight_gradient"):
        kernel = getattr(winograd, name)
        monkeypatch.setattr(winograd, name, lambda *args, k=kernel: used.append(k.__name__) or k(*args))
    x, w, g = normal(8, 64, 16, 16), normal(64, 64, 3, 3), normal(8, 64, 16, 16)
    windows = Windows((16, 16), (3, 3), padding=((1, 1), (1, 1)))
    native.TABLE["convolved"][0](x, w, None, windows, 1)
    native.TABLE["input_gradient"][0](g, w, None, windows, 1)
    native.TABLE["weight_gradient"][0](g, x, w.shape, windows, 1)
    assert used == ["convolved", "input_gradient", "weight_gradient"]


def test_what_is_not_finite_is_left_to_the_direct_kernel():
    x, w, g = normal(4, 64, 20, 13), normal(64, 64, 3, 3), normal(4, 64, 20, 13)
    for value in (np.nan, np.inf, 3e38):
        spoilt = x.copy()
        spoilt[1, 3, 7, 7] = value
        assert winograd.convolved(spoilt, w, None, WINDOWS, 1) is NotImplemented
        assert winograd.weight_gradient(g, spoilt, w.shape, WINDOWS, 1) is NotImplemented
        spoilt = g.copy()
        spoilt[1, 3, 7, 7] = value
        assert winograd.input_gradient(spoilt, w, None, WINDOWS, 1) is NotImplemented


def test_what_it_serves():
    x, w = normal(8, 64, 20, 13), normal(64, 64, 3, 3)
    serves = lambda x, w, windows=WINDOWS, groups=1: (
        winograd.convolved(x, w, None, windows, groups) is not NotImplemented
    )
    assert serves(x, w)
    for windows in (
        Windows((20, 13), (3, 3), (2, 2)),
        Windows((20, 13), (3, 3), dilation=(1, 2)),
        Windows((20, 13), (5, 3)),
        Windows((20, 13), (3, 3), padding=((3, 0), (0, 0))),
        Windows((20, 1025), (3, 3)),
        Windows((4, 20, 13), (1, 3, 3)),
    ):
        assert not serves(x, w, windows)
    assert not serves(x[:1], w) and not serves(x, w, groups=2)
    assert not serves(x[:, :16], w[:, :16]) and not serves(x[:, :32], w[:32, :32])
    assert not serves(x.astype(float), w.astype(float)) and not serves(x.astype(">f4"), w.astype(">f4"))
