"""Layers, one file for each family."""

from .activations import ReLU, Sigmoid, Tanh
from .containers import ModuleList, Sequential
from .linear import Linear

__all__ = ["Linear", "ModuleList", "ReLU", "Sequential", "Sigmoid", "Tanh"]
