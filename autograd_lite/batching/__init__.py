"""`vmap`: a function of one member becomes one of a batch of them."""

from . import products, rules
from .mapping import vmap

__all__ = ["products", "rules", "vmap"]
