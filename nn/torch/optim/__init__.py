"""`torch.optim`: optimizers and schedules of the learning rate.

>>> from nn.torch.optim.lr_scheduler import StepLR
"""

from __future__ import annotations

from typing import Any

from nn import optim as _optim

from ..mirror import mirror

lr_scheduler = mirror(
    f"{__name__}.lr_scheduler", _optim.lr_scheduler, _LRScheduler=_optim.lr_scheduler.LRScheduler
)
for _name in ("optimizer", "sgd", "adam", "adamw", "adagrad", "rmsprop", "adadelta", "lbfgs"):
    mirror(f"{__name__}.{_name}", _optim)


def __getattr__(name: str) -> Any:
    return getattr(_optim, name)


def __dir__() -> list[str]:
    return sorted({*dir(_optim), "lr_scheduler"})
