"""Calls on other threads, safe against interrupts: Ctrl-C never leaves a lock held.

`concurrent.futures` and `Thread.start` wait on conditions, whose locks are acquired and released in Python
code. An interrupt between two lines of that code leaves a lock held, and the next caller waits for ever.
Only the main thread gets interrupts. In this module, that thread uses only locks that C code acquires and
releases. A `SimpleQueue` sends the calls to the threads, and each call releases a lock of its own at its end.
"""

from __future__ import annotations

import _thread
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

__all__ = ["Calls", "Task", "serve", "start_thread"]

POLL = 0.5
"""Seconds between two checks of a wait: some systems deliver no interrupt while they wait."""

NOBODY = object()
"""The owner of a call that was cancelled."""


class Task:
    """A call for another thread, and its result.

    The first thread that claims a call owns the call. A cancelled call belongs to nobody. A claim may be
    repeated, as happens after an interrupt.

    Args:
        call: the function.
        args: its arguments.

    Attributes:
        process: the process of the thread, by default this process. A forked process has no such thread.
    """

    __slots__ = ("_args", "_by", "_call", "_errors", "_lock", "_over", "_value", "process")

    def __init__(self, call: Callable[..., Any], *args: Any) -> None:
        self._call, self._args = call, args
        self._by: dict[str, object] = {}  # `setdefault` claims the call atomically
        self._over, self._value = False, None
        self._errors: list[BaseException] = []
        self._lock, self.process = threading.Lock(), os.getpid()
        self._lock.acquire()

    def serve(self) -> None:
        """On another thread: make the call, unless another thread has made it or it was cancelled."""
        if self._taken_by(object()):
            self._make()

    def call_off(self) -> bool:
        """Cancel the call; False if a thread has begun with it already."""
        return self._taken_by(NOBODY)

    def result(self) -> Any:
        """The result of the call, or its error. If its thread is gone, the call is made here."""
        if not self.wait():
            self._make()
        if self._errors:
            raise self._errors.pop()  # a kept error would form a cycle: error, traceback, frame, task
        return self._value

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait for the end of the call; False if the time is over or the thread is gone."""
        deadline = time.monotonic() + seconds
        while not self._over and os.getpid() == self.process and not sys.is_finalizing():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._lock.acquire(timeout=min(left, POLL))
        return self._over

    def _taken_by(self, who: object) -> bool:
        return self._by.setdefault("by", who) is who

    def _make(self) -> None:
        try:
            self._value = self._call(*self._args)
        except BaseException as error:
            self._errors.append(error)
        finally:
            self._call, self._args, self._over = _nothing, (), True  # frees the arrays among the arguments
            self._lock.release()


Calls = SimpleQueue[Task | None]
"""A queue of calls for threads; None ends a thread."""


def serve(calls: Calls) -> None:
    """Make one call after another, until None comes."""
    while (task := calls.get()) is not None:
        task.serve()
        del task  # free its result before the next task arrives


def start_thread(task: Task, name: str) -> threading.Thread:
    """A daemon thread for one task.

    `Thread.start` waits on a condition, so it is called on a thread that gets no interrupts.
    """
    thread = threading.Thread(target=task.serve, name=name, daemon=True)
    _thread.start_new_thread(_begin, (thread, task))
    return thread


def _begin(thread: threading.Thread, task: Task) -> None:
    try:
        thread.start()
    except RuntimeError:  # no more threads in the system: this thread does the work
        task.serve()


def _nothing() -> None:
    """Replaces the function of a call that was made."""
