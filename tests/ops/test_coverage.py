"""Every public function of NumPy is differentiable, constant or refused, and the page says which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import AutogradLiteError
from autograd_lite.known import Refused, known
from docs import coverage
from tests.helpers import python


@pytest.mark.parametrize("home", coverage.HOMES)
def test_no_public_function_is_forgotten(home: str) -> None:
    forgotten = [n for n, f in coverage.functions(coverage.HOMES[home]).items() if coverage.status(f) is None]
    assert forgotten == []


def test_no_op_is_entered_as_two_things() -> None:
    """Each op of NumPy is entered once, and one of ours again with its rules, after `primitive`."""
    program = f"""
import sys, types

engine = types.ModuleType("autograd_lite")  # without its __init__, which fills the registry
engine.__path__ = [{str(Path(ag.__file__).parent)!r}]
sys.modules["autograd_lite"] = engine
from autograd_lite.known import Known, Rule

def enter(self, op, entry, plain=Known.__setitem__):
    before = self.get(op)
    if before is not None and not (isinstance(entry, Rule) and before.vjps == ()):
        print(op, before, entry)
    plain(self, op, entry)

Known.__setitem__ = enter
del sys.modules["autograd_lite"]
import autograd_lite, nn
print(len(sys.modules["autograd_lite.known"].known) > 400)
"""
    done = python("-c", program)
    assert done.stdout.split("\n") == ["True", ""], done.stderr


def test_the_page_is_up_to_date() -> None:
    if coverage.PAGE.read_text(encoding="utf-8").split("\n")[2:3] != coverage.page().split("\n")[2:3]:
        pytest.skip("the page was made with another version of NumPy")
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "run python -m docs.coverage"


@pytest.mark.parametrize(
    "call",
    [np.unique, np.union1d, np.array, np.asarray, np.sort_complex],
    ids=lambda f: f.__name__,
)
def test_refused_functions_raise_on_the_tape(call: Any) -> None:
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    assert isinstance(known[call], Refused)
    with pytest.raises(AutogradLiteError, match="write|index"):
        call(x, x) if call is np.union1d else call(x)


def test_the_reason_is_in_the_error() -> None:
    x = ag.Tensor([[1.0, 2.0]], requires_grad=True)
    with pytest.raises(ag.errors.NotDifferentiableError, match="calls a function on plain slices"):
        np.apply_along_axis(np.sum, 0, x)
    assert np.apply_along_axis(np.sum, 0, x.detach()).tolist() == [1.0, 2.0]
