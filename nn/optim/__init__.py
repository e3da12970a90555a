"""Optimizers, from gradients to new parameters, and schedules of their learning rates."""

from typing import TYPE_CHECKING

from ..names import FOREIGN_NAMES as _FOREIGN_NAMES
from ..names import called_module as _called_module
from ..names import hints_of as _hints_of
from . import adagrad, adam, lbfgs, lr_scheduler, optimizer, rprop, sgd
from .adagrad import Adadelta, Adagrad, RMSprop
from .adam import Adam, Adamax, AdamW, NAdam, RAdam
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
]

# The modules that are spelled as their classes are in other libraries.
for _module in (adagrad, adam, lbfgs, optimizer, rprop, sgd):
    _called_module(_module, _FOREIGN_NAMES[_module.__name__.rpartition(".")[2]])

if not TYPE_CHECKING:  # type checkers shall find a name that is misspelt
    __getattr__ = _hints_of(__name__)
