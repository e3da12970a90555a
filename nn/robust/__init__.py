"""How far outputs move when inputs are moved a little: attacks that try, and bounds that prove."""

from .attacks import *
from .bounds import *
from .certificates import *
