"""Memory for time: named as in `torch.utils.checkpoint`.

>>> import nn.torch as torch
>>> x = torch.ones(2, requires_grad=True)
>>> checkpoint(lambda x: (x * x).sin(), x, use_reentrant=False).sum().backward()
>>> [round(g, 4) for g in x.grad.tolist()]
[1.0806, 1.0806]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import autograd_lite as ag
from autograd_lite.errors import OptionError

from ..layers.containers import Sequential
from ..module import Module

__all__ = ["checkpoint", "checkpoint_sequential"]

IGNORED = {"use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug", "early_stop"}


def checkpoint(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`function(*args)`, whose intermediate results are computed again in the backward pass: `ag.checkpoint`.

    Args:
        function: a function or a module.
        args: its arguments.
        kwargs: its keyword arguments. `use_reentrant`, `preserve_rng_state` and PyTorch's other options have
            no effect: random numbers are always the same both times.
    """
    options = {name: value for name, value in kwargs.items() if name not in IGNORED}
    return ag.checkpoint(function)(*args, **options)


def checkpoint_sequential(functions: Any, segments: int, input: Any, **options: Any) -> Any:
    """The layers one after another; each of the segments is a `checkpoint`, and the last is not.

    Args:
        functions: layers, or a Sequential.
        segments: the number of segments.
        input: the input of the first layer.
        options: as in `checkpoint`.

    Raises:
        OptionError: there are fewer layers than segments, or no segment.

    Example:
        >>> import numpy as np, nn
        >>> layers = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
        >>> checkpoint_sequential(layers, 2, np.ones((1, 2), np.float32)).shape
        (1, 1)
    """
    layers: Iterable[Any] = functions.children() if isinstance(functions, Module) else functions
    layers = list(layers)
    if not 1 <= segments <= len(layers):
        raise OptionError(
            f"checkpoint_sequential(segments={segments}): expected 1 to {len(layers)}, the number of layers"
        )
    size = len(layers) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(Sequential(*layers[start : start + size]), input, **options)
    for layer in layers[size * (segments - 1) :]:
        input = layer(input)
    return input
