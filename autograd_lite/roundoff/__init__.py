"""Rounding errors: what each step may lose, times its adjoint, bounds the error of value and gradient."""

from .bounds import contribution, rounding
from .report import Rounding, Step
from .steps import deferror

__all__ = ["Rounding", "Step", "contribution", "deferror", "rounding"]
