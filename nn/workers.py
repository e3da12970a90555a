"""The same function for several tasks, in several processes."""

from __future__ import annotations

import importlib
import pickle
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autograd_lite.errors import OptionError

from .kernels.threads import only_one_thread
from .options import check_whole
from .random import generator, manual_seed

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["spread"]

_function: list[Callable[[Any], Any]] = []
"""In a worker: what it does."""


def spread(who: str, function: Callable[[Any], Any], tasks: Sequence[Any], workers: int | None) -> list[Any]:
    """`[function(task) for task in tasks]`; each call has random numbers of its own.

    Args:
        who: the name of the caller, for messages.
        function: a function of a task; its results can be pickled.
        tasks: its arguments.
        workers: the number of processes with one thread each. The results do not depend on the number.
            None makes the calls in this process, with all threads.

    Raises:
        OptionError: `workers` is invalid, or the function cannot be sent to another process.
    """
    jobs = [(task, int(generator.integers(2**63))) for task in tasks]
    if workers is None:
        state = generator.bit_generator.state
        try:
            return [_seeded(function, *job) for job in jobs]
        finally:
            generator.bit_generator.state = state
    check_whole(who, "workers", workers, example=4)
    with warnings.catch_warnings(), _pool(who, min(workers, len(jobs) or 1), function) as pool:
        # Python warns of a fork while there are threads; BLAS and our kernels prepare for it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return list(pool.map(_work, jobs))


def _pool(who: str, workers: int, function: Callable[[Any], Any]) -> Executor:
    """MPI's processes under `mpiexec -n 5 python -m mpi4py.futures program.py`, else new ones."""
    import multiprocessing  # here, as both take milliseconds to import, and few programs need them
    from concurrent.futures import ProcessPoolExecutor

    options: Any = {"initializer": _begin, "initargs": (function,)}
    mpi = "mpi4py.futures" in sys.modules and sys.modules["mpi4py.MPI"].COMM_WORLD.Get_size() > 1
    if not mpi and sys.platform == "linux":  # a fork has all that this process has, lambdas too
        return ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), **options)
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise OptionError(
            f"{who}(workers={workers}): the function cannot be sent to another process ({error}); define it "
            "with def at the top of a file, outside of other functions"
        ) from error
    if mpi:
        executor: Executor = importlib.import_module("mpi4py.futures").MPIPoolExecutor(workers, **options)
        return executor
    return ProcessPoolExecutor(workers, **options)


def _begin(function: Callable[[Any], Any]) -> None:
    """Prepare a worker."""
    only_one_thread()
    _function[:] = [function]


def _work(job: tuple[Any, int]) -> Any:
    return _seeded(_function[0], *job)


def _seeded(function: Callable[[Any], Any], task: Any, seed: int) -> Any:
    manual_seed(seed)
    return function(task)
