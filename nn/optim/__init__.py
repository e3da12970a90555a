"""Optimizers, which turn gradients into new parameters, and schedules of their learning rates."""

from typing import TYPE_CHECKING

from ..names import FOREIGN_NAMES as _FOREIGN_NAMES
from ..names import called_module as _called_module
from ..names import hints_of as _hints_of
from . import adagrad, adam, lbfgs, lr_scheduler, optimizer, rprop, sgd, swa_utils
from .adafactor import Adafactor
from .adagrad import Adadelta, Adagrad, RMSprop
from .adam import Adam, Adamax, AdamW, NAdam, RAdam
from .asgd import ASGD
from .kfac import KFAC
from .lbfgs import LBFGS
from .levenberg_marquardt import LevenbergMarquardt
from .muon import Muon
from .newton_cg import NewtonCG
from .optimizer import Optimizer
from .rprop import Rprop
from .sgd import SGD
from .sparse_adam import SparseAdam

__all__ = [
    "ASGD",
    "KFAC",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LevenbergMarquardt",
    "Muon",
    "NAdam",
    "NewtonCG",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
]

# Other libraries spell their classes like these modules: calling a module names the class.
for _module in (adagrad, adam, lbfgs, optimizer, rprop, sgd):
    _called_module(_module, _FOREIGN_NAMES[_module.__name__.rpartition(".")[2]])

if not TYPE_CHECKING:  # type checkers must see misspelled names
    __getattr__ = _hints_of(__name__)
