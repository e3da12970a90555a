"""`torch.distributed` over MPI: `import nn.torch.distributed as dist`, and `mpiexec -n 2 python train.py`.

See `nn.distributed`. `DistributedDataParallel` is in `nn.parallel`; PyTorch's `DistributedSampler` is
here, and in `nn.torch.utils.data.distributed`.

>>> import nn.torch.distributed as dist
>>> dist.is_initialized()
False
"""

from __future__ import annotations

from typing import Any

import nn.distributed as _ours
from nn.distributed import *  # noqa: F403  (all names)
from nn.distributed import __all__ as _names

__all__ = [*_names, "broadcast_object_list"]


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Fill a list with the picklable objects of all ranks."""
    object_list[:] = _ours.all_gather_object(obj)


def broadcast_object_list(object_list: list[Any], src: int = 0, group: Any = None) -> None:
    """Give the list of picklable objects of the rank `src` to all ranks."""
    object_list[:] = _ours.broadcast_object(object_list, src)


class DistributedSampler(_ours.DistributedSampler):  # type: ignore[no-redef]
    """As in PyTorch, all ranks have the same number of samples: some samples at the end are repeated.

    >>> [list(DistributedSampler(range(3), num_replicas=2, rank=r, shuffle=False)) for r in (0, 1)]
    [[0, 2], [1, 0]]
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"even": True, **options})
