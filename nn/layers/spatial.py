"""What layers over images and sequences have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.errors import ShapeError

from ..module import InputError, Module

__all__ = ["called"]


def called(layer: Module, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call what a layer stands for; where its input does not fit, the error names the layer."""
    try:
        return function(*args, **options)
    except InputError:
        raise
    except ShapeError as error:
        raise InputError(layer, str(error).removeprefix(f"{function.__name__} ")) from None
