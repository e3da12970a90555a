"""What layers and losses compute, as functions of their inputs and parameters."""

from .activations import *
from .dropout import *
from .linear import *
from .losses import *
from .recurrent import *
