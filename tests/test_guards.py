"""The details of the interpreter that the guards use, asserted for the Python that runs.

If a test fails under a new version of Python, see the docstring of `autograd_lite/guards.py`. It says what
the engine assumes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import guards
from autograd_lite.errors import AssignmentError, MissingNameError, UnsupportedError
from autograd_lite.known import reads_of


class Asked:
    """Notes which frame asks it for its number, its array or its index."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.look: Callable[[FrameType], Any] = lambda frame: frame

    def __float__(self) -> float:
        self.answers.append(self.look(sys._getframe(1)))
        return 0.5

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self.answers.append(self.look(sys._getframe(1)))
        return np.array(0.5)


def test_a_special_method_is_called_from_the_frame_of_the_code_that_runs() -> None:
    x, here = Asked(), sys._getframe()
    float(x)
    math.sin(x)
    np.asarray(x)
    np.zeros(1)[:] = x
    assert all(frame is here for frame in x.answers)
    assert len(x.answers) == 4


def test_an_assignment_is_told_from_a_call_by_its_instruction() -> None:
    x, array = Asked(), np.zeros(2)
    x.look = guards.assigns
    array[0] = x
    array[:1] = x
    float(x)
    math.sin(x)
    np.asarray(x)
    array[0] = float(x)
    assert x.answers[0] is True
    assert set(x.answers[1:-4]) == {True}
    assert x.answers[-4:] == [False] * 4


def test_the_function_of_a_call_begins_at_the_column_of_the_call() -> None:
    x, sin, module = Asked(), math.sin, math
    x.look = guards.called_from_math
    inside = [lambda: sin(x), lambda: math.exp(x), lambda: module.cos(x), lambda: 1 + math.tan(x)]
    for call in [*inside, lambda: max([math.floor(3.0), math.sin(x)])]:
        call()
    assert x.answers == [True] * 5
    x.answers.clear()
    float(x)
    for call in [
        lambda: float(x),
        lambda: round(float(x), 1),
        lambda: math.sin(float(x)),
        lambda: max(float(x), 1),
    ]:
        call()
    assert x.answers == [False] * 5


def test_an_object_without_a_name_has_fewer_references() -> None:
    """Under CPython up to 3.13. A version that counts them alike gives 0, which switches the guard off."""
    assert guards.NAMELESS > 0
    x = ag.Tensor(np.zeros((2, 2)))
    with pytest.raises(AssignmentError, match=r"x\[i, j\] = v"):
        x[[0]][0, 1] = 1.0
    row = x[[0]]
    row[0, 1] = 1.0
    holder = [x[[0]]]
    holder[0][0, 1] = 2.0
    assert row.tolist() == [[0.0, 1.0]]
    assert holder[0].tolist() == [[0.0, 2.0]]


def test_frames_know_the_package_whose_code_they_run() -> None:
    x = Asked()
    x.look = lambda frame: frame.f_globals["__name__"].partition(".")[0]
    np.array_equal(x, 0.5)  # type: ignore[arg-type]
    float(x)
    assert "numpy" in x.answers
    assert x.answers[-1] == __name__.partition(".")[0]


def test_a_rule_reads_what_its_code_names() -> None:
    """`known.reads_of` reads the code of rules, to keep only the constants that they read."""
    assert reads_of(lambda g, y, x: g * x, 2)
    assert reads_of(lambda g, y, x: np.cos(x)[0], 2)
    assert reads_of(lambda g, y, x: (lambda: x)(), 2)
    assert not reads_of(lambda g, y, x: g * y, 2)
    assert not reads_of(lambda g, y, x: np.zeros(x.shape), 2)
    assert not reads_of(lambda g, y, a, b: np.zeros(a.shape) + b, 2)
    assert reads_of(lambda g, y, a, b: np.zeros(a.shape) + b, 3)


def test_an_import_is_told_from_a_look_up() -> None:
    """`names.missing_from_module` reads the instruction of `from module import name`."""
    with pytest.raises(MissingNameError):
        exec("from autograd_lite import no_such_name")
    with pytest.raises(AttributeError) as raised:
        exec("import autograd_lite as ag; ag.no_such_name")
    assert not isinstance(raised.value, ImportError)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda x: np.asarray(x), "was about to become a plain array"),
        (lambda x: math.sin(x), "math module"),
        (lambda x: ag.grad(lambda y: y * float(y))(x), "inside of a differentiated function"),
    ],
)
def test_what_would_cut_the_graph_is_refused(read: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        read(ag.Tensor(0.5, requires_grad=True))


def test_numpy_hands_on_as_the_cause_what_it_met_when_it_asked_for_a_number() -> None:
    x, array = ag.Tensor(0.5, requires_grad=True), np.zeros(2)
    with pytest.raises(ValueError, match="sequence") as assigned:
        array[0] = x
    assert "a[i] = x: the NumPy array a cannot record" in str(assigned.value.__cause__)
    with pytest.raises(ValueError, match="sequence") as started:
        np.sum(array, initial=x)
    assert "read a plain number" in str(started.value.__cause__)
    assert float(x) == 0.5
