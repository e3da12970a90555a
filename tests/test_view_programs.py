"""Random programs with views: NumPy gives the values, and planted faults are seen."""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import views
from tests.programs.views import fault_of, numbered, shrunk

SEED = 7


def test_random_programs_with_views_hold() -> None:
    tried(range(40))


@pytest.mark.slow
@pytest.mark.parametrize("portion", range(20))
def test_thousands_of_random_programs_with_views_hold(portion: int) -> None:
    tried(range(100 * portion, 100 + 100 * portion))


def tried(numbers: Any) -> None:
    for number in numbers:
        program = numbered(SEED, number)
        if fault_of(program) is not None:
            raise AssertionError(shrunk(program))


def test_programs_are_rich_in_views_and_assignments() -> None:
    programs = [numbered(SEED, number) for number in range(300)]
    lines = [line for program in programs for line in program.lines]
    count = Counter(
        word
        for line in lines
        for word in (
            "reshape",
            ".T",
            "[",
            "*= ",
            "+= ",
            "] = ",
            "for row",
            "del ",
            "flip",
            ".imag",
            "np.copyto",
        )
        if word in line
    )
    assert min(count.values()) >= 20 and len(count) == 11, count
    written = sum(not np.array_equal(*before_and_after(program)) for program in programs)
    assert written > 150  # an assignment reaches another name, whose value is read afterwards


def before_and_after(program: Any) -> tuple[Any, Any]:
    """The loss, and the loss with views that are copies."""
    start = program.on_arrays(program.inputs)["total"]
    apart = program.run(program.inputs, lambda x: (x * 1.5).view(Copies), lambda a: np.array(a).view(Copies))
    return start, np.asarray(apart["total"])


class Copies(np.ndarray):  # type: ignore[type-arg]
    """Arrays whose indices and shapes give copies."""

    def __getitem__(self, index: Any) -> Any:
        return np.array(super().__getitem__(index), subok=True)

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return np.array(super().reshape(*shape, **options), subok=True)


# -- planted faults ------------------------------------------------------------------------------


def lost(value: Any, x: Any, index: Any) -> Any:
    """The base with a value whose gradient is cut."""
    y = x.copy()
    y[index] = value.detach()
    return y


PLANTS: dict[str, tuple[Any, Any, Any]] = {
    "a gradient that is cut": (views.backs, operator.getitem, lost),
    "a missing transpose": (views.backs, np.transpose, lambda value, x, *_: np.reshape(value, x.shape)),
    "a flip that stays": (views.backs, np.flip, lambda value, x, *_: value),
    "views that are held to be apart": (views, "_apart", lambda a, b: True),
    "views that see nothing": (views, "_below", lambda x: []),
    "a copy that is a view": (views, "alone", lambda view: view),
    "an assignment that is left out": (views, "_same", lambda a, b: True),
}
"""What is wrong, and where it is put."""


@pytest.mark.few(3)
@pytest.mark.parametrize("name", PLANTS)
def test_planted_faults_are_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, key, wrong = PLANTS[name]
    if isinstance(place, dict):
        monkeypatch.setitem(place, key, wrong)
    else:
        monkeypatch.setattr(place, key, wrong)
        for user in (ag.apply, ag.methods):
            if hasattr(user, key):
                monkeypatch.setattr(user, key, wrong)
    found = next((p for p in (numbered(SEED + 1, n) for n in range(400)) if fault_of(p) is not None), None)
    assert found is not None
    monkeypatch.undo()
    assert fault_of(found) is None
