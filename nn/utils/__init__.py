"""Utilities for parameters, pruning, parametrizations, loaders and sequences."""

from typing import TYPE_CHECKING

from ..names import hints_of as _hints_of
from . import benchmark as benchmark
from . import checkpoint as checkpoint
from . import computed as computed
from . import data as data
from . import parametrizations as parametrizations
from . import parametrize as parametrize
from . import prune as prune
from . import rnn as rnn
from . import tensorboard as tensorboard
from .fusion import *
from .images import *
from .normed import *
from .parameters import *

if not TYPE_CHECKING:  # type checkers must see misspelled names
    __getattr__ = _hints_of(__name__)
