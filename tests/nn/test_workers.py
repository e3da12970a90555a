"""Committees and searches in several processes give what one process gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd_lite.errors import DataError, OptionError
from tests.ranks import committees
from tests.ranks.running import started

X = np.linspace(-1, 1, 40)[:, None]


def states(committee: Any) -> list[Any]:
    return [np.asarray(v).tolist() for v in committee.state_dict().values()]


def test_committees_do_not_depend_on_the_workers() -> None:
    def train() -> nn.Module:  # a function in a function: a fork has it
        return committees.trained(X, np.sin(X))

    makers: list[Any] = [
        lambda workers: nn.committee(train, 3, "mean", workers=workers),
        lambda workers: nn.bagging(committees.trained, X, np.sin(X), 3, "mean", workers=workers),
    ]
    for make in makers:
        found = []
        for workers in (1, 2):
            nn.manual_seed(0)
            found.append((states(make(workers)), float(nn.random.generator.random())))
        nn.manual_seed(0)
        here = states(make(None)), float(nn.random.generator.random())
        assert found[0] == found[1]  # to the bit
        assert here[1] == found[0][1]
        for a, b in zip(here[0], found[0][0], strict=True):
            assert np.allclose(a, b, rtol=0, atol=1e-12)  # more threads may add in another order
        assert found[0][0][0] != found[0][0][2]  # each model has its own weights


def test_a_search_sorts_its_scores() -> None:
    def score(lr: float, width: int) -> float:
        return float("nan") if lr == 0 else nn.random.generator.random() * 0 + lr * width

    found = nn.grid_search(score, {"lr": [0.0, 1.0, 2.0], "width": [1, 3]}, workers=2)
    assert [s for s, _ in found[:4]] == [6.0, 3.0, 2.0, 1.0] and found[0][1] == {"lr": 2.0, "width": 3}
    assert all(np.isnan(s) for s, _ in found[4:])
    with pytest.raises(DataError, match="no values to try"):
        nn.grid_search(score, {"lr": []})
    with pytest.raises(OptionError, match="workers"):
        nn.committee(lambda: nn.Linear(1, 1), workers=0)


def test_an_error_in_a_worker_is_raised() -> None:
    def fails() -> Any:
        raise DataError("a fault in a worker")

    with pytest.raises(DataError, match="a fault in a worker"):
        nn.committee(fails, workers=2)


@pytest.mark.slow
def test_committees_over_mpi(tmp_path: Path) -> None:
    done = started(3, "-m", "mpi4py.futures", committees.__file__, str(tmp_path / "states"))
    assert done.returncode == 0, done.stderr
    found, ranks = json.loads((tmp_path / "states").read_text())
    assert found == committees.states(1)[0] and len(set(ranks)) == 2
