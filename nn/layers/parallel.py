"""A model on several devices, of which there is one here."""

from __future__ import annotations

from typing import Any

from ..module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """The model itself under the path `module`, as PyTorch wraps it on a machine without GPUs.

    `nn.distributed.DistributedDataParallel` computes on several processes.

    Args:
        module: the model.
        device_ids: has no effect.
        output_device: has no effect.
        dim: the axis of the batch; has no effect.

    Example:
        >>> import nn
        >>> list(nn.DataParallel(nn.Linear(2, 1)).state_dict())
        ['module.weight', 'module.bias']
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        self.module, self.dim = module, dim
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
