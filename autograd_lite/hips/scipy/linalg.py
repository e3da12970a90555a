"""The functions of `scipy.linalg`, with derivatives."""

from ..forward import forward

__getattr__ = forward("linalg")
