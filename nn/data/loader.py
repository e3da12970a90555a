"""DataLoader: batches of a dataset, made on request or ahead of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from itertools import islice, repeat, takewhile
from queue import SimpleQueue
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError

from ..kernels.tasks import Calls, Task, serve, start_thread
from ..options import check_whole
from ..random import as_generator, drawn_from, sample_generator, seeded
from .collate import default_collate, default_convert
from .datasets import IterableDataset, batch_of, declared
from .samplers import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader", "get_worker_info"]

END = object()
"""Marks the end of a stream."""

PATIENCE = 2.0
"""Seconds to wait for the thread at the end of an iteration; the thread may be stuck in a file."""


class DataLoader:
    """Iterates over a dataset in batches of Tensors; each `for` loop over the loader is one epoch.

    With `num_workers` above 0, a thread makes the next batches while the program uses the current one. This
    pays if making samples means waiting, e.g. for files. The batches, their order and the random numbers of
    `nn.transforms` do not depend on the thread.

    Args:
        dataset: a Dataset, or any sequence of samples (arrays, numbers, tuples or dicts of them).
        batch_size: the number of samples in a batch; the last batch may be smaller. None gives single
            samples without a batch axis.
        shuffle: draw a new random order for each epoch.
        sampler: an iterable of indices that sets the order, in place of `shuffle`.
        batch_sampler: an iterable of lists of indices, one for each batch, in place of `batch_size`,
            `shuffle`, `sampler` and `drop_last`.
        num_workers: 0, or more for a thread that works ahead.
        collate_fn: makes a batch from a list of samples; by default `default_collate`.
        pin_memory: no effect; nor have `timeout`, `multiprocessing_context`, `persistent_workers`,
            `pin_memory_device` and `in_order`, which concern processes and other devices.
        drop_last: drop the last batch if it is smaller.
        timeout: see `pin_memory`.
        worker_init_fn: a function that the thread calls with 0, before its first batch.
        multiprocessing_context: see `pin_memory`.
        generator: a NumPy Generator or a seed for the order; by default the generator that
            `nn.manual_seed` seeds.
        prefetch_factor: make `num_workers * prefetch_factor` batches ahead; 2 by default.
        persistent_workers: see `pin_memory`.
        pin_memory_device: see `pin_memory`.
        in_order: see `pin_memory`.

    Raises:
        OptionError: an option has an invalid value, or excludes another option.
        DTypeError: the dataset is not a sequence of samples, but e.g. the pair (X, y).

    Example:
        >>> import numpy as np, nn
        >>> X, y = np.arange(10).reshape(5, 2), np.arange(5)
        >>> [len(x) for x, t in nn.DataLoader(nn.TensorDataset(X, y), batch_size=2)]
        [2, 2, 1]
    """

    heard: Callable[[Any], object] | None = None  # called with the indices of each batch

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], object] | None = None,
        multiprocessing_context: Any = None,
        generator: np.random.Generator | int | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        check_samples(dataset, batch_size, ordered=sampler is None and batch_sampler is None)
        if batch_size is not None:
            check_whole("DataLoader", "batch_size", batch_size, example=32)
        check_whole("DataLoader", "num_workers", num_workers, least=0)
        if prefetch_factor is not None:
            check_whole("DataLoader", "prefetch_factor", prefetch_factor, example=2)
        self.dataset = dataset
        self.generator = as_generator("DataLoader", generator)
        self.collate_fn = collate_fn or (default_convert if batch_size is None else default_collate)
        self.num_workers, self.prefetch_factor = num_workers, prefetch_factor
        self.worker_init_fn = worker_init_fn
        self.pin_memory, self.timeout, self.persistent_workers = pin_memory, timeout, persistent_workers
        self.streamed = isinstance(dataset, IterableDataset)
        if self.streamed:
            exclude(
                "a stream has its own order",
                shuffle=shuffle,
                sampler=sampler,
                batch_sampler=batch_sampler,
            )
        if sampler is not None:
            exclude("a sampler sets the order", shuffle=shuffle)
        if batch_sampler is not None:
            exclude(
                "a batch_sampler sets the batches",
                batch_size=batch_size != 1,
                shuffle=shuffle,
                sampler=sampler,
                drop_last=drop_last,
            )
            batch_size = None
        if not self.streamed and batch_sampler is None:
            if sampler is None and shuffle:
                sampler = RandomSampler(dataset, generator=self.generator)
            elif sampler is None:
                sampler = SequentialSampler(dataset)
            batch_sampler = None if batch_size is None else BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler

    def __len__(self) -> int:
        order: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
        if order is not None:
            return len(order)
        n, size = len(self.dataset), self.batch_size or 1
        return n // size if self.drop_last else -(-n // size)

    def __iter__(self) -> Iterator[Any]:
        numbers = sample_generator()
        held = isinstance(self.dataset, (list, tuple, range, np.ndarray, Tensor))
        if declared(self.dataset, "is_random", not held):
            numbers = seeded(int(self.generator.integers(2**63)))
        fetch = self._fetch()

        def make(task: Any) -> Any:
            with drawn_from(numbers):
                return fetch(task)

        ahead = self.num_workers * (self.prefetch_factor or 2)
        tasks = self._tasks() if self.heard is None else _told(self._tasks(), self.heard)
        made = (
            made_ahead(make, tasks, ahead, self.worker_init_fn) if ahead else (make(task) for task in tasks)
        )
        return takewhile(lambda batch: batch is not END, made)

    def _tasks(self) -> Iterable[Any]:
        """The indices of each batch; None for each batch of a stream."""
        if self.streamed:
            return repeat(None)
        return self.sampler if self.batch_sampler is None else self.batch_sampler  # type: ignore[return-value]

    def _fetch(self) -> Callable[[Any], Any]:
        """A function that makes the batch of a task; it returns END at the end of a stream."""
        collate, size = self.collate_fn, self.batch_size
        if not self.streamed:
            single = self.batch_sampler is None
            return lambda task: (
                collate(self.dataset[task]) if single else batch_of(self.dataset, task, collate)
            )
        stream = iter(self.dataset)

        def following(_: None) -> Any:
            samples = list(islice(stream, size or 1))
            if not samples or (self.drop_last and len(samples) < (size or 1)):
                return END
            return collate(samples if size else samples[0])

        return following


def made_ahead(
    make: Callable[[Any], Any], tasks: Iterable[Any], ahead: int, begin: Callable[[int], object] | None
) -> Iterator[Any]:
    """`map(make, tasks)`, where a thread makes the next results while the current one is used.

    The caller's thread iterates over the tasks. So an order that is drawn during the iteration does not
    depend on how far ahead the other thread is. When the iteration ends (also by an exception, a `break` or
    an interrupt), the thread ends after its current batch. The end waits for the thread, but at most
    `PATIENCE` seconds.

    Args:
        make: a function of one task, called on the thread.
        tasks: the arguments of `make`.
        ahead: the largest number of results that wait.
        begin: a function that the thread calls with 0 first.
    """
    context = copy_context()  # carries np.errstate to the thread
    calls: Calls = SimpleQueue()
    waiting: deque[Task] = deque()
    served = Task(serve, calls)
    thread = start_thread(served, "DataLoader")

    def order(call: Callable[[Any], Any], argument: Any) -> Task:
        task = Task(context.run, call, argument)
        task.process = served.process
        calls.put(task)
        return task

    try:
        if begin is not None:
            order(begin, 0).result()
        for task in tasks:
            waiting.append(order(make, task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        calls.put(None)  # C code, which no interrupt can break
        for task in waiting:
            task.call_off()
        if not served.call_off() and served.wait(PATIENCE) and thread.is_alive():
            thread.join(PATIENCE)


def get_worker_info() -> None:
    """None, as in PyTorch's main process: a single thread makes all samples, so a stream is never divided."""


