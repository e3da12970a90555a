"""The functions of `scipy.signal`, with derivatives where the engine has them."""

from ..forward import forward

__getattr__ = forward("scipy.signal")
