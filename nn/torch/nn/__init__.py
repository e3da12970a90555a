"""`torch.nn`: layers, losses, functions and helpers, with PyTorch's Tensors.

>>> import nn.torch.nn as nn
>>> import nn.torch.nn.functional as F
>>> from nn.torch.nn.utils.rnn import pad_sequence
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import nn

from ..creation import scalar_tensor
from ..mirror import mirror, torching
from ..tensors import torched
from .layers import Buffer as Buffer
from .layers import Module as Module
from .layers import Parameter as Parameter
from .layers import adopt, twin_of
from .parallel import DataParallel as DataParallel


def _convert(value: Any) -> Any:
    """PyTorch's class of a layer; other values stay."""
    if value is nn.Parameter:
        return Parameter
    return twin_of(value) if inspect.isclass(value) and issubclass(value, nn.Module) else value


def _adopting(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that may give a module new parameters; they become PyTorch's, and numbers Tensors."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        for module in (*args, *options.values(), result):
            if isinstance(module, nn.Module):
                adopt(module)
        return scalar_tensor(result) if isinstance(result, float) else torched(result)

    return call


_module_hooks = {name: getattr(nn.hooks, name) for name in nn.hooks.__all__ if name.startswith("register_")}
_own: dict[str, Any] = {"Parameter": Parameter, "Module": Module}
functional = mirror(f"{__name__}.functional", nn.functional)
init = mirror(f"{__name__}.init", nn.init)
utils = mirror(f"{__name__}.utils", nn.utils, _convert, _adopting)
for _name in ("rnn", "parametrize", "parametrizations", "prune"):
    mirror(f"{__name__}.utils.{_name}", getattr(nn.utils, _name), _convert, _adopting)
mirror(f"{__name__}.utils.clip_grad", nn.utils, _convert, _adopting)
parameter = mirror(f"{__name__}.parameter", nn, _convert, **_own)
modules = mirror(f"{__name__}.modules", nn, _convert, **_own)
for _name in [
    "activation",
    "adaptive",
    "batchnorm",
    "container",
    "conv",
    "distance",
    "dropout",
    "flatten",
    "fold",
    "instancenorm",
    "linear",
    "loss",
    "module",
    "normalization",
    "padding",
    "pixelshuffle",
    "pooling",
    "rnn",
    "sparse",
    "transformer",
    "upsampling",
    "utils",
]:
    mirror(f"{__name__}.modules.{_name}", nn, _convert, **_own, **_module_hooks)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    value = getattr(nn, name)
    value = torching(value) if inspect.isfunction(value) else _convert(value)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*dir(nn), *globals()})
