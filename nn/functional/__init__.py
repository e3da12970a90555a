"""What layers and losses compute, as functions of their inputs and parameters."""

from typing import TYPE_CHECKING

from ..names import missing_from as _missing_from
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

if not TYPE_CHECKING:  # type checkers shall find a name that is misspelt

    def __getattr__(name):
        raise _missing_from(__name__, name)
