"""Programs for HIPS/autograd under both libraries, and each gradient against finite differences."""

from __future__ import annotations

import functools
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from autograd_lite import tree
from autograd_lite.hips.misc.flatten import flatten
from autograd_lite.testing import check_grads
from tests.hips.programs import PROGRAMS, Program, library
from tests.hips.scipy_programs import SCIPY_PROGRAMS

with_scipy = pytest.mark.skipif(find_spec("scipy") is None, reason="the program uses SciPy")

by_program = pytest.mark.parametrize(
    "program",
    [*PROGRAMS, *(pytest.param(program, marks=with_scipy) for program in SCIPY_PROGRAMS)],
    ids=lambda program: f"{program.__module__.rpartition('.')[2]}-{program.__name__}",
)


@functools.cache
def ours(program: Program) -> Any:
    return program(library("autograd_lite.hips"))


@by_program
def test_the_program_gives_the_numbers_of_autograd(program: Program) -> None:
    pytest.importorskip("autograd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other library warns of outputs independent of inputs
        theirs = program(library("autograd"))
    assert tree.skeleton(ours(program)[0]) == tree.skeleton(theirs[0])
    for a, b in zip(flatten(ours(program)[0])[0], flatten(theirs[0])[0], strict=True):
        assert np.isclose(a, b, rtol=1e-6, atol=1e-9)


@by_program
def test_the_gradient_of_the_program_is_right(program: Program) -> None:
    """Along one direction, by finite differences."""
    _, loss, at = ours(program)
    vector, unflatten = flatten(at)
    along = np.cos(1.0 + np.arange(vector.size))
    check_grads(lambda t: loss(unflatten(vector + t * along)), (0.0,), order=1, modes=("rev",))


@with_scipy
def test_distributions_are_modules() -> None:
    import autograd_lite.hips.scipy.stats.norm as norm
    from autograd_lite.hips.scipy.stats.multivariate_normal import logpdf

    assert norm.logpdf(0.0) == pytest.approx(logpdf(np.zeros(2), np.zeros(2), np.eye(2)) / 2)
