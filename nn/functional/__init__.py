"""What layers and losses compute, as functions of their inputs and parameters."""

import sys as _sys
from types import FunctionType as _FunctionType

import numpy as _np

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
# to it does no harm. Ops with kernels see to that themselves.
for _name, _function in list(globals().items()):
    if isinstance(_function, _FunctionType) and not hasattr(_function, "__wrapped__"):
        globals()[_name] = _np.errstate(all="ignore")(_function)
        setattr(_sys.modules[_function.__module__], _name, globals()[_name])
