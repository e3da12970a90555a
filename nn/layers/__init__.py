"""Layers, one file for each family; each file's `__all__` says what it hands out."""

from .activations import *
from .adaptive_softmax import *
from .attention import *
from .cells import *
from .containers import *
from .conv import *
from .dropout import *
from .instance import *
from .lazy import *
from .linear import *
from .normalization import *
from .padding import *
from .parallel import *
from .pooling import *
from .rectifiers import *
from .recurrent import *
from .shape import *
from .softmax import *
from .sparse import *
from .transformer import *
from .upsample import *
