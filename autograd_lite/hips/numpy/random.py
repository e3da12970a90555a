"""All names of `numpy.random`, as they are: random numbers have no derivatives."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from numpy import random as _random

from ..listed import functions_of as _functions_of

globals().update(_functions_of(_random))

if _TYPE_CHECKING:

    def __getattr__(name: str) -> _Any: ...
