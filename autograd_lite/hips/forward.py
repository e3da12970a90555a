"""Modules that hand out the names of `autograd_lite.scipy`, which loads SciPy, when a name is used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ..errors import MissingAttributeError

__all__ = ["forward"]


def forward(module: str) -> Callable[[str], Any]:
    """A `__getattr__` with the names of a module of `autograd_lite.scipy`."""

    def find(name: str) -> Any:
        if name.startswith("__"):  # Python's own questions to a module
            raise MissingAttributeError(f"{module} has no {name}")
        return getattr(importlib.import_module(f"autograd_lite.scipy.{module}"), name)

    return find
