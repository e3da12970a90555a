"""The functions of `hips.numpy` under another module's name, which some programs import."""

from typing import Any

from ..listed import array, make_diagonal, metadata

__all__ = ["array", "make_diagonal", "metadata"]


def __getattr__(name: str) -> Any:
    import autograd_lite.hips.numpy as numpy

    return getattr(numpy, name)
