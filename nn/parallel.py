"""PyTorch's place for `DistributedDataParallel`: `from nn.parallel import DistributedDataParallel`."""

from .distributed import DistributedDataParallel

__all__ = ["DistributedDataParallel"]
