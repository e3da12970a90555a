"""The functions of `scipy.linalg`, with derivatives."""

import functools

from ...scipy import linalg

__getattr__ = functools.partial(getattr, linalg)
