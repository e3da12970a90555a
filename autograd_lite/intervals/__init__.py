"""Interval arithmetic: arrays of intervals that run through a function and hold every value it takes."""

from . import choices, many, rules
from .enclosing import enclose
from .interval import Interval
from .kinds import definterval

__all__ = ["Interval", "choices", "definterval", "enclose", "many", "rules"]
