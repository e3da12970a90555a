"""A run in a thread of its own: it trains, and between two steps it answers. Nobody else touches the run."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import numpy as np

from .options import Config
from .training import Training

__all__ = ["Worker"]

T = TypeVar("T")

PATIENCE = 10.0
"""For how many seconds a run goes on that no page asks for: a tab that is closed says nothing."""

ANSWER = 60.0
"""How many seconds an answer may take."""


class Worker:
    """Trains one run and does what it is asked to, in between.

    Attributes:
        run: belongs to the thread.
        speed: how many steps a second; None for as many as go.
        running: whether it trains.
        problem: why it stopped by itself, in words; else None.

    Example:
        >>> worker = Worker(Config())
        >>> worker.ask(lambda: worker.run.step())
        >>> worker.ask(lambda: worker.run.steps)
        1
        >>> worker.stop()
    """

    def __init__(self, config: Config) -> None:
        self.run = Training(config)
        self.speed: float | None = None
        self.running = False
        self.problem: str | None = None
        self.asked = time.monotonic()
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._due = 0.0
        self._thread = threading.Thread(target=self._work, daemon=True, name="playground run")
        self._thread.start()

    def ask(self, job: Callable[[], T], timeout: float = ANSWER) -> T:
        """Have the thread call a function, and wait for what it returns or raises.

        Raises:
            TimeoutError: no answer came in time.
        """
        self.asked = time.monotonic()
        answer: Future[T] = Future()
        self._jobs.put((job, answer))
        return answer.result(timeout)

    def stop(self) -> None:
        """End the thread after what it is doing."""
        self.running = False
        self._jobs.put(None)

    # -- what a run is told, in its thread -----------------------------------------------------------

    def start(self, speed: float | None) -> None:
        """Train from now on."""
        self.speed, self.running, self.problem, self._due = speed, True, None, time.monotonic()

    def pause(self) -> None:
        """Train no longer."""
        self.running = False

    def advance(self, steps: int) -> None:
        """Make some steps at once."""
        self.problem = None
        for _ in range(steps):
            self._step()
            if self.problem:
                break

    # -- the thread ----------------------------------------------------------------------------------

    def _work(self) -> None:
        with np.errstate(all="ignore"):  # a run that diverges is told in words
            while True:
                try:
                    found = self._jobs.get(timeout=self._pause_before_step())
                except queue.Empty:
                    self._step()
                    self._due = max(self._due + 1 / self.speed, time.monotonic() - 0.1) if self.speed else 0.0
                    continue
                if found is None:
                    return
                self._answer(*found)

    def _pause_before_step(self) -> float | None:
        """How long to wait for a job before the next step; None for as long as it takes."""
        now = time.monotonic()
        if not self.running or now - self.asked > PATIENCE:
            return None
        return max(0.0, self._due - now)

    def _step(self) -> None:
        try:
            self.run.step()
        except Exception as error:  # the run stops and says why; the thread goes on to answer
            self.running, self.problem = False, str(error)
            return
        if not np.isfinite(self.run.last_step_loss):
            self.running = False
            self.problem = "The loss is no longer finite. Choose a lower learning rate, then Reset."

    @staticmethod
    def _answer(job: Callable[[], Any], answer: Future[Any]) -> None:
        try:
            answer.set_result(job())
        except Exception as error:
            answer.set_exception(error)
