"""What layers over images and sequences have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.errors import ShapeError

from ..module import InputError, Module
from ..of import Of

__all__ = ["Spatial", "called"]


def called(layer: Module, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call the function of a layer; an error about the shape of the input names the layer."""
    try:
        return function(*args, **options)
    except InputError:
        raise
    except ShapeError as error:
        raise InputError(layer, str(error).removeprefix(f"{function.__name__} ")) from None


class Spatial(Of):
    """A layer made of a function; an error about the shape of the input names the layer."""

    def compute(self, *inputs: Any, **named: Any) -> Any:
        """Call the function with the options."""
        return called(self, type(self).function, *inputs, **named, **self.options())
