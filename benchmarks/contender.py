"""One library's part in a workload: its first step, and the time of a step, here or in a process of its own.

`python -m benchmarks.contender WORKLOAD LIBRARY` is that process. It answers questions, the names of
`Contender`'s methods with their arguments, in pickles.
"""

from __future__ import annotations

import contextlib
import gc
import pickle
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from .libraries import LIBRARIES
from .workload import DisagreementError, FailedError, NotInstalledError, Step, Workload

ROOT = Path(__file__).parents[1]


class Contender(Protocol):
    """What the runner asks of a library."""

    def first(self) -> list[Any]:
        """Set up, take one step, and return its numbers as arrays; none if the step measures itself."""

    def warm(self, budget: float) -> None:
        """Find how many steps take `budget` seconds: so many make a sample."""

    def sample(self) -> float:
        """Seconds for a step, or what the step measured."""

    def end(self) -> None:
        """Let go of all."""


class Here:
    """A contender in this process."""

    def __init__(self, workload: Workload, library: str) -> None:
        self.workload, self.library = workload, library
        self.step: Step
        self.calls = 1

    def first(self) -> list[Any]:
        library = LIBRARIES[self.library]
        if not library.load():
            raise NotInstalledError
        self.step = self.workload.contenders[self.library]()
        result = self.step()
        return [] if self.workload.measures_itself else [library.array(value) for value in result]

    def warm(self, budget: float) -> None:
        if self.workload.measures_itself:
            return
        for _ in range(2):  # the first calls may compile the step
            self.step()
        self.calls = 1
        while (seconds := _seconds(self.step, self.calls) * self.calls) < budget:
            wanted = int(self.calls * budget / max(seconds, 1e-9))
            self.calls = max(2 * self.calls, min(100 * self.calls, wanted))

    def sample(self) -> float:
        gc.collect()
        if self.workload.measures_itself:
            return statistics.fmean(self.step() for _ in range(self.calls))
        self.step()  # caches and threads are awake again when the clock starts
        return _seconds(self.step, self.calls)

    def end(self) -> None:
        """Nothing is held."""


def _seconds(step: Step, calls: int) -> float:
    """Seconds for a call, with the garbage collector on, as users run it."""
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls


class Apart:
    """A contender in a process of its own, where no other library has left threads, memory or settings."""

    def __init__(self, workload: Workload, library: str) -> None:
        command = [sys.executable, "-m", "benchmarks.contender", workload.name, library]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def first(self) -> list[Any]:
        return list(self._ask("first"))

    def warm(self, budget: float) -> None:
        self._ask("warm", budget)

    def sample(self) -> float:
        return float(self._ask("sample"))

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # a process that has ended reads no more
            self.process.communicate()

    def _ask(self, *question: Any) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            pickle.dump(question, self.process.stdin)
            self.process.stdin.flush()
            answer = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError):
            raise FailedError("its process ended") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def main(name: str, library: str) -> None:
    """Answer the questions that come, until there are no more."""
    from .workloads import WORKLOADS

    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints is no answer
    contender = Here(WORKLOADS[name](False), library)
    while True:
        answer: Any
        try:
            method, *arguments = pickle.load(questions)
        except EOFError:
            return
        try:
            answer = getattr(contender, method)(*arguments)
        except (NotInstalledError, DisagreementError) as error:
            answer = error
        except Exception as error:
            answer = FailedError(f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
