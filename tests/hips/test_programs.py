"""Programs for HIPS/autograd under both libraries, and each gradient against finite differences."""

from __future__ import annotations

import pytest

from tests.hips.checking import right_gradient, same_numbers
from tests.hips.programs import PROGRAMS, Program

by_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)


@by_program
def test_the_program_gives_the_numbers_of_autograd(program: Program) -> None:
    same_numbers(program)


@by_program
def test_the_gradient_of_the_program_is_right(program: Program) -> None:
    right_gradient(program)
