"""Fourier transforms: Parseval, and the transposed matrix of the transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag

X = np.array([0.3, -1.2, 2.0, 0.7, -0.4, 1.1])


def test_the_energy_is_that_of_the_signal() -> None:
    gradient = ag.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(X)
    np.testing.assert_allclose(gradient, 2 * X.size * X, rtol=1e-13)


@pytest.mark.parametrize("op", [np.fft.fft, np.fft.ifft, np.fft.rfft])
def test_the_jacobian_is_the_matrix_of_the_transform(op: Any) -> None:
    matrix = op(np.eye(X.size), axis=0)
    for part in (np.real, np.imag):
        jacobian = ag.jacobian(lambda x, part=part: part(op(x)))(X)
        np.testing.assert_allclose(jacobian, part(matrix), atol=1e-15)


def test_there_and_back_is_the_identity() -> None:
    weights = np.arange(6.0)
    gradient = ag.grad(lambda x: np.sum(weights * np.fft.irfft(np.fft.rfft(x), X.size)))(X)
    np.testing.assert_allclose(gradient, weights, atol=1e-14)
