"""The functions of `scipy.integrate`, with derivatives."""

from ..forward import forward

__getattr__ = forward("integrate")
