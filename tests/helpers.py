"""What many tests share: leaves, tests over a table of samples, checks of derivatives, threads, processes."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite.testing import check_grads

__all__ = ["at_samples", "by_op", "check_both_orders", "in_threads", "leaf", "peak", "python", "second_order"]

ROOT = Path(__file__).parents[1]
"""The folder of the repository."""

second_order = pytest.mark.parametrize(
    "along", [1, pytest.param(None, marks=pytest.mark.slow)], ids=["direction", "entries"]
)
"""Runs a test twice: with second derivatives along one random direction, and, slow, entry by entry."""


def leaf(value: Any, name: str | None = None, dtype: Any = None) -> Any:
    """A Tensor that gradients are asked of."""
    return ag.Tensor(value, requires_grad=True, dtype=dtype, name=name)


def by_op(samples: Iterable[Any]) -> list[Any]:
    """The samples in lists, one for each op, as the cases of a test."""
    groups = itertools.groupby(samples, lambda sample: sample.op.__name__)
    return [pytest.param(list(group), id=name) for name, group in groups]


def at_samples(samples: Iterable[Any]) -> Callable[[Callable[[Any], None]], Any]:
    """Decorate a test of one sample: it becomes one test for each op, and a failure names the sample.

    pytest needs more time for a test than most samples take.
    """

    def decorate(test: Callable[[Any], None]) -> Any:
        def at_all(samples: list[Any]) -> None:
            for sample in samples:
                try:
                    test(sample)
                except Exception as error:
                    error.add_note(f"at the sample {sample}")
                    raise

        at_all.__name__, at_all.__doc__ = test.__name__, test.__doc__
        return pytest.mark.parametrize("samples", by_op(samples))(at_all)

    return decorate


def in_threads(work: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Call `work` with each item in a thread of its own, and wait for all of them."""
    threads = [threading.Thread(target=work, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def python(
    *arguments: str,
    unset: Sequence[str] = (),
    timeout: float | None = None,
    folder: Path = ROOT,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, with the modules of this tree.

    Args:
        arguments: of the command line, such as "-c" and a program.
        unset: beginnings of the names of environment variables to leave out.
        timeout: seconds after which the process is stopped, and the test fails.
        folder: the working directory, which Python searches first after `-c` and `-m`.
        variables: of the environment.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(tuple(unset))}
    environment = {**kept, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def check_both_orders(f: Callable[..., Any], args: Any, along: int | None) -> None:
    """Check first derivatives entry by entry, and second ones along random directions of each argument.

    A random direction moves all entries at once, so a fault in any entry shows. `along=0` checks first
    derivatives alone. `along=None` checks second derivatives entry by entry too, which names the entry and
    takes many times as long.
    """
    if along is not None:
        check_grads(f, args, order=1)
    if along != 0:
        check_grads(f, args, order=2, directions=along)


def peak(run: Callable[[], Any]) -> int:
    """The most bytes that Python's allocator had at once in the second run, beyond those before."""
    run()
    gc.collect()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
