"""Plans of these tests run with NumPy, and have the eager bits; `test_groups.py` tests the library too.

A replay that breaks runs eagerly, with the right result: the tests shall see it nevertheless.
"""

from __future__ import annotations

from typing import Any

import pytest

from autograd_lite.plan import executors
from autograd_lite.plan.compile import Compiled


@pytest.fixture(autouse=True)
def eager_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_native", lambda: None)


@pytest.fixture(autouse=True)
def replays_do_not_break(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Compiled._failed

    def checked(self: Any, entry: Any, error: Exception, args: Any, kwargs: Any) -> Any:
        if isinstance(error, (NameError, AttributeError, AssertionError, KeyError)):
            raise BrokenReplayError(repr(error)) from error
        return failed(self, entry, error, args, kwargs)

    monkeypatch.setattr(Compiled, "_failed", checked)


class BrokenReplayError(BaseException):
    """The code of a replay is wrong."""
