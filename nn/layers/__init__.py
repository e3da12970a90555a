"""Layers, one file for each family."""

from .activations import ReLU, Sigmoid, Tanh
from .containers import Sequential
from .linear import Linear

__all__ = ["Linear", "ReLU", "Sequential", "Sigmoid", "Tanh"]
