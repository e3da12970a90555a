"""The functions of `scipy.stats`, with derivatives where the engine has them."""

from ..forward import forward

__getattr__ = forward("scipy.stats")
