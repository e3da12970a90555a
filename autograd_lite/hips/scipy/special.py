"""The functions of `scipy.special`, with derivatives."""

from ..forward import forward

__getattr__ = forward("special")
