"""Convolution and correlation are linear in each argument; interpolation is so in its table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag

A, V = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.5, 1.0, -1.5])


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("op", [np.convolve, np.correlate])
def test_the_jacobian_has_the_response_to_each_impulse(op: Any, mode: Any, size: int) -> None:
    """With an odd and an even number of entries that "same" leaves out."""
    v = V[:size]
    responses = np.stack([op(e, v, mode) for e in np.eye(A.size)], axis=1)
    np.testing.assert_array_equal(ag.jacobian(lambda a: op(a, v, mode))(A), responses)
    responses = np.stack([op(A, e, mode) for e in np.eye(size)], axis=1)
    np.testing.assert_array_equal(ag.jacobian(lambda v: op(A, v, mode))(v), responses)


def test_interpolation_between_two_entries_of_a_table() -> None:
    places = np.array([0.0, 1.0, 2.0, 4.0])
    assert ag.grad(lambda x: np.interp(x, places, A))(3.0) == 1.25  # (3 - 0.5) / 2
    assert ag.grad(lambda table: np.interp(3.5, places, table))(A).tolist() == [0.0, 0.0, 0.25, 0.75]
