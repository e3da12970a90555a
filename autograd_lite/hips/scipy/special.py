"""The functions of `scipy.special`, with derivatives."""

import functools

from ...scipy import special

__getattr__ = functools.partial(getattr, special)
