"""Tools around models and data: parameters all at once or computed from others, loaders, sequences."""

from . import computed as computed
from . import data as data
from . import parametrizations as parametrizations
from . import parametrize as parametrize
from . import prune as prune
from . import rnn as rnn
from .images import *
from .parameters import *
from .parametrizations import *
