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
import nn.distributed

from ..creation import scalar_tensor
from ..mirror import mirror, torching
from ..tensors import torched
from .layers import Buffer as Buffer
from .layers import Module as Module
from .layers import Parameter as Parameter
from .layers import UninitializedParameter as UninitializedParameter
from .layers import adopt, twin_of


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


_own: dict[str, Any] = {"Parameter": Parameter, "Module": Module}
functional = mirror(f"{__name__}.functional", nn.functional)
init = mirror(f"{__name__}.init", nn.init)
utils = mirror(f"{__name__}.utils", nn.utils, twin_of, _adopting)
for _name in ("rnn", "parametrize", "parametrizations", "prune", "fusion"):
    mirror(f"{__name__}.utils.{_name}", getattr(nn.utils, _name), twin_of, _adopting)
for _name in ("clip_grad", "convert_parameters", "init", "memory_format"):
    mirror(f"{__name__}.utils.{_name}", nn.utils, twin_of, _adopting)
SyncBatchNorm = twin_of(nn.distributed.SyncBatchNorm)
parallel = mirror(f"{__name__}.parallel", nn.distributed, twin_of, DataParallel=twin_of(nn.DataParallel))
parameter = mirror(f"{__name__}.parameter", nn, twin_of, **_own)
modules = mirror(f"{__name__}.modules", nn, twin_of, **_own)
for _name in [
    "activation",
    "adaptive",
    "batchnorm",
    "channelshuffle",
    "container",
    "conv",
    "distance",
    "dropout",
    "flatten",
    "fold",
    "instancenorm",
    "lazy",
    "linear",
    "loss",
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
    mirror(f"{__name__}.modules.{_name}", nn, twin_of, **_own)
_hooks = {name: getattr(nn.hooks, name) for name in nn.hooks.__all__ if name.startswith("register_")}
mirror(f"{__name__}.modules.module", nn, twin_of, **_own, **_hooks)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    value = getattr(nn, name)
    value = torching(value) if inspect.isfunction(value) else twin_of(value)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*dir(nn), *globals()})
