"""Running one workload on all libraries: agreement first, then time."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .contender import Apart, Contender, Here
from .libraries import LIBRARIES, OURS
from .workload import DisagreementError, FailedError, NotInstalledError, Workload

REST = 0.2
"""Seconds before each sample. After a product the threads of BLAS and OpenMP wait for work in a loop, for a
tenth of a second. Without the rest they slowed the library of the next turn, by up to a half."""


@dataclass(frozen=True)
class Row:
    """What one library took for one workload, in seconds or bytes as `quantity` says.

    `ratio` is the library's median over that of the first, which is ours: above 1 we need less. Where
    the library did not run, the numbers are None and `note` says why.
    """

    workload: str
    library: str
    version: str
    unit: str
    quantity: str = "s"
    median: float | None = None
    fastest: float | None = None
    slowest: float | None = None
    ratio: float | None = None
    goal: float | None = None
    note: str = ""


def run(workload: Workload, *, quick: bool = False) -> list[Row]:
    """Time a workload on every library that is installed, each in a process of its own, in turns.

    Args:
        workload: what to run.
        quick: two short rounds in this process, enough to see that everything runs and agrees.

    Returns:
        A row for each library, in the order of the workload; none where nothing can be measured.

    Raises:
        DisagreementError: a library's numbers differ from ours.
    """
    if not workload.contenders:
        return []
    rounds, budget, rest = (2, 0.002, 0.0) if quick else (workload.rounds, 0.05, REST)
    contenders: dict[str, Contender] = {
        name: Here(workload, name) if quick else Apart(workload, name) for name in workload.contenders
    }
    try:
        notes = _without(workload, contenders)
        ready = {name: contender for name, contender in contenders.items() if name not in notes}
        samples = _sampled(ready, rounds, budget, rest)
    finally:
        for contender in contenders.values():
            contender.end()
    return [_row(workload, name, samples, notes.get(name, "")) for name in workload.contenders]


def _row(workload: Workload, name: str, samples: Mapping[str, list[float]], note: str) -> Row:
    row = Row(workload.name, name, LIBRARIES[name].version(), workload.unit, workload.quantity, note=note)
    if not (times := samples.get(name)):
        return row
    first = statistics.median(samples[next(iter(workload.contenders))])
    return replace(
        row,
        median=statistics.median(times) / workload.per,
        fastest=min(times) / workload.per,
        slowest=max(times) / workload.per,
        ratio=statistics.median(times) / first,
        goal=workload.goals.get(name),
    )


def _without(workload: Workload, contenders: Mapping[str, Contender]) -> dict[str, str]:
    """Take the first step of each library and require that all agree; why some cannot do the work."""
    notes: dict[str, str] = {}
    expected: list[Any] = []
    for name, contender in contenders.items():
        try:
            numbers = contender.first()
        except NotInstalledError:
            notes[name] = "not installed"
            continue
        except Exception as error:
            if name == OURS:
                raise
            notes[name] = f"fails: {error if isinstance(error, FailedError) else type(error).__name__}"
            continue
        expected = expected or numbers
        if not workload.measures_itself:
            _require_agreement(workload, name, numbers, expected)
    return notes


def _require_agreement(
    workload: Workload, library: str, numbers: Sequence[Any], expected: Sequence[Any]
) -> None:
    if len(numbers) != len(expected):
        raise DisagreementError(
            f"{workload.name}: {library} returned {len(numbers)} values, we {len(expected)}: let both steps "
            "return the value and each gradient"
        )
    for i, (number, ours) in enumerate(zip(numbers, expected, strict=True)):
        alike = np.shape(number) == np.shape(ours)
        if not (alike and np.allclose(number, ours, rtol=workload.rtol, atol=workload.atol)):
            raise DisagreementError(
                f"{workload.name}: {library} computed {number} as its value {i}, we {ours}"
            )


def _sampled(
    contenders: Mapping[str, Contender], rounds: int, budget: float, rest: float
) -> dict[str, list[float]]:
    """What one step of each library takes, one sample a round, each round starting with another."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        time.sleep(rest)
        contender.warm(budget)
    names = list(contenders)
    for i in range(rounds):
        for name in itertools.islice(itertools.cycle(names), i % len(names), i % len(names) + len(names)):
            time.sleep(rest)
            samples[name].append(contenders[name].sample())
    return samples
