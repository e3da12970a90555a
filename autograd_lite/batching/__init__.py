"""`vmap`: a function of one member becomes one of a batch of them."""

from . import rules
from .mapping import vmap

__all__ = ["rules", "vmap"]
