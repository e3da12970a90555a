"""Interval arithmetic: arrays of intervals that run through a function and hold every value it takes."""

from . import rules
from .enclosing import enclose
from .interval import Interval

__all__ = ["Interval", "enclose", "rules"]
