"""What layers and losses compute, as functions of their inputs and parameters."""

import sys as _sys
from types import FunctionType as _FunctionType
from typing import TYPE_CHECKING

import numpy as _np

from ..names import hints_of as _hints_of
from .activations import *
from .attention import *
from .classification import *
from .conv import *
from .ctc import *
from .distance import *
from .dropout import *
from .linear import *
from .losses import *
from .normalization import *
from .padding import *
from .pool import *
from .recurrent import *
from .regression import *
from .resize import *
from .sparse import *

# A result that is exact does not raise, whatever np.seterr says: what overflows or underflows on the way
# does no harm. Ops with kernels see to that themselves, so that functions that only call one are left alone.
_KERNELS_ALONE = {"conv", "linear", "pool", "recurrent"}
for _name, _function in list(globals().items()):
    _plain = isinstance(_function, _FunctionType) and not hasattr(_function, "__wrapped__")
    if _plain and _name[0] != "_" and _function.__module__.rpartition(".")[2] not in _KERNELS_ALONE:
        globals()[_name] = _np.errstate(all="ignore")(_function)
        setattr(_sys.modules[_function.__module__], _name, globals()[_name])

if not TYPE_CHECKING:  # type checkers shall find a name that is misspelt
    __getattr__ = _hints_of(__name__)
