"""Convolution of small maps with many channels: the sums that the windows define, and who is asked."""

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn.kernels import conv, small_maps
from nn.kernels.windows import Windows

rng = np.random.default_rng(0)

CASES = {
    "3x3": ((4, 4), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "strided": ((8, 7), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)),
    "1x1": ((5, 4), (1, 1), (2, 1), ((0, 0), (0, 0)), (1, 1)),
    "dilated, uneven padding": ((6, 5), (2, 3), (1, 2), ((0, 2), (1, 3)), (2, 1)),
    "one axis": ((9,), (4,), (2,), ((3, 0),), (1,)),
    "three axes": ((3, 4, 2), (2, 2, 2), (1, 2, 1), ((1, 0), (0, 1), (0, 0)), (1, 1, 1)),
}


def sums(windows):
    """All terms: the number of a window, of an entry of the kernel, and of the entry of x below it."""
    places = list(np.ndindex(*windows.out))
    for at, place in enumerate(places):
        for k, offset in enumerate(np.ndindex(*windows.kernel)):
            spot = [
                s * p + d * o - before
                for s, p, d, o, (before, _) in zip(
                    windows.stride, place, windows.dilation, offset, windows.padding, strict=True
                )
            ]
            if all(0 <= i < n for i, n in zip(spot, windows.size, strict=True)):
                yield at, k, np.ravel_multi_index(spot, windows.size)


@pytest.mark.parametrize("block", [1, small_maps.BLOCK], ids=["in blocks", "at once"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_three_maps_are_the_sums_over_windows(case, dtype, block, monkeypatch):
    monkeypatch.setattr(small_maps, "BLOCK", block)
    windows, n, c, o = Windows(*case), 11, 3, 5
    draw = lambda *shape: rng.integers(-3, 4, shape).astype(dtype)  # the sums are exact
    x, w, g = draw(n, c, *windows.size), draw(o, c, *windows.kernel), draw(n, o, *windows.out)
    y, dx, dw = np.zeros_like(g), np.zeros_like(x), np.zeros_like(w)
    flat = [a.reshape(*a.shape[:2], -1) for a in (x, w, g, y, dx, dw)]
    for at, k, spot in sums(windows):
        flat[3][..., at] += flat[0][..., spot] @ flat[1][..., k].T
        flat[4][..., spot] += flat[2][..., at] @ flat[1][..., k]
        flat[5][..., k] += flat[2][..., at].T @ flat[0][..., spot]
    np.testing.assert_array_equal(small_maps.convolved(x, w, windows), y)
    np.testing.assert_array_equal(small_maps.input_gradient(g, w, windows), dx)
    np.testing.assert_array_equal(small_maps.weight_gradient(g, x, w.shape, windows), dw)


def test_small_maps_with_many_channels_come_here(monkeypatch):
    """All three maps, whether there are native kernels or not; with groups or few images they do not."""
    asked = []
    for name in ("convolved", "input_gradient", "weight_gradient"):
        real = getattr(small_maps, name)
        spy = lambda *args, name=name, real=real: (asked.append(name), real(*args))[1]
        monkeypatch.setattr(small_maps, name, spy)
    w = rng.normal(size=(128, 128, 3, 3)).astype(np.float32)

    def run(number, size, groups=1):
        asked.clear()
        x = rng.normal(size=(number, 128 * groups, size, size)).astype(np.float32)
        f = lambda x, w: nn.functional.conv2d(x, w, padding=1, groups=groups)
        y, pullback = ag.vjp(f, x, np.concatenate([w] * groups))
        pullback(np.ones_like(y))
        return set(asked)

    assert run(8, 4) == {"convolved", "input_gradient", "weight_gradient"}
    assert run(2, 4) == run(8, 5) == run(8, 4, groups=2) == set()


def test_a_bias_is_added():
    x, w = rng.normal(size=(8, 128, 2, 2)), rng.normal(size=(1024, 128, 1, 1))
    b, windows = rng.normal(size=1024), Windows((2, 2), (1, 1))
    assert small_maps.is_small(len(x), w.shape, windows, 1)
    want = np.einsum("oc,nchw->nohw", w[:, :, 0, 0], x) + b[:, None, None]
    np.testing.assert_allclose(conv.convolved(x, w, b, windows, 1), want, rtol=1e-11, atol=1e-11)
    g, c = rng.normal(size=(8, 1024, 2, 2)), rng.normal(size=128)
    want = np.einsum("oc,nohw->nchw", w[:, :, 0, 0], g) + c[:, None, None]
    np.testing.assert_allclose(conv.input_gradient(g, w, c, windows, 1), want, rtol=1e-11, atol=1e-11)
