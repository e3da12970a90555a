"""Ops that select entries: an entry that was not selected sends nothing back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag

X = np.array([-1.0, 0.0, 4.0])


def test_a_branch_that_was_not_taken_sends_no_nan() -> None:
    with np.errstate(all="ignore"):
        gradient = ag.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(X)
    assert gradient.tolist() == [0.0, 0.0, 0.25]


@pytest.mark.parametrize("op", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_ties_are_shared(op: Any) -> None:
    assert ag.grad(op, argnums=(0, 1))(2.0, 2.0) == (0.5, 0.5)


def test_relu_and_clip_at_their_corners() -> None:
    assert ag.grad(lambda x: np.sum(ag.relu(x)))(X).tolist() == [0.0, 0.0, 1.0]
    assert ag.grad(lambda x: np.sum(np.clip(x, -2.0, 2.0)))(X).tolist() == [1.0, 1.0, 0.0]


def test_select_takes_the_first_condition_that_holds() -> None:
    gradient = ag.grad(lambda x: np.sum(np.select([x < 0, x < 1], [3 * x, 5 * x], 7 * x)))(X)
    assert gradient.tolist() == [3.0, 5.0, 7.0]
