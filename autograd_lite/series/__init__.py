"""Taylor mode: the coefficients of f(x + t v), from a series that runs through the function."""

from . import by_rule, recurrences
from .jets import jet, solution

__all__ = ["by_rule", "jet", "recurrences", "solution"]
