"""A Trainer on several ranks does what it does on one with the batches of all ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ranks import checks, trained
from tests.ranks.running import on_ranks

CASES = [
    ("sgd", False, 2, 1, 23, "MSELoss"),
    ("momentum", True, 2, 1, 23, "MSELoss"),
    ("adam", True, 3, 2, 23, "SmoothL1Loss"),
    ("adam", False, 4, 3, 23, "MSELoss"),
    ("sgd", False, 2, 2, 19, "L1Loss"),
    ("sgd", False, 8, 1, 2, "MSELoss"),
    ("momentum", True, 1, 1, 2, "MSELoss"),
]


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("case", CASES)
def test_ranks_train_as_one(case: Any, ranks: int, tmp_path: Path) -> None:
    name, norm, batch_size, accumulate, n, loss = case
    expected = trained.fitted(name, norm, ranks * batch_size, accumulate, n, loss, distributed=False)
    found = on_ranks(ranks, tmp_path, trained.fitted, *case)
    for result in found:
        assert result == found[0]  # to the bit
        checks.equal(result, expected)


@pytest.mark.slow
def test_what_each_rank_does(tmp_path: Path) -> None:
    checks.several(on_ranks(2, tmp_path, trained.several))


@pytest.mark.slow
def test_a_run_resumes_on_any_number_of_ranks(tmp_path: Path) -> None:
    whole = on_ranks(2, tmp_path / "results", trained.run, str(tmp_path), 4, False)
    log = (tmp_path / "log.csv").read_text()
    assert whole[0] == whole[1] and len(log.splitlines()) == 5
    on_ranks(2, tmp_path / "results", trained.run, str(tmp_path), 2, False)
    assert on_ranks(2, tmp_path / "results", trained.run, str(tmp_path), 4, True) == whole
    assert (tmp_path / "log.csv").read_text() == log
    on_ranks(3, tmp_path / "results", trained.run, str(tmp_path), 2, False)
    _, history, _ = on_ranks(1, tmp_path / "results", trained.run, str(tmp_path), 40, True)[0]
    assert len(history["loss"]) == 40 and history["val_loss"][-1] < 0.5 * history["val_loss"][1]


@pytest.mark.slow
def test_digits_are_read_as_well_as_by_one_rank(tmp_path: Path) -> None:
    one, two = on_ranks(2, tmp_path, trained.digits, True)
    assert one == two and min(one, trained.digits(False)) > 0.95
    assert abs(one - trained.digits(False)) < 0.02
