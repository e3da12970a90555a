"""Programs that use `autograd.scipy`, under both libraries."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hips.checking import right_gradient, same_numbers
from tests.hips.programs import Program
from tests.hips.scipy_programs import SCIPY_PROGRAMS

pytest.importorskip("scipy")

by_program = pytest.mark.parametrize("program", SCIPY_PROGRAMS, ids=lambda program: program.__name__)


@by_program
def test_the_program_gives_the_numbers_of_autograd(program: Program) -> None:
    same_numbers(program)


@by_program
def test_the_gradient_of_the_program_is_right(program: Program) -> None:
    right_gradient(program)


def test_distributions_are_modules() -> None:
    import autograd_lite.hips.scipy.stats.norm as norm
    from autograd_lite.hips.scipy.stats.multivariate_normal import logpdf

    assert norm.logpdf(0.0) == pytest.approx(logpdf(np.zeros(2), np.zeros(2), np.eye(2)) / 2)
