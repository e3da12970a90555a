"""What a Trainer does with several ranks: it divides the data, and weighs and collects the results."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, OptionError

from ..data import BatchSampler, DataLoader, RandomSampler, SequentialSampler
from ..module import Module
from ..options import check_whole
from ..random import generator
from ..training.alone import Alone
from ..training.outcomes import Loss, number, outcome, output_of
from ..training.passes import Learned, Passes, Sizes
from ..training.seen import Seen
from .agreement import check_equal
from .parallel import DistributedDataParallel
from .sampler import DistributedSampler
from .stream import DistributedStream
from .sync_norm import SyncBatchNorm
from .world import all_gather_object, all_reduce, broadcast_object, init, rank, world_size

__all__ = ["Ranks"]

Array = npt.NDArray[Any]


class Ranks(Alone):
    """Options of `Trainer(..., distributed=...)`; `distributed=True` takes the defaults.

    Each rank trains on its own samples. Gradients, losses and metrics are those of all samples, as if one
    rank had made the batches of all ranks at once.

    Before each epoch rank 0 draws a number. The order of the samples and the random numbers of the other
    ranks (dropout, augmentation) follow from this number. So `nn.manual_seed` decides all of them, and the
    file of rank 0 is enough to resume a run, also on another number of ranks.

    Args:
        check_every: compare the parameters of all ranks after this number of batches, and after each epoch.
        options: of `DistributedDataParallel`, e.g. `half=True`.

    Example:
        >>> import nn, nn.distributed as dist
        >>> model = nn.Linear(2, 1)
        >>> trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1),
        ...                      distributed=dist.Ranks(check_every=10))              # doctest: +SKIP
    """

    def __init__(self, check_every: int = 100, **options: Any) -> None:
        check_whole("Ranks", "check_every", check_every, example=100)
        self.check_every, self.options = check_every, options

    def join(self, model: Module, compile: bool) -> None:
        """Give all ranks the weights of rank 0."""
        if compile:
            raise OptionError(
                "Trainer(compile=True, distributed=True): a plan does not hold the messages between the "
                "ranks; leave compile=True out"
            )
        init()
        self.first = rank() == 0
        parallel = isinstance(model, DistributedDataParallel)
        self.model: Any = model if parallel else DistributedDataParallel(model, **self.options)
        self.passes = _RanksPasses(self.model)
        self._nothing: Any = None

    def parted(self, loader: DataLoader) -> DataLoader:
        """A loader of every n-th sample; a loader that is divided already stays as it is."""
        if loader.streamed and not isinstance(loader.dataset, DistributedStream):
            raise OptionError(
                "Trainer(distributed=True): each rank would read the whole stream; write "
                "nn.distributed.DistributedStream(stream), or DistributedStream(stream, own=True) for a "
                "stream with the samples of this rank alone"
            )
        sampler = _sampler_of(loader)
        if loader.streamed or isinstance(sampler, DistributedSampler):
            return loader
        lengths = all_gather_object(len(loader.dataset))
        if len(set(lengths)) > 1:
            raise DataError(
                f"Trainer(distributed=True): the ranks have {lengths} samples; give all ranks the same data, "
                "of which each takes its own samples; before a random split, call nn.manual_seed(0)"
            )
        whole = isinstance(sampler, SequentialSampler) or (
            isinstance(sampler, RandomSampler) and not sampler.replacement and len(sampler) == lengths[0]
        )
        if not whole or type(loader.batch_sampler) not in (BatchSampler, type(None)):
            raise OptionError(
                f"Trainer(distributed=True): a {type(sampler).__name__} can't be divided among the ranks; "
                "write nn.DataLoader(dataset, batch_size, sampler=nn.distributed.DistributedSampler(dataset))"
            )
        part = copy.copy(loader)
        part.sampler = _Order(loader.dataset, shuffle=isinstance(sampler, RandomSampler))
        if isinstance(loader.batch_sampler, BatchSampler):
            batches = loader.batch_sampler
            part.batch_sampler = BatchSampler(part.sampler, batches.batch_size, batches.drop_last)
        return part

    def begin(self, loader: DataLoader, epoch: int) -> None:
        """Choose the order of an epoch, and the random numbers of the ranks."""
        seed = broadcast_object(int(generator.integers(2**63)))
        sampler = _sampler_of(loader)
        if isinstance(sampler, _Order):
            sampler.seed = seed
        if isinstance(sampler, DistributedSampler):
            sampler.set_epoch(epoch)
        if not self.first:
            generator.bit_generator.state = np.random.default_rng([seed, rank()]).bit_generator.state

    def end(self) -> None:
        """Give all ranks the random numbers of rank 0 again."""
        generator.bit_generator.state = broadcast_object(generator.bit_generator.state)

    def in_step(self, batches: Iterable[tuple[Array, Array]]) -> Iterator[tuple[Array, Array]]:
        """The batches of this rank, then empty ones until all ranks are at the end."""
        rest = iter(batches)
        for step in range(2**63):
            batch = next(rest, None)
            if batch is not None and self._nothing is None:
                self._nothing = batch[0][:0], batch[1][:0]
            counts = np.array([batch is not None, self._nothing is None], np.int64)
            all_reduce(counts)
            if not counts[0]:
                self.model.share_buffers()
                return
            if counts[1]:
                every = all_gather_object(self._nothing)
                self._nothing = next(x for x in every if x is not None)
            if step and step % self.check_every == 0:
                check_equal(self.model.module)
            yield self._nothing if batch is None else batch

    def gathered(self, seen: Seen, losses: bool) -> Seen:
        """The results of all ranks, the same on each."""
        pairs = [(y, t) for y, t in zip(seen.outputs, seen.targets, strict=True) if len(t)]
        every = all_gather_object((pairs, seen.losses, seen.sizes) if losses or seen.keep else None)
        if not losses and not seen.keep:
            return seen
        found = Seen(seen.keep, seen.losses, seen.sizes)
        if losses:
            found.losses = [x for _, part, _ in every for x in part]
            found.sizes = [x for _, _, part in every for x in part]
        for part, _, _ in every:
            found.outputs += [y for y, _ in part]
            found.targets += [t for _, t in part]
        return found

    def agreed(self, stop: bool) -> bool:
        """Whether a rank wants to stop; all parameters must be equal, and buffers become equal."""
        check_equal(self.model.module)
        return any(all_gather_object(bool(stop)))


def _sampler_of(loader: DataLoader) -> Any:
    """What orders the samples: the loader's own sampler, or that of its batches."""
    return loader.sampler or getattr(loader.batch_sampler, "sampler", None)


