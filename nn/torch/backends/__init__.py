"""`torch.backends`: settings of libraries that are not there; they can be set, without effect."""

from __future__ import annotations

from types import SimpleNamespace

from . import cuda as cuda
from . import cudnn as cudnn
from . import mps as mps


def _unavailable() -> bool:
    return False


mkl = mkldnn = openmp = opt_einsum = SimpleNamespace(is_available=_unavailable, enabled=False)
