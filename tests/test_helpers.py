"""The tools of the tests: what is left out, and what a failure names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.conftest import pytest_collection_modifyitems
from tests.helpers import at_samples, check_both_orders
from tests.interrupts import interrupted


class Case:
    """A collected test with marks."""

    def __init__(self, nodeid: str, **marks: Any) -> None:
        self.nodeid, self.marks = nodeid, {name: SimpleNamespace(args=args) for name, args in marks.items()}

    def get_closest_marker(self, name: str) -> Any:
        return self.marks.get(name)

    def add_marker(self, name: str) -> None:
        self.marks[name] = SimpleNamespace(args=())


def test_few_leaves_every_nth_case_quick() -> None:
    cases = [Case(f"file::test[{i}]", few=(3,)) for i in range(7)]
    cases.insert(1, Case("file::test[slow]", few=(3,), slow=()))
    cases.insert(2, Case("file::other"))
    items: Any = cases
    pytest_collection_modifyitems(items)
    quick = [case.nodeid for case in cases if "slow" not in case.marks]
    assert quick == ["file::test[0]", "file::other", "file::test[3]", "file::test[6]"]


def test_a_failure_at_a_sample_names_it() -> None:
    samples = [SimpleNamespace(op=np.sin, x=x) for x in (1.0, -1.0, 2.0)]
    tried = []

    def test(sample: Any) -> None:
        """Of positive numbers."""
        tried.append(sample.x)
        assert sample.x > 0

    at_all = at_samples(samples)(test)
    assert (at_all.__name__, at_all.__doc__) == ("test", "Of positive numbers.")
    ((values,),) = [mark.args[1:] for mark in at_all.pytestmark]
    assert [value.id for value in values] == ["sin"]
    with pytest.raises(AssertionError) as caught:
        at_all(values[0].values[0])
    assert tried == [1.0, -1.0]
    assert caught.value.__notes__ == [f"at the sample {samples[1]}"]


@pytest.mark.parametrize(
    ("along", "checked"), [(0, [(1, None)]), (1, [(1, None), (2, 1)]), (None, [(2, None)])], ids=str
)
def test_what_is_checked_along(along: int | None, checked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def noted(f: Any, args: Any, order: int, directions: int | None = None) -> None:
        calls.append((order, directions))

    monkeypatch.setattr("tests.helpers.check_grads", noted)
    check_both_orders(np.sin, 1.0, along)
    assert calls == checked


def test_the_moments_of_a_new_function_are_heard() -> None:
    """Each run is the first one of its function; the moments are 3 starts, 6 calls, and 3 rounds."""
    source = "def f():\n    for i in range(3):\n        abs(i)\ndef g():\n    f()\ndef h():\n    g()\n"

    def run_to(stop: int) -> bool:
        names = {"__name__": "counted"}
        exec(source, names)
        return interrupted(names["h"], stop, ("counted",))  # type: ignore[arg-type]

    assert [stop for stop in range(1, 20) if run_to(stop)] == [*range(1, 3 + 6 + 3 + 1)]
