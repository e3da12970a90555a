"""Robustness of outputs to small changes of inputs: attacks, which search, and bounds, which prove."""

from .attacks import *
from .bounds import *
from .carlini_wagner import *
from .certificates import *
from .smoothing import *