class _Order(DistributedSampler):
    """The samples of a rank, in an order whose seed `begin` sets."""


class _RanksPasses(Passes):
    """The passes over a batch of all ranks: the loss and its divisor are those of all samples."""

    def __init__(self, model: Any) -> None:
        super().__init__(compiled=False)
        self.model = model
        self._synced = any(isinstance(m, SyncBatchNorm) for m in model.modules())

    def learn(
        self, model: Module, loss: Loss, x: Array, t: Array, sizes: Sizes, params: Sequence[Tensor]
    ) -> Learned:
        """The forward pass; the loss is weighted by the samples of this rank before the backward pass.

        A rank without samples takes part in the messages of the others. Batch norm over all ranks sends
        some too, so there the model sees an empty batch.
        """
        output: Any = None
        result: Any = None
        size: float | None = 0.0
        if len(t):
            output, result, size = outcome(self.model, loss, x, t)
        elif self._synced:
            output = output_of(self.model, x)
        elif self.model.broadcast_buffers:
            self.model.share_buffers()
        value, whole = _of_all(0.0 if result is None else number(result), size)
        unit = next(filter(None, sizes), whole)

        def backward() -> None:
            if whole == 0:
                return
            if result is not None and size != 0:
                weight = world_size() * (1.0 if size is None or unit is None else size / unit)
                result.backward(np.asarray(weight, result.dtype))
            elif output is not None:
                np.sum(output * 0).backward()
            else:
                self.model.averager.join()

        return (x if output is None else output.numpy()), np.float64(value), whole, backward


def _of_all(value: float, size: float | None) -> tuple[float, float | None]:
    """The loss of all samples and its divisor, from those of each rank; None for sums."""
    sums = np.array([value, 0, 1] if size is None else [value * size if size else 0, size, 0], np.float64)
    all_reduce(sums)
    total, divisor, is_sum = sums.tolist()
    if is_sum:
        return total, None
    return (total / divisor, divisor) if divisor else (math.nan, 0.0)
