"""Convolution: SciPy's values, and derivatives against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import OptionError, ShapeError
from autograd_lite.testing import check_grads

scipy_signal = pytest.importorskip("scipy.signal", reason="SciPy is not installed")
signal: Any = ag.scipy.signal

_rng = np.random.default_rng(4)


def draw(*shape: int) -> Any:
    return _rng.normal(size=shape)


@pytest.mark.few(7)
@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("shapes", [((5,), (3,)), ((3,), (5,)), ((4, 5), (2, 3)), ((2, 2), (3, 4)), ((), ())])
def test_all_axes(shapes: Any, mode: str, method: str) -> None:
    a, b = (draw(*shape) for shape in shapes)
    want = scipy_signal.convolve(a, b, mode, method)
    np.testing.assert_allclose(signal.convolve(a, b, mode, method), want, rtol=1e-12, atol=1e-13)
    check_grads(lambda a, b: signal.convolve(a, b, mode, method), (a, b), order=1, directions=1)


@pytest.mark.few(5)
@pytest.mark.parametrize("method", ["direct", "auto"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_some_axes(mode: str, method: str) -> None:
    """Images (n, c, h, w) with filters (c, k, h, w), as in a convolutional network."""
    images, filters = draw(2, 3, 4, 5), draw(3, 2, 2, 3)

    def f(images: Any, filters: Any) -> Any:
        return signal.convolve(images, filters, mode, method, axes=([2, 3], [2, 3]), dot_axes=([1], [0]))

    want = [
        [sum(scipy_signal.convolve(i[c], filters[c, k], mode) for c in range(3)) for k in range(2)]
        for i in images
    ]
    np.testing.assert_allclose(f(images, filters), want, rtol=1e-11, atol=1e-12)
    check_grads(f, (images, filters), directions=1)


def test_a_batch_of_kernels() -> None:
    a, kernels = draw(6), draw(4, 3)
    got = ag.vmap(lambda k: signal.convolve(a, k, "valid"))(kernels)
    np.testing.assert_allclose(got, [np.convolve(a, k, "valid") for k in kernels], rtol=1e-12)


def test_errors() -> None:
    with pytest.raises(OptionError, match='expected "full", "same" or "valid"'):
        signal.convolve(draw(3), draw(2), "periodic")
    with pytest.raises(ShapeError, match="different numbers of axes"):
        signal.convolve(draw(3, 3), draw(2))
    with pytest.raises(ShapeError, match="at least as large"):
        signal.convolve(draw(3, 2), draw(2, 3), "valid")
