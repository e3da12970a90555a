"""What must hold of the results of ranks."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from tests.ranks import programs, trained


def close(a: Any, b: Any, atol: float = 1e-12) -> bool:
    """Whether two lists of arrays are equal to rounding."""
    return all(np.allclose(x, y, rtol=0, atol=atol) for x, y in zip(a, b, strict=True))


def equal(found: Any, expected: Any) -> None:
    """A state and a history are equal to rounding."""
    (state, history), (other_state, other_history) = found, expected
    assert close(state, other_state)
    assert history.keys() == other_history.keys()
    for name, values in history.items():
        assert np.allclose(values, other_history[name], rtol=0, atol=1e-12), name


def words(results: list[Any]) -> None:
    """The functions of `nn.distributed` on three ranks."""
    for r, found in enumerate(results):
        assert found["sum"] == [3.0, 6.0, 9.0] and found["min"] == [1] and found["mean"] == [1.0]
        assert found["product"] == [6.0, 6.0] and found["broadcast"] == [[2.0, 2.0]] * 2
        assert found["column"] == [[1.0, 0.0]] * 4 and found["later"] == [3.0, 3.0]
        assert found["gathered"] == [[0.0], [10.0], [20.0]] and found["listed"] == [[0.0], [1.0], [2.0]]
        assert found["objects"] == [{"rank": k} for k in range(3)] and found["object"] == "from 1"
        assert found["summed"] == [36.0], r  # 2 (1 + 2 + 3), three times


def branches(results: list[Any]) -> None:
    """Tied, frozen and unused parameters on two ranks."""
    expected = programs.branches(True)
    for found in results:
        assert {k for k, g in found.items() if g is None} == {k for k, g in expected.items() if g is None}
        assert found["never.weight"] is None and found["frozen.weight"] is None
        assert all(close([g], [expected[k]]) for k, g in found.items() if g is not None)


REFUSED = [
    "leave compile=True out",
    "expected True or nn.distributed.Ranks",
    "a WeightedRandomSampler can't be divided among the ranks",
    "write nn.distributed.DistributedStream(stream)",
    "the ranks have [23, 22] samples",
]


def several(results: list[Any]) -> None:
    """Small runs of two ranks."""
    one, two = results
    for k in range(2):
        parts = one["samples"][0][k], two["samples"][0][k]
        assert sorted(chain(*parts)) == sorted(trained.X[:, 0])  # each sample once
        assert abs(len(parts[0]) - len(parts[1])) <= 1
    shuffled = one["samples"][0][0]
    assert shuffled != [x for x in trained.X[:, 0] if x in shuffled]
    assert not set(one["samples"][1]) & set(two["samples"][1])  # each rank draws its own random numbers
    assert one["written"] == [["log", "run", "saved"], {"each": 2, "first": 2}, True]
    assert two["written"] == [[], {"each": 2, "first": 0}, False]
    for found in (one, two):
        assert "rank 1 has other numbers in the parameter 3.weight than rank 0" in found["drifted"]
        assert "the loss is nan at epoch 1, step 1" in found["nan"]
        equal(found["lbfgs"], trained.searched(24, False))
        for text, said in zip(REFUSED, found["refused"], strict=True):
            assert text in said
