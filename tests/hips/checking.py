"""What is asked of each program: the numbers of HIPS/autograd, and a right gradient."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

from autograd_lite import tree
from autograd_lite.hips.misc.flatten import flatten
from autograd_lite.testing import check_grads
from tests.hips.programs import Program, library


@functools.cache
def ours(program: Program) -> Any:
    return program(library("autograd_lite.hips"))


def same_numbers(program: Program) -> None:
    """Both libraries give the same numbers, to 1e-6."""
    pytest.importorskip("autograd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other library warns of outputs independent of inputs
        theirs = program(library("autograd"))
    assert tree.skeleton(ours(program)[0]) == tree.skeleton(theirs[0])
    for a, b in zip(flatten(ours(program)[0])[0], flatten(theirs[0])[0], strict=True):
        assert np.isclose(a, b, rtol=1e-6, atol=1e-9)


def right_gradient(program: Program) -> None:
    """The gradient along one direction is that of finite differences."""
    _, loss, at = ours(program)
    vector, unflatten = flatten(at)
    along = np.cos(1.0 + np.arange(vector.size))
    check_grads(lambda t: loss(unflatten(vector + t * along)), (0.0,), order=1, modes=("rev",))
