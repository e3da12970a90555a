"""Plans of these tests run with NumPy, and have the eager bits. `test_groups.py` is about the other executor."""

from __future__ import annotations

import pytest

from autograd_lite.plan import executors


@pytest.fixture(autouse=True)
def eager_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_native", lambda: None)
