"""A Trainer on several ranks does what it does on one with the batches of all ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ranks import trained
from tests.ranks.running import on_ranks


def equal(found: Any, expected: Any) -> None:
    (state, history), (other_state, other_history) = found, expected
    for x, y in zip(state, other_state, strict=True):
        assert np.allclose(x, y, rtol=0, atol=1e-12)
    assert history.keys() == other_history.keys()
    for name, values in history.items():
        assert np.allclose(values, other_history[name], rtol=0, atol=1e-12), name


CASES = [
    ("sgd", False, 2, 1, 23, "MSELoss"),
    ("momentum", True, 2, 1, 23, "MSELoss"),
    ("adam", True, 3, 2, 23, "SmoothL1Loss"),
    ("adam", False, 4, 3, 23, "MSELoss"),
    ("sgd", False, 2, 2, 19, "L1Loss"),
    ("sgd", False, 8, 1, 2, "MSELoss"),
    ("momentum", True, 1, 1, 2, "MSELoss"),
]


@pytest.mark.few(7)
@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("case", CASES)
def test_ranks_train_as_one(case: Any, ranks: int, tmp_path: Path) -> None:
    name, norm, batch_size, *rest = case
    expected = trained.fitted(name, norm, ranks * batch_size, *rest, distributed=False)
    found = on_ranks(ranks, tmp_path, trained.fitted, *case)
    for result in found:
        assert result == found[0]  # to the bit
        equal(result, expected)
