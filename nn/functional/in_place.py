"""Activations that write into their input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import activations, rectifiers

__all__ = [
    "celu_",
    "elu_",
    "hardtanh_",
    "leaky_relu_",
    "relu_",
    "rrelu_",
    "selu_",
    "threshold_",
]


def _written(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with its result written into the first argument."""

    def written(input: Any, *args: Any, **options: Any) -> Any:
        input[...] = function(input, *args, **options)
        return input

    written.__name__ = written.__qualname__ = f"{function.__name__}_"
    written.__doc__ = f"`{function.__name__}`, written into the input, which is returned."
    return written


celu_ = _written(rectifiers.celu)
elu_ = _written(rectifiers.elu)
hardtanh_ = _written(activations.hardtanh)
leaky_relu_ = _written(rectifiers.leaky_relu)
relu_ = _written(rectifiers.relu)
rrelu_ = _written(rectifiers.rrelu)
selu_ = _written(rectifiers.selu)
threshold_ = _written(activations.threshold)
