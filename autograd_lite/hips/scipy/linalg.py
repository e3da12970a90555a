"""The functions of `scipy.linalg`, with derivatives where the engine has them."""

from ..forward import forward

__getattr__ = forward("scipy.linalg")
