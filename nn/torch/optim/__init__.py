"""`torch.optim`: optimizers and schedules of the learning rate.

>>> from nn.torch.optim.lr_scheduler import StepLR
"""

from __future__ import annotations

from typing import Any

from nn import optim as _optim

from ..mirror import mirror
from ..nn.layers import twin_of

lr_scheduler = mirror(
    f"{__name__}.lr_scheduler", _optim.lr_scheduler, _LRScheduler=_optim.lr_scheduler.LRScheduler
)
swa_utils = mirror(f"{__name__}.swa_utils", _optim.swa_utils, twin_of)
for _optimizer in _optim.__all__:
    if _optimizer[0].isupper():
        mirror(f"{__name__}.{'sparse_adam' if _optimizer == 'SparseAdam' else _optimizer.lower()}", _optim)


def __getattr__(name: str) -> Any:
    return getattr(_optim, name)


def __dir__() -> list[str]:
    return sorted({*dir(_optim), "lr_scheduler", "swa_utils"})
