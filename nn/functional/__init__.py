"""What layers and losses compute, as functions of their inputs and parameters."""

from typing import TYPE_CHECKING

from ..names import hints_of as _hints_of
from .activations import *
from .adaptive import *
from .attention import *
from .bags import *
from .classification import *
from .conv import *
from .ctc import *
from .distance import *
from .dropout import *
from .in_place import *
from .linear import *
from .losses import *
from .multihead import *
from .normalization import *
from .padding import *
from .pool import *
from .rectifiers import *
from .recurrent import *
from .regression import *
from .resize import *
from .sampling import *
from .softmax import *
from .sparse import *
from .unpool import *

if not TYPE_CHECKING:  # type checkers shall find a name that is misspelt
    __getattr__ = _hints_of(__name__)
