"""Averages of gradients over the ranks, while the backward pass goes on."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor

from .buckets import laid_out
from .world import communicator, finish, is_initialized, world_size

__all__ = ["Averager"]


class Averager:
    """Sends the gradients of parameters in buckets, and puts their means into `grad`.

    `ready` sees a gradient as soon as a backward pass has made it, and starts full buckets. At the end of the
    pass the rest is sent: gradients of parameters that were used in another way, and zeros for those that the
    pass does not reach. One small message tells which parameters some rank has used, and which gradients
    have grown after they were sent; these differences are sent again.

    Args:
        params: the parameters, in the order of the model.
        limit: the bytes of a bucket.
        half: send half precision.

    Attributes:
        on: whether a backward pass averages.
        place: the number of a parameter, by its id.
    """

    def __init__(self, params: Sequence[Any], limit: float, half: bool) -> None:
        self.params = list(params)
        self.buckets = laid_out(self.params, limit, half)
        self.place = {id(p): i for i, p in enumerate(self.params)}
        self.on = True
        self._left = False
        self._bucket_of = {place: bucket for bucket in self.buckets for place in bucket.places}
        self._started = 0
        self._sent: dict[int, Any] = {}
        self.comm = communicator().Dup()  # apart from the messages of the model's own layers
        weakref.finalize(self, _free, self.comm)
        own = weakref.ref(self)
        handle = ag.register_multi_grad_hook(self.params, lambda grads: _ended(own, grads))
        weakref.finalize(self, handle.remove)

    def ready(self, place: int, g: Any) -> Any:
        """Lay a gradient into its bucket; full buckets start, in order."""
        if not self.on or place in self._sent:
            return g
        if not self._sent:
            self._begin()
        self._put(place, g)
        self._sent[place] = g.copy() if isinstance(g, np.ndarray) and not g.flags.owndata else g
        self._start_full()
        return self._sent[place]

    def _start_full(self) -> None:
        while self._started < len(self.buckets) and self.buckets[self._started].full:
            self.buckets[self._started].start(self.comm)
            self._started += 1
        for bucket in self.buckets[: self._started]:
            bucket.look()

    def _end(self, grads: list[Any]) -> list[Any] | None:
        """At the end of a backward pass: the means of all gradients."""
        if not self.on:
            self._left = True
            return None
        if not self._sent:
            self._begin()
        late: dict[int, Any] = {}
        for place, g in enumerate(grads):
            known = self._sent.get(place)
            if known is None:
                self._put(place, g)
            elif g is not None and not _same(g, known):
                late[place] = _array(g) - _array(known)
        return self._means(late)

    def join(self) -> None:
        """Take part in the averages of the other ranks without a gradient, after a batch without samples."""
        self._begin()
        for place in range(len(self.params)):
            self._put(place, None)
        for p, g in zip(self.params, self._means({}), strict=True):
            if g is not None:
                p.grad = Tensor(g) if p.grad is None or self._left else p.grad + g

    def _begin(self) -> None:
        """Empty the buckets for a backward pass."""
        for bucket in self.buckets:
            bucket.begin()
        self._started = 0

    def _put(self, place: int, g: Any) -> None:
        """Lay a gradient into its bucket, with what `no_sync` has left in `grad`."""
        had = self.params[place].grad if self._left else None
        parts = [_array(x) for x in (had, g) if x is not None]
        if parts:
            self._bucket_of[place].put(place, sum(parts[1:], parts[0]))

    def _means(self, late: dict[int, Any]) -> list[Any]:
        """Send what is left, wait, and return the mean of each gradient that some rank has."""
        for bucket in self.buckets[self._started :]:
            bucket.start(self.comm)
        places = range(len(self.params))
        used = [i in self._bucket_of[i].filled for i in places]
        flags = np.array([used, [i in late for i in places]], np.int32)
        total = np.empty_like(flags)
        finish(self.comm.Iallreduce(flags, total))
        ranks = world_size()
        for bucket in self.buckets:
            bucket.finish(ranks)
        means: list[Any] = [
            self._bucket_of[i].mean(i) if anywhere else None for i, anywhere in enumerate(total[0])
        ]
        for i in np.flatnonzero(total[1]).tolist():
            own = np.ascontiguousarray(late.get(i, np.zeros_like(means[i])))
            both = np.empty_like(own)
            finish(self.comm.Iallreduce(own, both))
            means[i] += both / ranks
        if self._left:
            for p, g in zip(self.params, means, strict=True):
                if g is not None:
                    p.grad = None
        self._sent, self._started, self._left = {}, 0, False
        return means


def _ended(averager: weakref.ref[Averager], grads: list[Any]) -> list[Any] | None:
    """The end of a backward pass, if the averager is still there."""
    own = averager()
    return None if own is None else own._end(grads)


def _free(comm: Any) -> None:
    if is_initialized():
        comm.Free()


def _array(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x


def _same(g: Any, sent: Any) -> bool:
    """Whether a gradient is the one that was sent; a sum with another part is not."""
    return _array(g) is _array(sent) or np.array_equal(_array(g), _array(sent))
