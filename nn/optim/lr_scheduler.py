"""The schedules of `nn.schedules`, under the name that PyTorch has for them.

>>> import nn
>>> nn.optim.lr_scheduler.StepLR is nn.schedules.StepLR
True
"""

from typing import TYPE_CHECKING

from ..names import hints_of as _hints_of
from ..schedules import *  # noqa: F403  (this file hands out the same names)
from ..schedules import __all__ as __all__

if not TYPE_CHECKING:  # type checkers shall find a name that is misspelt
    __getattr__ = _hints_of(__name__)
