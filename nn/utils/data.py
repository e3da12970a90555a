"""`nn.data`, under PyTorch's name for the module."""

from ..data import *
from ..data import __all__ as __all__
