"""`torch.utils`: loaders and helpers.

>>> from nn.torch.utils.data import DataLoader, TensorDataset
"""

from __future__ import annotations

from typing import Any

import nn.utils

from ..distributed import DistributedSampler
from ..mirror import mirror
from ..tensors import torched


class DataLoader(nn.data.DataLoader):
    """`nn.data.DataLoader`, whose batches are PyTorch's Tensors; its options are described there."""

    __doc__ = nn.data.DataLoader.__doc__

    def __iter__(self):  # type: ignore[no-untyped-def]
        """One epoch of batches."""
        return map(torched, super().__iter__())


_names: dict[str, Any] = {"DataLoader": DataLoader, "DistributedSampler": DistributedSampler}
data = mirror(f"{__name__}.data", nn.utils.data, **_names)
for _name in ("dataloader", "dataset", "sampler", "distributed"):
    mirror(f"{__name__}.data.{_name}", nn.utils.data, **_names)

for _name in ("benchmark", "checkpoint", "tensorboard"):
    mirror(f"{__name__}.{_name}", getattr(nn.utils, _name))
