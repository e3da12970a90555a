"""The functions of `scipy.integrate`, with derivatives."""

import functools

from ...scipy import integrate

__getattr__ = functools.partial(getattr, integrate)
