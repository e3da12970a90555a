"""The functions of `scipy.optimize`, with derivatives where the engine has them."""

from ..forward import forward

__getattr__ = forward("scipy.optimize")
