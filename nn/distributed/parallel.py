"""`DistributedDataParallel`: a model on several ranks, each with its part of a batch."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
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


class _Enter:
    """The hook of a module inside of a DistributedDataParallel, which the hook does not keep alive."""

    def __init__(self, owner: DistributedDataParallel | None = None) -> None:
        self._owner = None if owner is None else weakref.ref(owner)

    def __call__(self, module: Module, args: Any) -> None:
        owner = self._owner() if self._owner else None
        if owner is not None:
            owner._enter(module)

    def __reduce__(self) -> Any:
        return _Enter, ()  # the hook of a copy has no owner


def _equal(a: list[tuple[Any, ...]], b: list[tuple[Any, ...]]) -> bool:
    """Whether the parameters and their leaves are the same objects, of the same dtypes."""
    return len(a) == len(b) and all(
        p is q and leaf is other and d == e for (p, leaf, d), (q, other, e) in zip(a, b, strict=True)
    )


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
        self._options: dict[str, Any] = dict(
            bucket_cap_mb=bucket_cap_mb, half=half, broadcast_buffers=broadcast_buffers
        )
        if not self._trained():
            raise OptionError("DistributedDataParallel: the model has no parameters that require a gradient")
        self._check()
        for tensor in (*module.parameters(), *module.buffers()):
            broadcast(tensor)
        self._watch()
        self._inside = False
        self._aliases: dict[int, Any] = {}
        self._swapped: list[tuple[dict[str, Any], str, Any]] = []
        for inner in module.modules():
            inner.register_forward_pre_hook(_Enter(self))

    def __reduce__(self) -> Any:
        """A copy is a new object around a copy of the model: it is made on all ranks at once."""
        return partial(DistributedDataParallel, **self._options), (self.module,)

    __plan_eager__ = "its ranks exchange gradients while it runs"

    def _trained(self) -> list[Any]:
        return [p for p in self.module.parameters() if p.requires_grad]

    def _watch(self) -> None:
        """Average the gradients of the parameters that are trained now."""
        params = self._trained()
        self._watched = [(p, p.node, p.dtype) for p in params]
        options = self._options
        self.averager = Averager(params, options["bucket_cap_mb"] * 2**20, options["half"])

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
        if self.broadcast_buffers and self.training and self.averager.on:
            self.share_buffers()
        if ag.is_recording() and not _equal(self._watched, [(p, p.node, p.dtype) for p in self._trained()]):
            self._check()
            self._watch()
        self._inside, self._aliases = True, {}
        try:
            return self.module(*args, **kwargs)
        finally:
            while self._swapped:
                home, name, p = self._swapped.pop()
                home[name] = p
            self._inside, self._aliases = False, {}

    def share_buffers(self) -> None:
        """Give the buffers of rank 0 to all ranks."""
        if world_size() > 1:
            for buffer in self.module.buffers():
                broadcast(buffer)

    def _enter(self, module: Module) -> None:
        """Put in place of the parameters of a module what tells when their gradients are complete."""
        averager = self.averager
        if not (self._inside and averager.on and ag.is_recording() and world_size() > 1):
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
        """Take part in a step of the other ranks without samples: in place of the model and `backward`."""
        if self.broadcast_buffers and self.training:
            self.share_buffers()
        self.averager.join()

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside of `with`, gradients add up on each rank; the next backward pass averages their sums."""
        before, self.averager.on = self.averager.on, False
        try:
            yield
        finally:
            self.averager.on = before
