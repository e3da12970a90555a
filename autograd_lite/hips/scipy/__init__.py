"""Functions of SciPy with derivatives. SciPy is loaded when a name is used."""

from . import integrate, linalg, optimize, signal, special, stats

__all__ = ["integrate", "linalg", "optimize", "signal", "special", "stats"]
