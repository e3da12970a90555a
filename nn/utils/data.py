"""`nn.data`, where PyTorch has it."""

from ..data import *
from ..data import __all__ as __all__
