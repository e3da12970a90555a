"""Modules whose names stand elsewhere: in the engine's own package for SciPy, or else in SciPy."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["forward"]


def forward(module: str) -> Any:
    """A `__getattr__` for a module that hands out the names of `autograd_lite.scipy`, then those of SciPy."""

    def find(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"no {name} in {module}")
        for home in (f"autograd_lite.{module}", module):
            try:
                return getattr(importlib.import_module(home), name)
            except (ImportError, AttributeError):
                continue
        raise AttributeError(f"{module} has no {name}, or SciPy is not installed: pip install scipy")

    return find
