"""Binomial schedules: which states of a long loop are kept, and which are computed again.

The loop is reversed step by step, and step i needs the state before it. With room for all states, each is
kept. With less room, a kept state (a *snapshot*) is the start from which later states are computed again.
With s snapshots, of which one is the first state, and each state advanced over at most r times, the longest
loop that can be reversed has

    beta(s, r) = (s + r)! / (s! r!)    steps.

A loop of n steps needs r n - beta(s + 1, r - 1) forward steps, with the least r such that beta(s, r) >= n.
No schedule needs fewer.

Source:
    A. Griewank, A. Walther, "Algorithm 799: Revolve", 2000.

>>> [(do, at, to) for do, at, to in schedule(3, 1)][:4]
[('store', 0, 0), ('advance', 0, 2), ('reverse', 2, 3), ('restore', 0, 0)]
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import NamedTuple

__all__ = ["Action", "advances", "schedule"]


class Action(NamedTuple):
    """One action of a schedule.

    Attributes:
        do: "store" the state before step `at` as a snapshot, "advance" from `at` to `to`, "reverse" the step
            `at`, "drop" the snapshot of `at`, which is the latest, or "restore" it as the state.
        at: a step.
        to: for "advance" the step that is next, for "reverse" at + 1, else `at`.
    """

    do: str
    at: int
    to: int


def schedule(n: int, snapshots: int) -> Iterator[Action]:
    """The actions that reverse n steps with as few forward steps as possible.

    Args:
        n: the number of steps.
        snapshots: how many states are kept at once at most, the first one included; 1 or more.
    """
    here, kept = 0, [0]
    yield Action("store", 0, 0)
    for last in range(n - 1, -1, -1):
        while here < last:
            free = snapshots - len(kept)
            there = here + _stride(last + 1 - here, free + 1)
            yield Action("advance", here, there)
            here = there
            if free and here < last:
                kept.append(here)
                yield Action("store", here, here)
        yield Action("reverse", last, last + 1)
        if kept[-1] == last:
            kept.pop()
            yield Action("drop", last, last)
        if kept:
            here = kept[-1]
            yield Action("restore", here, here)


def advances(n: int, snapshots: int) -> int:
    """The number of steps that `schedule` advances over: the least possible.

    >>> advances(10, 3), advances(10, 9)
    (15, 9)
    """
    r = _repetitions(n, snapshots)
    return r * n - _beta(snapshots + 1, r - 1)


def _beta(s: int, r: int) -> int:
    """How many steps s snapshots and r repetitions reverse."""
    return comb(s + r, s) if r >= 0 else 0


def _repetitions(n: int, s: int) -> int:
    """The least r with beta(s, r) >= n, found by halving."""
    if n <= s + 1:
        return int(n > 1)
    low, high = 1, 2
    while _beta(s, high) < n:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _beta(s, middle) < n else (low, middle)
    return high


def _stride(n: int, s: int) -> int:
    """How far to the next snapshot, if n steps are left to reverse and s snapshots can be kept from here on.

    The longest of the optimal strides needs the fewest snapshots.
    """
    r = _repetitions(n, s)
    return min(_beta(s, r - 1), n - _beta(s - 1, r - 1))
