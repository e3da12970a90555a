"""Running one workload on all libraries: agreement first, then time."""

from __future__ import annotations

import gc
import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .libraries import LIBRARIES, OURS

Step = Callable[[], Any]
"""One round of the work. It returns the numbers it computed, in the library's own types."""

REST = 0.2
"""Seconds before each sample. After a product the threads of BLAS and OpenMP wait for work in a loop, for a
tenth of a second. Without the rest they slowed the library of the next turn, by up to a half."""


@dataclass(frozen=True)
class Workload:
    """The same work for every library.

    Attributes:
        name: what to call it on the command line.
        does: the work in one line.
        contenders: for each library a function that sets the work up and returns its step. The others
            are compared with the first: ours, or NumPy where the machine itself is measured.
        goals: the least ratio of a library's time to ours.
        rounds: how many samples to take of each library.
        per: the divisor of a time; `unit` is the name of the quotient's unit.
        measures_itself: the step returns what it measured, and no numbers to compare.
        quantity: "s" for seconds, "B" for bytes.
        rtol, atol: relative and absolute tolerance of the agreement.
    """

    name: str
    does: str
    contenders: Mapping[str, Callable[[], Step]]
    goals: Mapping[str, float] = field(default_factory=dict)
    rounds: int = 15
    per: float = 1
    unit: str = "step"
    measures_itself: bool = False
    quantity: str = "s"
    rtol: float = 1e-10
    atol: float = 0.0


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


class DisagreementError(Exception):
    """A library computed other numbers than ours, so that their times cannot be compared."""


def run(workload: Workload, *, quick: bool = False) -> list[Row]:
    """Time a workload on every library that is installed, in turns.

    Args:
        workload: what to run.
        quick: two short rounds, enough to see that everything runs and agrees.

    Returns:
        A row for each library, in the order of the workload; none where nothing can be measured.

    Raises:
        DisagreementError: a library's numbers differ from ours.
    """
    steps, notes = _prepared(workload)
    if not steps:
        return []
    rounds, budget, rest = (2, 0.002, 0.0) if quick else (workload.rounds, 0.05, REST)
    samples = _sampled(workload, steps, rounds, budget, rest)
    first = statistics.median(samples[next(iter(workload.contenders))])
    rows = []
    for name in workload.contenders:
        version, note = LIBRARIES[name].version(), notes.get(name, "")
        row = Row(workload.name, name, version, workload.unit, workload.quantity, note=note)
        if times := samples.get(name):
            row = replace(
                row,
                median=statistics.median(times) / workload.per,
                fastest=min(times) / workload.per,
                slowest=max(times) / workload.per,
                ratio=statistics.median(times) / first,
                goal=workload.goals.get(name),
            )
        rows.append(row)
    return rows


def _prepared(workload: Workload) -> tuple[dict[str, Step], dict[str, str]]:
    """The steps of the libraries that can do the work, each run once, and why the others cannot."""
    steps: dict[str, Step] = {}
    notes: dict[str, str] = {}
    expected: list[Any] = []
    for name, set_up in workload.contenders.items():
        library = LIBRARIES[name]
        if not library.load():
            notes[name] = "not installed"
            continue
        try:
            step = set_up()
            result = step()
        except Exception as error:
            if name == OURS:
                raise
            notes[name] = f"fails: {type(error).__name__}"
            continue
        if not workload.measures_itself:
            numbers = [library.array(value) for value in result]
            expected = expected or numbers
            _require_agreement(workload, name, numbers, expected)
        steps[name] = step
    return steps, notes


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
    workload: Workload, steps: Mapping[str, Step], rounds: int, budget: float, rest: float
) -> dict[str, list[float]]:
    """What one step of each library takes, one sample a round, each round starting with another."""
    measure = _own_measure if workload.measures_itself else _seconds
    calls = {name: 1 if workload.measures_itself else _calls(step, budget) for name, step in steps.items()}
    samples: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    gc.collect()
    gc.freeze()  # the modules of all peers are loaded: nobody's collections shall walk through them
    try:
        for i in range(rounds):
            for name in itertools.islice(itertools.cycle(names), i % len(names), i % len(names) + len(names)):
                gc.collect()
                time.sleep(rest)
                if not workload.measures_itself:
                    steps[name]()  # caches and threads are awake again when the clock starts
                samples[name].append(measure(steps[name], calls[name]))
    finally:
        gc.unfreeze()
    return samples


def _calls(step: Step, budget: float) -> int:
    """How often to call a step so that one sample takes about `budget` seconds; warms it up too."""
    for _ in range(2):  # the first calls may compile the step
        step()
    calls = 1
    while (seconds := _seconds(step, calls) * calls) < budget:
        calls = max(2 * calls, min(100 * calls, int(calls * budget / max(seconds, 1e-9))))
    return calls


def _seconds(step: Step, calls: int) -> float:
    """Seconds for a call, with the garbage collector on, as users run it."""
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls


def _own_measure(step: Step, calls: int) -> float:
    return statistics.fmean(step() for _ in range(calls))
