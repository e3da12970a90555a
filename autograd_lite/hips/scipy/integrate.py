"""The functions of `scipy.integrate`, with derivatives where the engine has them."""

from ..forward import forward

__getattr__ = forward("scipy.integrate")
