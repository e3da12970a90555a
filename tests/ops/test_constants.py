"""Ops that are constant between jumps carry no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag

X = [-1.5, 0.25, 2.5]


@pytest.mark.parametrize("op", [np.floor, np.ceil, np.trunc, np.sign, np.argmax, np.isfinite, np.argsort])
def test_the_result_is_a_plain_array_with_numpys_numbers(op: Any) -> None:
    y = op(ag.Tensor(X, requires_grad=True))
    assert not isinstance(y, ag.Tensor)
    np.testing.assert_array_equal(y, op(np.array(X)))


def test_nothing_flows_back_through_a_constant() -> None:
    gradient = ag.grad(lambda x: np.sum(x * np.floor(x)))(np.array(X))
    np.testing.assert_array_equal(gradient, np.floor(X))
