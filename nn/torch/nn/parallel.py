"""`torch.nn.parallel`: on one machine without accelerators, a parallel model is the model.

>>> from nn.torch.nn.parallel import DistributedDataParallel
"""

from __future__ import annotations

from typing import Any

from nn.distributed import DistributedDataParallel as DistributedDataParallel

from .layers import Module

__all__ = ["DataParallel", "DistributedDataParallel"]


class DataParallel(Module):
    """Call a model as it is; the keys of the state begin with "module.", as in PyTorch.

    Args:
        module: the model.
        device_ids: accepted, without effect: all arrays are on the CPU.
        output_device: accepted, without effect.
        dim: accepted, without effect: the batch is not divided.

    Example:
        >>> import nn.torch as torch
        >>> model = torch.nn.DataParallel(torch.nn.Linear(3, 2))
        >>> model(torch.ones(4, 3)).shape, list(model.state_dict())
        (torch.Size([4, 2]), ['module.weight', 'module.bias'])
    """

    def __init__(self, module: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """The output of the model."""
        return self.module(*inputs, **options)
