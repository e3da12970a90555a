"""The functions of `scipy.optimize`, with derivatives."""

import functools

from ...scipy import optimize

__getattr__ = functools.partial(getattr, optimize)
