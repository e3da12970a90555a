"""A run on several cores or machines: `mpiexec -n 2 python train.py`.

Each process, called a rank, has the whole model and a part of the data. Gradients are averaged, so all ranks
make the same steps. Names are those of `torch.distributed`. This package needs MPI:
`pip install 'autograd-lite[mpi]'` brings mpi4py and a runnable MPI.
"""

from .agreement import check_equal
from .parallel import DistributedDataParallel
from .sampler import DistributedSampler
from .stream import DistributedStream
from .sync_norm import SyncBatchNorm, summed
from .training import Ranks
from .world import *
from .world import __all__ as _names

__all__ = [
    "DistributedDataParallel",
    "DistributedSampler",
    "DistributedStream",
    "Ranks",
    "SyncBatchNorm",
    "check_equal",
    "summed",
    *_names,
]
