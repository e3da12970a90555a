"""`torch.nn`: layers, losses, functions and helpers, with PyTorch's Tensors.

>>> import nn.torch.nn as nn
>>> import nn.torch.nn.functional as F
>>> from nn.torch.nn.utils.rnn import pad_sequence
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

import nn

from ..mirror import mirror, torching
from .layers import Buffer as Buffer
from .layers import Module as Module
from .layers import Parameter as Parameter
from .layers import twin_of


def _convert(value: Any) -> Any:
    """PyTorch's class of a layer; other values stay."""
    if value is nn.Parameter:
        return Parameter
    return twin_of(value) if inspect.isclass(value) and issubclass(value, nn.Module) else value


_own = {"Parameter": Parameter, "Module": Module}
functional = mirror(f"{__name__}.functional", nn.functional)
init = mirror(f"{__name__}.init", nn.init)
utils = mirror(f"{__name__}.utils", nn.utils, _convert)
for _name in ("rnn", "parametrize", "parametrizations", "prune"):
    mirror(f"{__name__}.utils.{_name}", getattr(nn.utils, _name), _convert)
mirror(f"{__name__}.utils.clip_grad", nn.utils, _convert)
mirror(f"{__name__}.utils.weight_norm", nn.utils, _convert)
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
    mirror(f"{__name__}.modules.{_name}", nn, _convert, **_own)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    value = getattr(nn, name)
    value = torching(value) if inspect.isfunction(value) else _convert(value)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*dir(nn), *globals()})
