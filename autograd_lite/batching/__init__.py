"""`vmap`: a function of one member becomes one of a batch of them."""

from . import algorithms, products, rules
from .mapping import vmap

__all__ = ["algorithms", "products", "rules", "vmap"]
