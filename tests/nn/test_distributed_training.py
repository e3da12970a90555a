"""A Trainer on several ranks does what it does on one with the batches of all ranks."""

from __future__ import annotations

from itertools import chain
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
    name, norm, batch_size, accumulate, n, loss = case
    expected = trained.fitted(name, norm, ranks * batch_size, accumulate, n, loss, distributed=False)
    found = on_ranks(ranks, tmp_path, trained.fitted, *case)
    for result in found:
        assert result == found[0]  # to the bit
        equal(result, expected)


REFUSED = [
    "leave compile=True out",
    "expected True or nn.distributed.Ranks",
    "a WeightedRandomSampler can't be divided among the ranks",
    "write nn.distributed.DistributedStream(stream)",
    "the ranks have [23, 22] samples",
]


def test_what_each_rank_does(tmp_path: Path) -> None:
    one, two = on_ranks(2, tmp_path, trained.several)
    for k in range(2):
        parts = one["samples"][0][k], two["samples"][0][k]
        assert sorted(chain(*parts)) == sorted(trained.X[:, 0])  # each sample once
        assert abs(len(parts[0]) - len(parts[1])) <= 1
    shuffled = one["samples"][0][0]
    assert shuffled != [x for x in trained.X[:, 0] if x in shuffled]
    assert not set(one["samples"][1]) & set(two["samples"][1])  # each rank draws its own random numbers
    for found in (one, two):
        assert "rank 1 has other numbers in the parameter 3.weight than rank 0" in found["drifted"]
        assert "the loss is nan at epoch 1, step 1" in found["nan"]
        equal(found["lbfgs"], trained.searched(24, False))
        for text, said in zip(REFUSED, found["refused"], strict=True):
            assert text in said


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
