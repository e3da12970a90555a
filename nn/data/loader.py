"""Batches out of datasets, made as they are asked for or ahead of time."""

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
"""What comes after the last batch of a stream."""

PATIENCE = 2.0
"""Seconds that the end of an iteration waits for its thread, which may be stuck in a file."""


class DataLoader:
    """Iterates over a dataset in batches of Tensors; each `for` over it is one epoch.

    With `num_workers` above 0, a thread makes the next batches while the program uses the last one: this
    pays where making samples means waiting, for files above all. Batches and their order are the same, and so
    are the random numbers of `nn.transforms`: they come from a generator of the epoch.

    Args:
        dataset: a Dataset, or any sequence of samples (arrays, numbers, tuples or dicts of them).
        batch_size: how many samples a batch has; the last one may have fewer. None for samples one by one,
            without a batch axis.
        shuffle: whether each epoch has an order of its own.
        sampler: the order, as places: in place of `shuffle`.
        batch_sampler: the batches, as lists of places: in place of `batch_size`, `shuffle`, `sampler` and
            `drop_last`.
        num_workers: 0, or more for a thread that works ahead.
        collate_fn: puts a list of samples together; by default `default_collate`.
        pin_memory: without effect, as are `timeout`, `multiprocessing_context`, `persistent_workers`,
            `pin_memory_device` and `in_order`: they are about processes and other devices.
        drop_last: leave out a last batch that is smaller.
        timeout: see `pin_memory`.
        worker_init_fn: called with 0 on the thread that works ahead, before its first batch.
        multiprocessing_context: see `pin_memory`.
        generator: a NumPy Generator or a seed that decides on the order; by default the one that
            `nn.manual_seed` seeds.
        prefetch_factor: `num_workers * prefetch_factor` batches are made ahead; 2 by default.
        persistent_workers: see `pin_memory`.
        pin_memory_device: see `pin_memory`.
        in_order: see `pin_memory`.

    Raises:
        OptionError: an option that cannot be, or that excludes another.
        DTypeError: the dataset is no sequence of samples, but e.g. the pair (X, y).

    Example:
        >>> import numpy as np, nn
        >>> X, y = np.arange(10).reshape(5, 2), np.arange(5)
        >>> [len(x) for x, t in nn.DataLoader(nn.TensorDataset(X, y), batch_size=2)]
        [2, 2, 1]
    """

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
                "a stream has the order it comes in",
                shuffle=shuffle,
                sampler=sampler,
                batch_sampler=batch_sampler,
            )
        if sampler is not None:
            exclude("a sampler decides on the order", shuffle=shuffle)
        if batch_sampler is not None:
            exclude(
                "a batch_sampler decides on the batches",
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
        tasks = self._tasks()
        made = (
            made_ahead(make, tasks, ahead, self.worker_init_fn) if ahead else (make(task) for task in tasks)
        )
        return takewhile(lambda batch: batch is not END, made)

    def _tasks(self) -> Iterable[Any]:
        """What to make batches of: places; nothing for a stream, which knows itself how it goes on."""
        if self.streamed:
            return repeat(None)
        return self.sampler if self.batch_sampler is None else self.batch_sampler  # type: ignore[return-value]

    def _fetch(self) -> Callable[[Any], Any]:
        """Makes the batch of a task; END where a stream is over."""
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
    """`map(make, tasks)`, where a thread makes the next ones while the last is used.

    Tasks are taken from their iterator here and not on the thread, so that an order that is drawn while it
    is gone through does not depend on how far ahead the thread is. However the iteration ends, by an
    exception, a `break` or an interrupt, the thread ends with it: after the batch that it is making, for
    which it is waited no longer than `PATIENCE`.

    Args:
        make: called on the thread, with one task after another.
        tasks: arguments of `make`.
        ahead: how many results may wait.
        begin: called with 0 on the thread before all else.
    """
    context = copy_context()  # np.errstate and the like hold there too
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
        calls.put(None)  # in C, and so before an interrupt can come
        for task in waiting:
            task.call_off()
        if not served.call_off() and served.wait(PATIENCE) and thread.is_alive():
            thread.join(PATIENCE)


def get_worker_info() -> None:
    """None, as in PyTorch's main process: one thread at most makes all samples, so that a stream is whole."""


# -- what cannot be --------------------------------------------------------------------------------


def exclude(reason: str, **options: Any) -> None:
    """Refuse options that another one decides on."""
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given:
        raise OptionError(f"DataLoader: {reason}; leave {', '.join(given)} out")


def check_samples(dataset: Any, batch_size: Any, ordered: bool) -> None:
    """Refuse arrays that are not put together into samples, and what has no order to draw from."""
    arrays = (Tensor, np.ndarray)
    columns = isinstance(dataset, (tuple, list)) and all(isinstance(x, arrays) for x in dataset)
    # A list of arrays of one shape is a fine dataset; one of X and y has columns in place of samples.
    columns = columns and (isinstance(dataset, tuple) or are_columns(dataset))
    if columns or isinstance(batch_size, arrays):
        raise DTypeError(
            "DataLoader: inputs and targets are put together into samples first; write "
            "nn.DataLoader(nn.TensorDataset(X, y), batch_size=32)"
        )
    if isinstance(dataset, IterableDataset):
        return
    if not hasattr(dataset, "__getitem__") or (ordered and not hasattr(dataset, "__len__")):
        raise DTypeError(
            f"DataLoader: a {type(dataset).__name__} is no sequence of samples, with a length and an index; "
            "write list(...), or a class that inherits from nn.Dataset or nn.data.IterableDataset"
        )


def are_columns(arrays: list[Any]) -> bool:
    """Whether arrays are equally long and yet no samples of one shape."""
    lengths = {x.shape[:1] for x in arrays}
    return len(lengths) == 1 and () not in lengths and len({x.shape for x in arrays}) > 1
