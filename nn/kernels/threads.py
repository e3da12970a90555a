"""Kernels on several threads: NumPy releases the interpreter lock while it copies, adds and multiplies.

Python threads share the images of a batch. Meanwhile BLAS, which would spread each matrix product over all
cores, is limited to one thread. So the copies between the products run on all cores too. The work of each
thread stays in the cache of its core. The number of threads is that of BLAS, so `OPENBLAS_NUM_THREADS` and
threadpoolctl work here too.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import cache
from itertools import pairwise
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np

from .tasks import Calls, Task, serve, start_thread

__all__ = [
    "Start",
    "beside",
    "blas_on_one_thread",
    "in_parallel",
    "only_one_thread",
    "started",
    "thread_count",
]

_T = TypeVar("_T")
_R = TypeVar("_R")


def in_parallel(work: Callable[[Sequence[_T]], _R], items: Sequence[_T]) -> list[_R]:
    """Share `items` among the threads, and return the result of `work` for each part, in order.

    Each part costs some 20 microseconds, so the work should take a millisecond or more.
    """
    count = min(thread_count(), len(items))
    if count < 2:
        return [work(items)]
    ends = [len(items) * i // count for i in range(count + 1)]
    parts = [items[a:b] for a, b in pairwise(ends)]
    with beside() as start:
        others = [start(work, part) for part in parts[1:]]
        first = work(parts[0])
        return [first, *(result() for result in others)]


Start = Callable[..., Callable[[], Any]]
"""`start(work, *args)` starts the work and returns a function that waits for the result."""


@contextmanager
def beside(wanted: bool = True) -> Iterator[Start]:
    """Threads for work beside the caller; all work is finished at the end of the block.

    With one thread, or if not `wanted`, the work is done at once by the caller.
    """
    if not wanted or thread_count() < 2:
        yield _at_once
        return
    begun: list[Task] = []
    interrupts: list[BaseException] = []

    def start(work: Callable[..., Any], *args: Any) -> Callable[[], Any]:
        task = Task(copy_context().run, work, *args)  # carries np.errstate to the thread
        begun.append(task)
        _pool().put(task)
        return task.result

    with blas_on_one_thread():
        try:
            yield start
        except KeyboardInterrupt as error:
            interrupts.append(error)
            raise
        finally:  # No work may outlive the block, so an interrupt waits too.
            while True:  # There is no call between these lines, so no interrupt either.
                try:
                    for task in begun[-1:]:  # an interrupt may have come before `put`; no task is made twice
                        _pool().put(task)
                    for task in begun:
                        if not (interrupts and task.call_off()):
                            task.wait()
                    break
                except BaseException as error:
                    interrupts.append(error)
            if interrupts:
                raise interrupts.pop()


def _at_once(work: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    result = work(*args)
    return lambda: result


def thread_count() -> int:
    """The number of threads that BLAS would use; 1 if it is unknown, to be safe."""
    threads = _blas_threads()
    return 1 if threads is None else _before if _inside else threads[0]()


def started() -> bool:
    """Whether the threads of the kernels have been started, i.e. any work was shared before."""
    return bool(_queues)


@cache
def _blas_threads() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Functions that get and set the number of threads of NumPy's OpenBLAS; None for another BLAS."""
    try:
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name in ("scipy_openblas_{}64_", "openblas_{}64_", "scipy_openblas_{}", "openblas_{}"):
        try:
            return library[name.format("get_num_threads")], library[name.format("set_num_threads")]
        except AttributeError:
            continue
    return None


_lock = threading.Lock()
_inside: set[object] = set()
_before = 1


@contextmanager
def blas_on_one_thread() -> Iterator[None]:
    """Limit BLAS to one thread. Several callers may be inside; the last one out restores the number."""
    global _before
    get, set_ = _blas_threads() or (lambda: 1, lambda n: None)
    me = object()
    interrupts: list[BaseException] = []
    try:
        with _lock:
            if not _inside:
                _before = get()
            _inside.add(me)
            set_(1)
        yield
    finally:
        while True:  # repeat until no interrupt breaks in; each line may run twice
            try:
                with _lock:
                    if _inside == {me}:
                        set_(_before)
                    _inside.discard(me)
                break
            except BaseException as error:
                interrupts.append(error)
        if interrupts:
            raise interrupts.pop()


def only_one_thread() -> None:
    """Limit BLAS and the kernels of this process to one thread, for a process that shares the machine."""
    if blas := _blas_threads():
        blas[1](1)


_queues: list[Calls] = []
"""The queue of the threads of the kernels, once they are started."""


def _pool() -> Calls:
    """The queue of the threads of the kernels, which are started on first use."""
    if _queues:
        return _queues[0]
    calls: Calls = SimpleQueue()
    start_thread(Task(serve, calls), "autograd-lite_0")
    with suppress(RuntimeError):  # the system may have no more threads to give
        for i in range(1, (os.cpu_count() or 2) - 1):
            start_thread(Task(serve, calls), f"autograd-lite_{i}")
    _queues.append(calls)
    return calls


def _after_fork() -> None:
    """Start afresh: a forked process inherits the queue, but not the threads."""
    global _lock
    if _inside and (blas := _blas_threads()):
        blas[1](_before)
    _queues.clear()
    _inside.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
