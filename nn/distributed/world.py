"""The processes of a run, and what they do together: a thin layer of names over MPI.

`mpiexec -n 2 python train.py` starts a program in two processes. Each has a number, its rank. Without
`mpiexec` a program runs in one process, of rank 0.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import MissingPackageError, OptionError, ShapeError

__all__ = [
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "broadcast_object",
    "communicator",
    "destroy_process_group",
    "get_rank",
    "get_world_size",
    "init",
    "init_process_group",
    "is_available",
    "is_initialized",
    "rank",
    "world_size",
]

Array = npt.NDArray[Any]

_world: list[Any] = []
"""The communicator, once `init` has run."""


class ReduceOp:
    """What `all_reduce` does with the numbers of all ranks."""

    SUM, PRODUCT, MIN, MAX, AVG = "sum", "product", "min", "max", "avg"


class Work:
    """A communication that goes on; `wait()` returns when it has ended."""

    def __init__(self, request: Any, end: Callable[[], None]) -> None:
        self._request, self._end = request, end

    def wait(self) -> None:
        """Wait for the end."""
        if self._request is not None:
            finish(self._request)
            self._request = None
            self._end()

    def is_completed(self) -> bool:
        """Whether the communication has ended."""
        if self._request is not None and self._request.Test():
            self._request = None
            self._end()
        return self._request is None


SPINS = 200
"""How often to ask MPI before the process sleeps: some ten microseconds to a millisecond."""


def finish(request: Any) -> None:
    """Wait for a message; a process that waits for long lets others have its core.

    MPI's own wait never sleeps. With more processes than cores, a rank that waits so keeps the rank from
    running for which it waits.
    """
    for _ in range(SPINS):
        if request.Test():
            return
    while not request.Test():
        time.sleep(20e-6)


def is_available() -> bool:
    """Whether mpi4py is installed."""
    return importlib.util.find_spec("mpi4py") is not None


def is_initialized() -> bool:
    """Whether `init` has run."""
    return bool(_world)


def init(backend: str = "mpi", **options: Any) -> None:
    """Join the other processes of the run; further calls do nothing.

    From here on, an error in one process ends all of them: the process prints its rank and the error.

    Args:
        backend: "mpi"; PyTorch's "gloo" and "nccl" mean the same here.
        options: PyTorch's `init_method`, `rank`, `world_size` and `timeout`; mpiexec says them.

    Raises:
        MissingPackageError: mpi4py is not installed.

    Example:
        >>> import nn.distributed as dist
        >>> dist.init()                             # doctest: +SKIP
        >>> dist.rank(), dist.world_size()          # doctest: +SKIP
        (0, 1)
    """
    if backend not in ("mpi", "gloo", "nccl"):
        raise OptionError(f'init(backend={backend!r}): expected "mpi"')
    if _world:
        return
    try:
        mpi = importlib.import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py without a library of MPI
        raise MissingPackageError(
            f"nn.distributed needs MPI ({error}): pip install 'autograd-lite[mpi]', "
            "then mpiexec -n 2 python train.py"
        ) from error
    _world.append(mpi.COMM_WORLD)
    if world_size() > 1:
        sys.excepthook = _end_all


init_process_group = init


def _end_all(kind: Any, error: Any, trace: Any) -> None:
    """Print an error with its rank, and end all processes."""
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stdout.flush()
    sys.stderr.write(f"rank {rank()} of {world_size()}:\n{text}")
    sys.stderr.flush()
    communicator().Abort(130 if issubclass(kind, KeyboardInterrupt) else 1)


def destroy_process_group() -> None:
    """Leave the other processes; MPI itself ends with the program."""
    _world.clear()
    sys.excepthook = sys.__excepthook__


def communicator() -> Any:
    """MPI's communicator, for what this module does not have.

    Raises:
        OptionError: `init` has not run.
    """
    if not _world:
        raise OptionError("the processes have not met yet: call nn.distributed.init() first")
    return _world[0]


def rank() -> int:
    """The number of this process, from 0 on."""
    return int(communicator().Get_rank())


def world_size() -> int:
    """The number of processes."""
    return int(communicator().Get_size())


get_rank, get_world_size = rank, world_size


def barrier() -> None:
    """Wait until all ranks are here."""
    finish(communicator().Ibarrier())


def all_reduce(tensor: Any, op: str = ReduceOp.SUM, async_op: bool = False) -> Work | None:
    """Put the sum (product, smallest, largest, mean) over all ranks into a Tensor, on each rank.

    Args:
        tensor: a Tensor or an array of the same shape and dtype on all ranks; changed in place. Nothing is
            recorded.
        op: a name of `ReduceOp`.
        async_op: return at once a `Work`, whose `wait()` must be called before the numbers are read.

    Example:
        >>> import numpy as np, nn.distributed as dist
        >>> dist.init()                             # doctest: +SKIP
        >>> x = np.ones(3)
        >>> dist.all_reduce(x)                      # doctest: +SKIP
    """
    comm = communicator()
    array = _array(tensor)
    sent = np.ascontiguousarray(array)
    got = np.empty_like(sent)
    request = comm.Iallreduce(sent, got, _operation(op, sent.dtype))

    def end() -> None:
        array[...] = got / world_size() if op == ReduceOp.AVG else got

    work = Work(request, end)
    if async_op:
        return work
    work.wait()
    return None


def broadcast(tensor: Any, src: int = 0) -> None:
    """Give a Tensor of all ranks the numbers of the rank `src`; changed in place."""
    comm = communicator()
    _check_rank("broadcast", "src", src, world_size())
    array = _array(tensor)
    sent = np.ascontiguousarray(array)
    finish(comm.Ibcast(_bytes(sent), src))
    array[...] = sent


def all_gather(tensor_list: Any, tensor: Any = None) -> list[Array] | None:
    """The Tensors of all ranks, in the order of the ranks.

    Args:
        tensor_list: a list of `world_size()` Tensors, which are filled; or a Tensor: the list is returned.
        tensor: the Tensor of this rank, of the same shape and dtype on all ranks.
    """
    comm = communicator()
    own = np.ascontiguousarray(_array(tensor_list if tensor is None else tensor))
    got = np.empty((world_size(), *own.shape), own.dtype)
    finish(comm.Iallgather(_bytes(own), _bytes(got)))
    if tensor is None:
        return list(got)
    if len(tensor_list) != len(got):
        raise ShapeError(f"all_gather: {len(tensor_list)} Tensors for {len(got)} ranks")
    for place, value in zip(tensor_list, got, strict=True):
        _array(place)[...] = value
    return None


def broadcast_object(value: Any, src: int = 0) -> Any:
    """A picklable object of the rank `src`, on all ranks."""
    _check_rank("broadcast_object", "src", src, world_size())
    return communicator().bcast(value, src)


def all_gather_object(value: Any) -> list[Any]:
    """The picklable objects of all ranks, in the order of the ranks."""
    return list(communicator().allgather(value))


def place_of(who: str, num_replicas: int | None, given: int | None) -> tuple[int, int]:
    """The number of ranks and the rank as given, else those of the run: 1 and 0 before `init`."""
    ranks = (world_size() if _world else 1) if num_replicas is None else num_replicas
    own = (rank() if _world else 0) if given is None else given
    _check_rank(who, "rank", own, ranks)
    return ranks, own


def _check_rank(who: str, option: str, given: int, ranks: int) -> None:
    if not 0 <= given < ranks:
        raise OptionError(f"{who}({option}={given}): there are the ranks 0 to {ranks - 1}")


def _array(x: Any) -> Array:
    """The array of a Tensor, which may be written into."""
    if isinstance(x, Tensor):
        return x.data if x.requires_grad else x.numpy()
    if not isinstance(x, np.ndarray):
        raise OptionError(f"expected a Tensor or an array, which is changed in place; got {type(x).__name__}")
    return x


def _bytes(x: Array) -> Array:
    """The bytes of an array: MPI has no half precision."""
    return x.reshape(-1).view(np.uint8)


def _operation(op: str, dtype: np.dtype[Any]) -> Any:
    """MPI's operation."""
    mpi = importlib.import_module("mpi4py.MPI")
    known = {
        **{ReduceOp.SUM: mpi.SUM, ReduceOp.AVG: mpi.SUM, ReduceOp.PRODUCT: mpi.PROD},
        **{ReduceOp.MIN: mpi.MIN, ReduceOp.MAX: mpi.MAX},
    }
    if op not in known:
        raise OptionError(f"all_reduce(op={op!r}): expected one of {', '.join(known)}")
    return known[op]
