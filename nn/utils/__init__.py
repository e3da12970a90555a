"""Tools around models: what is done with all parameters at once, and what changes how one is computed."""

from . import computed as computed
from . import prune as prune
from .parameters import *
