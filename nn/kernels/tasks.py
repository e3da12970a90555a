"""Calls on other threads, with nothing that an interrupt could leave locked.

`concurrent.futures` waits on conditions, and so does `Thread.start`: these are locks that Python code takes
and gives back. An interrupt between two lines of that code leaves such a lock taken, and whoever asks for it
next waits for ever. Here the thread that interrupts reach takes only locks that C code takes and gives back:
a `SimpleQueue` brings the calls to the others, and each call has a lock that is let go when the call is over.
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
"""Seconds after which a wait looks around: some systems hear no interrupt while they wait."""

NOBODY = object()
"""Who takes a call that is called off."""


class Task:
    """A call that another thread is to make, and what comes of it.

    The thread takes the call when it begins, unless the call was called off before. Who has it may be asked
    again and again, as is done after an interrupt.

    Args:
        call: what is called.
        args: what with.

    Attributes:
        process: where the thread is that is to make it: by default here. A fork leaves threads behind.
    """

    __slots__ = ("_args", "_by", "_call", "_errors", "_lock", "_over", "_value", "process")

    def __init__(self, call: Callable[..., Any], *args: Any) -> None:
        self._call, self._args = call, args
        self._by: dict[str, object] = {}  # `setdefault` asks who has the call and takes it, in one step
        self._over, self._value = False, None
        self._errors: list[BaseException] = []
        self._lock, self.process = threading.Lock(), os.getpid()
        self._lock.acquire()

    def serve(self) -> None:
        """On another thread: make the call, unless it was made or called off."""
        if self._taken_by(object()):
            self._make()

    def call_off(self) -> bool:
        """Whether no thread has begun with the call, and so none will."""
        return self._taken_by(NOBODY)

    def result(self) -> Any:
        """What the call returns, or the error that it raises; it is made here if its thread is no more."""
        if not self.wait():
            self._make()
        if self._errors:
            raise self._errors.pop()  # kept here, it would keep its traceback, which keeps this
        return self._value

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait for the end of the call; False if it does not come, as the thread is no more."""
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
            self._call, self._args, self._over = _nothing, (), True  # the arrays in them may go
            self._lock.release()


Calls = SimpleQueue[Task | None]
"""What threads are served with; None ends one."""


def serve(calls: Calls) -> None:
    """Make one call after another, until None comes."""
    while (task := calls.get()) is not None:
        task.serve()
        del task  # its result is not to be kept until the next one comes


def start_thread(task: Task, name: str) -> threading.Thread:
    """A thread for one task, which does not keep the interpreter from ending.

    `Thread.start` waits on a condition, so that it is called on a thread that no interrupt reaches.
    """
    thread = threading.Thread(target=task.serve, name=name, daemon=True)
    _thread.start_new_thread(_begin, (thread, task))
    return thread


def _begin(thread: threading.Thread, task: Task) -> None:
    try:
        thread.start()
    except RuntimeError:  # the system has no other thread to give: this one does the work
        task.serve()


def _nothing() -> None:
    """In the place of a call that was made."""
