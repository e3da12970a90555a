"""Tools around models: what is done with all parameters at once, and what changes how one is computed."""

from .parameters import *
