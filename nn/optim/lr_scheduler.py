"""The schedules of `nn.schedules`, under PyTorch's name for the module.

>>> import nn
>>> nn.optim.lr_scheduler.StepLR is nn.schedules.StepLR
True
"""

from typing import TYPE_CHECKING

from ..names import hints_of as _hints_of
from ..schedules import *  # noqa: F403  (this file exports the same names)
from ..schedules import __all__ as __all__

if not TYPE_CHECKING:  # type checkers must see misspelled names
    __getattr__ = _hints_of(__name__)
