"""The functions of `scipy.optimize`, with derivatives."""

from ..forward import forward

__getattr__ = forward("optimize")
