"""Functions of SciPy with derivatives, as in `autograd_lite.scipy`."""

from . import integrate, linalg, optimize, signal, special, stats

__all__ = ["integrate", "linalg", "optimize", "signal", "special", "stats"]
