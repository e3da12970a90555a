"""The libraries that are compared: how to load each, and how to read its numbers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from . import THREADS

OURS = "autograd-lite"
EAGER = "eager"
"""Ours again, where a compiled step is compared with the eager one."""
DENSE = "dense"
"""Ours again, where a sparse derivative is compared with the dense one."""
NESTED = "nested"
"""Ours again, where a Taylor series is compared with derivatives of derivatives."""


def _nothing(module: Any) -> None:
    """Most libraries need no setting up."""


def _plain(x: Any) -> Any:
    """The array of a Tensor; a plain array or number as an array."""
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


@dataclass(frozen=True)
class Library:
    """One library.

    Attributes:
        distribution: its name in the package index.
        module: what a user of it imports.
        array: its values as NumPy arrays.
        set_up: called with the module once it is imported.
    """

    distribution: str
    module: str
    array: Callable[[Any], Any] = np.asarray
    set_up: Callable[[Any], None] = _nothing

    def load(self) -> bool:
        """Import it and set it up; False where it is not installed."""
        try:
            module = importlib.import_module(self.module)
        except ModuleNotFoundError:
            return False
        self.set_up(module)
        return True

    def version(self) -> str:
        """The installed version; empty when run from a source tree."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return ""


LIBRARIES = {
    OURS: Library("autograd-lite", "autograd_lite", array=_plain),
    EAGER: Library("autograd-lite", "autograd_lite", array=_plain),
    DENSE: Library("autograd-lite", "autograd_lite", array=_plain),
    NESTED: Library("autograd-lite", "autograd_lite", array=_plain),
    "pytorch": Library(
        "torch",
        "torch",
        array=lambda x: x.detach().numpy(),
        set_up=lambda torch: torch.set_num_threads(THREADS),
    ),
    "jax": Library("jax", "jax", set_up=lambda jax: jax.config.update("jax_enable_x64", True)),
    "autograd": Library("autograd", "autograd"),
    "numpy": Library("numpy", "numpy"),
    "mygrad": Library("mygrad", "mygrad"),
    "micrograd": Library(
        "micrograd", "micrograd.engine", array=lambda x: np.asarray(getattr(x, "data", x), dtype=float)
    ),
}
