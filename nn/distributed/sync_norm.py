"""`SyncBatchNorm`: batch norm over the batches of all ranks."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag

from ..layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ..module import Module
from .world import all_reduce, is_initialized, world_size

__all__ = ["SyncBatchNorm", "summed"]


@ag.primitive
def summed(x: Any) -> Any:
    """The sum of an array over all ranks, on each of them; its gradient is the sum of the gradients.

    Example:
        >>> import numpy as np, nn.distributed as dist
        >>> dist.init()                             # doctest: +SKIP
        >>> dist.summed(np.ones(2))                 # doctest: +SKIP
    """
    y = np.array(x)
    all_reduce(y)
    return y


ag.defvjp(summed, lambda g, y, x: summed(g))


class SyncBatchNorm(BatchNorm1d):
    """Batch norm whose mean and variance are those of the batches of all ranks.

    y = (x - E[x]) / sqrt(Var[x] + eps) * weight + bias, over all axes but the channels.

    Args:
        num_features, eps, momentum, affine, track_running_stats: as in `BatchNorm1d`; the input is (N, C) or
            (N, C, ...).

    Example:
        >>> import nn, nn.distributed as dist
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        >>> dist.SyncBatchNorm.convert_sync_batchnorm(model)[1]
        SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
    """

    def forward(self, input: Any) -> Any:
        """The normalized input, of the same shape."""
        alone = not is_initialized() or world_size() == 1
        if alone or not (self.training or self.running_mean is None):
            return super().forward(input)
        axes = tuple(a for a in range(input.ndim) if a != 1)
        shape = (1, -1, *(1,) * (input.ndim - 2))
        count = np.array(float(np.prod([input.shape[a] for a in axes])))
        all_reduce(count)
        n = count.item()
        mean = summed(np.sum(input, axis=axes)) / n
        centred = input - np.reshape(mean, shape)
        variance = summed(np.sum(centred * centred, axis=axes)) / n
        self._remember(mean, variance, n)
        y = centred / np.sqrt(np.reshape(variance, shape) + self.eps)
        if self.weight is not None:
            y = y * np.reshape(self.weight, shape) + np.reshape(self.bias, shape)
        return y

    def _remember(self, mean: Any, variance: Any, n: float) -> None:
        """Move the running mean and the running variance."""
        if self.running_mean is None or ag.is_recomputing():  # `checkpoint` computes a batch twice
            return
        share = self.counted()
        for running, new in (
            (self.running_mean, mean.numpy()),
            (self.running_var, variance.numpy() * (n / max(n - 1, 1))),
        ):
            data = running if isinstance(running, np.ndarray) else running.data
            data[...] = (1 - share) * data + share * new

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with a SyncBatchNorm of the same parameters in place of each batch norm."""
        if isinstance(module, (BatchNorm1d, BatchNorm2d, BatchNorm3d)) and not isinstance(module, cls):
            made = cls.__new__(cls)
            made.__dict__.update(module.__dict__)
            return made
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child))
        return module
