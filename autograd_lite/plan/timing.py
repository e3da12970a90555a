"""How long each step of a plan takes in a replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from .replay import replay_of
from .schedule import Plan

__all__ = ["step_times"]


def step_times(
    plan: Plan, leaves: list[Any], repeat: int, undone: Callable[[], AbstractContextManager[Any]]
) -> list[float]:
    """The least time of each step in several replays, in seconds; 0 for a view that is made once.

    Args:
        leaves: the leaves of the arguments.
        repeat: the number of replays. One more, the first, is not counted.
        undone: a context that puts back what a replay changes.
    """
    least = [0.0] * len(plan)
    spent: dict[int, float] = {}
    before = 0.0

    def clock(i: int) -> None:
        nonlocal before
        spent[i] = time.perf_counter() - before
        before = time.perf_counter()

    replay = replay_of(plan, clock)
    for k in range(repeat + 1):
        with undone():
            before = time.perf_counter()
            replay(leaves)
        for i, seconds in spent.items():
            least[i] = seconds if k < 2 else min(least[i], seconds)
    return least
