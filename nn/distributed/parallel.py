"""`DistributedDataParallel`: a model on several ranks, each with its part of a batch."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import autograd_lite as ag
from autograd_lite.errors import DataError, OptionError

from ..module import Module
from .averager import Averager
from .world import all_gather_object, broadcast, rank, world_size

__all__ = ["DistributedDataParallel"]


@ag.primitive
def _seen(value: Any, _send: Any) -> Any:
    """The value unchanged; in the backward pass `_send` sees its gradient."""
    return value


ag.defvjp(_seen, joint=lambda g, y, value, _send: (_send(g), None))


class DistributedDataParallel(Module):
    """A model whose gradients are averaged over all ranks while the backward pass goes on.

    Each rank has the model, computes on its own samples, and makes the same step of the optimizer. Weights
    and buffers of rank 0 are given to all ranks once, here.

    Args:
        module: the model, the same on all ranks.
        bucket_cap_mb: a message has at most this many megabytes of gradients.
        half: send the gradients in half precision, as `torch`'s hook `fp16_compress_hook`.
        broadcast_buffers: give the buffers of rank 0 to all ranks before each forward pass in training.
        find_unused_parameters: as in PyTorch, without effect: parameters that a pass does not reach on one
            rank count as 0 there.
        options: PyTorch's `device_ids`, `output_device`, `gradient_as_bucket_view`, `static_graph`; without
            effect.

    Raises:
        OptionError: `init` has not run, or the model has no parameters that require a gradient.
        DataError: the models of the ranks have different parameters.

    Source:
        S. Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", 2020.

    Example:
        >>> import numpy as np, nn, nn.distributed as dist
        >>> dist.init()                                                          # doctest: +SKIP
        >>> model = dist.DistributedDataParallel(nn.Linear(2, 1))                # doctest: +SKIP
        >>> model(np.ones((3, 2), np.float32)).sum().backward()                  # doctest: +SKIP
    """

    def __init__(
        self,
        module: Module,
        *,
        bucket_cap_mb: float = 25.0,
        half: bool = False,
        broadcast_buffers: bool = True,
        find_unused_parameters: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.module = module
        self.broadcast_buffers = broadcast_buffers
        params = [p for p in module.parameters() if p.requires_grad]
        if not params:
            raise OptionError("DistributedDataParallel: the model has no parameters that require a gradient")
        self._check()
        for tensor in (*module.parameters(), *module.buffers()):
            broadcast(tensor)
        self.averager = Averager(params, bucket_cap_mb * 2**20, half)
        self._aliases: dict[int, Any] = {}
        self._swapped: list[tuple[dict[str, Any], str, Any]] = []
        own = weakref.ref(self)
        for inner in module.modules():
            inner.register_forward_pre_hook(lambda m, args: own()._enter(m))  # type: ignore[union-attr]

    def _check(self) -> None:
        """All ranks must have one model."""
        mine = [(name, p.shape, str(p.dtype), p.requires_grad) for name, p in self.module.named_parameters()]
        for other, theirs in enumerate(all_gather_object(mine)):
            if theirs != mine:
                here, there = next(
                    (a, b) for a, b in zip([*mine, None], [*theirs, None], strict=False) if a != b
                )
                raise DataError(
                    f"DistributedDataParallel: rank {rank()} has the parameter {here}, rank {other} {there}; "
                    "make the same model on all ranks"
                )

    # -- the forward pass --------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the model."""
        if self.broadcast_buffers and self.training and world_size() > 1 and self.averager.on:
            for buffer in self.module.buffers():
                broadcast(buffer)
        self._aliases = {}
        try:
            return self.module(*args, **kwargs)
        finally:
            while self._swapped:
                home, name, p = self._swapped.pop()
                home[name] = p
            self._aliases = {}

    def _enter(self, module: Module) -> None:
        """Put in place of the parameters of a module what tells when their gradients are complete."""
        averager = self.averager
        if not (averager.on and ag.is_recording() and world_size() > 1):
            return
        for name, p in module._parameters.items():
            place = averager.place.get(id(p))
            if place is None:
                continue
            alias = self._aliases.get(place)
            if alias is None:
                alias = self._aliases[place] = _seen(p, lambda g, place=place: averager.ready(place, g))
            self._swapped.append((module._parameters, name, p))
            module._parameters[name] = alias

    def join(self) -> None:
        """Take part in the averages of the other ranks without a gradient, after a batch without samples."""
        self.averager.join()

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside of `with`, gradients add up on each rank; the next backward pass averages their sums."""
        before, self.averager.on = self.averager.on, False
        try:
            yield
        finally:
            self.averager.on = before