def _told(tasks: Iterable[Any], heard: Callable[[Any], object]) -> Iterator[Any]:
    """The same tasks; each is told before its batch is made."""
    for task in tasks:
        heard(task)
        yield task


# -- checks ----------------------------------------------------------------------------------------


def exclude(reason: str, **options: Any) -> None:
    """Refuse options that another option excludes."""
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given:
        raise OptionError(f"DataLoader: {reason}; leave {', '.join(given)} out")


def check_samples(dataset: Any, batch_size: Any, ordered: bool) -> None:
    """Refuse arrays that are not combined into samples, and objects without a length and an index."""
    arrays = (Tensor, np.ndarray)
    columns = isinstance(dataset, (tuple, list)) and all(isinstance(x, arrays) for x in dataset)
    # A list of arrays of one shape is a valid dataset; the list [X, y] has columns instead of samples.
    columns = columns and (isinstance(dataset, tuple) or are_columns(dataset))
    if columns or isinstance(batch_size, arrays):
        raise DTypeError(
            "DataLoader: combine inputs and targets into samples first; write "
            "nn.DataLoader(nn.TensorDataset(X, y), batch_size=32)"
        )
    if isinstance(dataset, IterableDataset):
        return
    if not hasattr(dataset, "__getitem__") or (ordered and not hasattr(dataset, "__len__")):
        raise DTypeError(
            f"DataLoader: a {type(dataset).__name__} is not a sequence of samples with a length and an "
            "index; write list(...), or a class that inherits from nn.Dataset or nn.data.IterableDataset"
        )


def are_columns(arrays: list[Any]) -> bool:
    """Whether arrays have equal lengths but different shapes, as inputs and targets have."""
    lengths = {x.shape[:1] for x in arrays}
    return len(lengths) == 1 and () not in lengths and len({x.shape for x in arrays}) > 1
