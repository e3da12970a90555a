"""Ranges of numbers between two recorded ends."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag


@pytest.mark.parametrize("endpoint", [True, False])
def test_the_ends_of_a_range_share_each_number(endpoint: bool) -> None:
    to_start, to_stop = (
        ag.jacobian(lambda a, b: np.linspace(a, b, 5, endpoint=endpoint), argnums=i)(1.0, 3.0) for i in (0, 1)
    )
    share = np.arange(5) / (4 if endpoint else 5)
    np.testing.assert_allclose(to_stop, share, atol=1e-15)
    np.testing.assert_allclose(to_start, 1 - share, atol=1e-15)


def test_a_geometric_range_is_linear_in_the_logs() -> None:
    log_jacobian = ag.jacobian(lambda a: np.log(np.geomspace(np.exp(a), 8.0, 4)))(0.3)
    np.testing.assert_allclose(log_jacobian, 1 - np.arange(4) / 3, atol=1e-14)


def test_powers_of_a_range() -> None:
    gradient = ag.grad(lambda b: np.sum(np.logspace(0.0, b, 3)))(2.0)
    assert gradient == pytest.approx(np.log(10) * (0.5 * 10 + 100), rel=1e-14)
