"""Schedules: the learning rate as a function of the number of calls of `step`.

>>> import autograd_lite as ag, nn
>>> optimizer = nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0)
>>> schedule = nn.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
>>> for epoch in range(5):
...     rates = schedule.get_last_lr()
...     optimizer.step()
...     schedule.step()
...     print(round(rates[0], 4), end=" ")
1.0 1.0 0.1 0.1 0.01
"""

from .composition import ChainedScheduler, SequentialLR
from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from .curves import ExponentialLR, LinearLR, PolynomialLR, PowerLR
from .cyclic import CyclicLR, OneCycleLR
from .functions import LambdaLR, MultiplicativeLR
from .plateau import ReduceLROnPlateau
from .schedule import LRScheduler
from .steps import ConstantLR, MultiStepLR, StepLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "PowerLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
