"""The functions of `scipy.special`, with derivatives where the engine has them."""

from ..forward import forward

__getattr__ = forward("scipy.special")
